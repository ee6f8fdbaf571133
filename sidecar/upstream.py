"""Asking upstream what is not known here, over UDP and TCP, and remembering the answers while they live."""

import asyncio
import random
import struct
from collections.abc import Callable
from typing import cast

from sidecar.messages import HEADER, OPT, Malformed, Question, lifetimes

#: Longest that an answer is kept, and that one of nothing is.
MAX_KEPT_S, MAX_KEPT_NOTHING_S = 300, 30
_KEPT_ANSWERS = 10_000
_TIMEOUT_S = 5.0
_ASK_AGAIN_S = 1.5
_MAX_ASKED = 5_000
_TRUNCATED = 0x02
_NAME_ERROR = 3

Address = tuple[str, int]


class UpstreamFailure(Exception):
    """Upstream does not answer."""


class Upstream:
    """The resolver behind this one."""

    def __init__(self, address: Address, clock: Callable[[], float]) -> None:
        self._address = address
        self._clock = clock
        self._kept: dict[bytes, _Kept] = {}
        self._forwarder: _Forwarder | None = None
        self._opening = asyncio.Lock()

    def remembered(self, message: bytes, question: Question) -> bytes | None:
        """The answer from memory, with what is left of its life."""
        key = _key(message, question)
        kept = self._kept.get(key)
        if kept is None:
            return None
        now = self._clock()
        if now >= kept.until:
            del self._kept[key]
            return None
        return kept.answer(question, int(now - kept.since))

    async def ask(self, message: bytes, question: Question, *, over_tcp: bool) -> bytes:
        """Upstream's answer. Raises UpstreamFailure."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await (self._ask_tcp(message) if over_tcp else self._ask_udp(message))
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            raise UpstreamFailure(str(error)) from error
        if len(answer) < HEADER.size + len(question.raw):
            raise UpstreamFailure("the answer is too short")
        self._keep(_key(message, question), answer, question)
        return question.id + answer[2:]

    def close(self) -> None:
        """Let the socket go."""
        if self._forwarder is not None:
            self._forwarder.close()

    async def _ask_udp(self, message: bytes) -> bytes:
        # Many first questions come at once: one opens the socket for all of them.
        async with self._opening:
            if self._forwarder is None or self._forwarder.is_closed:
                loop = asyncio.get_running_loop()
                _, self._forwarder = await loop.create_datagram_endpoint(_Forwarder, remote_addr=self._address)
            forwarder = self._forwarder
        return await forwarder.ask(message)

    async def _ask_tcp(self, message: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self._address)
        try:
            writer.write(struct.pack("!H", len(message)) + message)
            return await read_message(reader)
        finally:
            writer.close()

    def _keep(self, key: bytes, answer: bytes, question: Question) -> None:
        rcode = answer[3] & 0xF
        echoed = answer[HEADER.size : HEADER.size + len(question.raw)].lower() == question.raw.lower()
        if answer[2] & _TRUNCATED or rcode not in (0, _NAME_ERROR) or not echoed:
            return
        try:
            fields = [(at, ttl_s) for type_, at, ttl_s in lifetimes(answer) if type_ != OPT]
        except Malformed:
            return
        if not fields:
            return
        is_something = int.from_bytes(answer[6:8], "big") > 0
        life_s = min([ttl_s for _, ttl_s in fields] + [MAX_KEPT_S if is_something else MAX_KEPT_NOTHING_S])
        if life_s > 0:
            if len(self._kept) >= _KEPT_ANSWERS:
                self._kept.clear()
            now = self._clock()
            self._kept[key] = _Kept(answer, fields, now, now + life_s)


class _Kept:
    """An answer with the places of its times to live."""

    def __init__(self, message: bytes, fields: list[tuple[int, int]], since: float, until: float) -> None:
        self._message = message
        self._fields = fields
        self.since = since
        self.until = until

    def answer(self, question: Question, age_s: int) -> bytes:
        message = bytearray(self._message)
        message[:2] = question.id
        # In the client's own spelling: some mix the cases and want to see them again.
        message[HEADER.size : HEADER.size + len(question.raw)] = question.raw
        for at, ttl_s in self._fields:
            struct.pack_into("!I", message, at, max(ttl_s - age_s, 0))
        return bytes(message)


class _Forwarder(asyncio.DatagramProtocol):
    """Asks upstream under ids of its own."""

    def __init__(self) -> None:
        self._asked: dict[bytes, asyncio.Future[bytes]] = {}
        self.is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: until Python 3.12, asyncio's own datagram transports did not say that they are some.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def close(self) -> None:
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True

    async def ask(self, message: bytes) -> bytes:
        """The answer, whenever it comes: who calls has the limit."""
        if len(self._asked) >= _MAX_ASKED:
            raise OSError("too many questions are under way")
        own_id = struct.pack("!H", random.randrange(65536))
        while own_id in self._asked:
            own_id = struct.pack("!H", random.randrange(65536))
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        self._asked[own_id] = future
        self._transport.sendto(own_id + message[2:])
        # Datagrams get lost; one more tells whether upstream is.
        again = loop.call_later(_ASK_AGAIN_S, self._transport.sendto, own_id + message[2:])
        try:
            return await future
        finally:
            again.cancel()
            del self._asked[own_id]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        future = self._asked.get(data[:2])
        if future is not None and not future.done():
            future.set_result(data)

    def error_received(self, exc: Exception) -> None:
        """Upstream's port is closed for the moment; the limit ends the waiting."""


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """One message of a TCP connection."""
    (length,) = struct.unpack("!H", await reader.readexactly(2))
    return await reader.readexactly(length)


def _key(message: bytes, question: Question) -> bytes:
    """What tells questions apart: their flags and EDNS besides the name, in lower case, the type and the class."""
    edns = question.edns
    marks = b"" if edns is None else struct.pack("!H?", question.datagram_bytes, edns.is_dnssec_ok)
    return message[2:4] + question.raw.lower() + marks
