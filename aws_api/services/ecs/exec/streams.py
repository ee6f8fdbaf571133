"""The two directions of a data channel: what was sent and not acknowledged, and what came out of its order. Pure.

Time is handed in, in seconds of any steady clock. The figures are those of the session-manager-plugin.
"""

from collections import OrderedDict
from dataclasses import dataclass

from aws_api.services.ecs.exec.messages import AgentMessage, Flags, MessageType, encode

#: What may be under way without an acknowledgement; the program waits then.
MAX_UNACKNOWLEDGED = 1000
#: What may wait for a message before it.
MAX_OUT_OF_ORDER = 1000
#: A message that nobody acknowledges for so long has nobody at its other end.
GIVE_UP_S = 300.0
_FIRST_TIMEOUT_S = 0.2
_MAX_TIMEOUT_S = 1.0
_CLOCK_GRANULARITY_S = 0.01
_ROUND_TRIP_WEIGHT = 1 / 8
_VARIATION_WEIGHT = 1 / 4


class NobodyListens(Exception):
    """A message was sent again and again, and never acknowledged."""


@dataclass
class _Sent:
    data: bytes
    first_at: float
    last_at: float


class Outgoing:
    """Numbers messages, and keeps them until they are acknowledged."""

    def __init__(self) -> None:
        self._next_number = 0
        self._unacknowledged: OrderedDict[int, _Sent] = OrderedDict()
        self._round_trip_s = _FIRST_TIMEOUT_S / 2
        self._variation_s = 0.0
        self.timeout_s = _FIRST_TIMEOUT_S

    @property
    def is_full(self) -> bool:
        return len(self._unacknowledged) >= MAX_UNACKNOWLEDGED

    @property
    def is_empty(self) -> bool:
        """Whether everything has arrived."""
        return not self._unacknowledged

    def add(self, payload_type: int, payload: bytes, *, now: float, created_ms: int, is_last: bool = False) -> bytes:
        """The next message of the stream, to be sent now."""
        flags = (Flags.SYN if self._next_number == 0 else Flags(0)) | (Flags.FIN if is_last else Flags(0))
        message = AgentMessage(
            type=MessageType.OUTPUT,
            payload=payload,
            payload_type=payload_type,
            sequence_number=self._next_number,
            flags=flags,
            created_ms=created_ms,
        )
        data = encode(message)
        self._unacknowledged[self._next_number] = _Sent(data, now, now)
        self._next_number += 1
        return data

    def acknowledge(self, number: int, *, now: float) -> None:
        """A message has arrived. One that is not waited for is acknowledged twice."""
        sent = self._unacknowledged.pop(number, None)
        if sent is None or sent.last_at != sent.first_at:
            return  # of one that was sent twice nobody knows which arrived
        took_s = now - sent.first_at
        self._variation_s += _VARIATION_WEIGHT * (abs(self._round_trip_s - took_s) - self._variation_s)
        self._round_trip_s += _ROUND_TRIP_WEIGHT * (took_s - self._round_trip_s)
        waits_s = self._round_trip_s + max(_CLOCK_GRANULARITY_S, 4 * self._variation_s)
        self.timeout_s = min(_MAX_TIMEOUT_S, waits_s)

    def due(self, *, now: float) -> bytes | None:
        """The oldest message, where it is time to send it again. Raises NobodyListens."""
        if not self._unacknowledged:
            return None
        sent = next(iter(self._unacknowledged.values()))
        if now - sent.first_at > GIVE_UP_S:
            raise NobodyListens
        if now - sent.last_at <= self.timeout_s:
            return None
        sent.last_at = now
        return sent.data


@dataclass(frozen=True, kw_only=True)
class Received:
    """What a message leads to: whether it is acknowledged, and the messages whose turn it is now."""

    is_acknowledged: bool
    ready: tuple[AgentMessage, ...] = ()


class Incoming:
    """Puts messages into their order, each once."""

    def __init__(self) -> None:
        self._expected = 0
        self._waiting: dict[int, AgentMessage] = {}

    def receive(self, message: AgentMessage) -> Received:
        """Take a message, in whatever order and however often it comes."""
        number = message.sequence_number
        if number < self._expected:
            # Its acknowledgement was lost.
            return Received(is_acknowledged=True)
        if number > self._expected:
            if number not in self._waiting and len(self._waiting) >= MAX_OUT_OF_ORDER:
                return Received(is_acknowledged=False)
            self._waiting.setdefault(number, message)
            return Received(is_acknowledged=True)
        ready = [message]
        self._expected += 1
        while (following := self._waiting.pop(self._expected, None)) is not None:
            ready.append(following)
            self._expected += 1
        return Received(is_acknowledged=True, ready=tuple(ready))
