"""Telling waiting receivers, in this process and in every other, that a queue may have something for them.

Local listeners are called at once. Other processes hear it over the bus, at most once in some milliseconds per
process however many messages are sent, because telling costs more than sending.
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
#: Queue ids in one message on the bus.
MAX_IDS = 1000

_ORIGIN_BYTES = 8

Listener = Callable[[int], None]


class Wakeups:
    """One event loop's end of the bus topic."""

    def __init__(self) -> None:
        self._origin = secrets.token_bytes(_ORIGIN_BYTES)
        self._listener: Listener | None = None
        self._pending: set[int] = set()
        self._publishing: asyncio.Task[None] | None = None

    async def listen(self, listener: Listener) -> None:
        """Call ``listener(queue_id)`` from now on."""
        if self._listener is None:
            self._listener = listener
            await bus.process_bus().listen(TOPIC, self._hear)

    def announce(self, queue_ids: Iterable[int]) -> None:
        """Say that these queues have changed. Call it after the commit; never waits."""
        for queue_id in queue_ids:
            self._pending.add(queue_id)
            if self._listener is not None:
                self._listener(queue_id)
        if self._publishing is None or self._publishing.done():
            self._publishing = asyncio.get_running_loop().create_task(self._publish(), name="sqs wakeups")

    async def _publish(self) -> None:
        while self._pending:
            queue_ids = [self._pending.pop() for _ in range(min(len(self._pending), MAX_IDS))]
            await bus.publish_async((TOPIC, self._origin + struct.pack(f">{len(queue_ids)}q", *queue_ids)))
            await asyncio.sleep(PUBLISH_INTERVAL_S)

    def _hear(self, payload: bytes) -> None:
        if payload[:_ORIGIN_BYTES] == self._origin or self._listener is None:
            return
        for (queue_id,) in struct.iter_unpack(">q", payload[_ORIGIN_BYTES:]):
            self._listener(queue_id)


def wakeups() -> Wakeups:
    """The running event loop's."""
    return _wakeups_of(id(asyncio.get_running_loop()))


@cache
def _wakeups_of(_loop_id: int) -> Wakeups:
    return Wakeups()
