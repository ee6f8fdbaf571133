"""Telling waiting receivers, in this process and in every other, that a queue may have something for them.

Local listeners are called at once. Other processes hear it over the bus, at most once in some milliseconds per
process however many messages are sent, because telling costs more than sending. A process that finds nobody else on
the topic is silent until somebody comes: whoever begins to hear says so, and is told what was not said meanwhile.
"""

import asyncio
import secrets
import struct
from collections.abc import Callable, Iterable
from functools import cache

from aws_api.core import bus

TOPIC = "sqs.wakeups"
#: The shortest time between two messages of ours on the bus: nobody notices it, and it bounds the cost.
PUBLISH_INTERVAL_S = 0.008
#: Queue ids in one message on the bus, and as many that a newcomer is told; more are told to nobody, at once.
MAX_IDS = 1000

_ORIGIN_BYTES = 8

Listener = Callable[[int], None]


class Wakeups:
    """One event loop's end of the bus topic. A message without queue ids says that its sender hears from now on."""

    def __init__(self) -> None:
        self._origin = secrets.token_bytes(_ORIGIN_BYTES)
        self._listener: Listener | None = None
        self._pending: set[int] = set()
        self._publishing: asyncio.Task[None] | None = None
        self._greeting: asyncio.Task[int] | None = None
        self._joined = False
        self._hears = False
        self._is_alone = False
        self._newcomers = 0

    async def listen(self, listener: Listener) -> None:
        """Call ``listener(queue_id)`` from now on."""
        self._listener = listener
        await self._join()

    def announce(self, queue_ids: Iterable[int]) -> None:
        """Say that these queues have changed. Call it after the commit; never waits."""
        for queue_id in queue_ids:
            self._pending.add(queue_id)
            if self._listener is not None:
                self._listener(queue_id)
        if not self._is_alone or len(self._pending) > MAX_IDS:
            self._begin_publishing()

    def _begin_publishing(self) -> None:
        if self._publishing is None or self._publishing.done():
            self._publishing = asyncio.get_running_loop().create_task(self._publish(), name="sqs wakeups")

    async def _publish(self) -> None:
        await self._join()
        while self._pending:
            queue_ids = [self._pending.pop() for _ in range(min(len(self._pending), MAX_IDS))]
            newcomers = self._newcomers
            heard = await bus.tell_async(TOPIC, self._origin + struct.pack(f">{len(queue_ids)}q", *queue_ids))
            # Only who hears newcomers may be silent; the one that heard this is then this process itself.
            self._is_alone = self._hears and heard == 1 and newcomers == self._newcomers
            await asyncio.sleep(PUBLISH_INTERVAL_S)

    async def _join(self) -> None:
        if not self._joined:
            self._joined = True
            await bus.process_bus().listen(TOPIC, self._hear, self._hearing)

    def _hearing(self, hears: bool) -> None:
        self._hears, self._is_alone = hears, False
        if hears:
            self._greeting = asyncio.get_running_loop().create_task(bus.tell_async(TOPIC, self._origin))

    def _hear(self, payload: bytes) -> None:
        if payload[:_ORIGIN_BYTES] == self._origin:
            return
        if len(payload) == _ORIGIN_BYTES:
            self._is_alone = False
            self._newcomers += 1
            if self._pending:
                self._begin_publishing()
        elif self._listener is not None:
            for (queue_id,) in struct.iter_unpack(">q", payload[_ORIGIN_BYTES:]):
                self._listener(queue_id)


def wakeups() -> Wakeups:
    """The running event loop's."""
    return _wakeups_of(id(asyncio.get_running_loop()))


@cache
def _wakeups_of(_loop_id: int) -> Wakeups:
    return Wakeups()
