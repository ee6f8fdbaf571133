"""Long polls: receivers that wait for messages hold no thread and no connection.

A queue with waiters has one task per process. It receives for all of them at once, then sleeps until somebody says
that the queue changed (wakeups.py), until the next delayed or in-flight message turns visible, or until the first
waiter's time is up. It ends with its last waiter.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache

from aws_api.core.clock import Clock
from aws_api.core.context import Context
from aws_api.core.draining import on_drain
from aws_api.services.sqs.store import MessageRow, next_visible_at_ms
from aws_api.services.sqs.wakeups import wakeups

#: How long a wake-up that the bus lost may go unnoticed.
MAX_SLEEP_S = 5.0
#: Shortest sleep: clocks of processes differ by some milliseconds, and a spinning task helps nobody.
MIN_SLEEP_S = 0.01

Attempt = Callable[[], Awaitable[Sequence[MessageRow]]]


@dataclass(eq=False, kw_only=True, slots=True)
class _Waiter:
    attempt: Attempt
    deadline: float
    answer: "asyncio.Future[Sequence[MessageRow]]"


class WaitingRoom:
    """The waiters of one event loop, by queue."""

    def __init__(self) -> None:
        self._queues: dict[int, _QueueWaiters] = {}
        on_drain(self._send_all_away)

    async def wait(self, queue_id: int, attempt: Attempt, wait_s: float, context: Context) -> Sequence[MessageRow]:
        """Repeat ``attempt`` whenever it may find something, until it does, the time is up or the client hangs up."""
        loop = asyncio.get_running_loop()
        await wakeups().listen(self._wake)
        waiter = _Waiter(attempt=attempt, deadline=loop.time() + wait_s, answer=loop.create_future())
        queue = self._queues.get(queue_id)
        if queue is None:
            queue = self._queues[queue_id] = _QueueWaiters(queue_id, context.clock, self._queues)
        queue.add(waiter)
        if context.client_gone is None:
            return await waiter.answer
        gone = asyncio.ensure_future(context.client_gone())
        await asyncio.wait((waiter.answer, gone), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not waiter.answer.done():
            waiter.answer.set_result(())
        return waiter.answer.result()

    def count(self, queue_id: int) -> int:
        """How many wait for a queue in this process."""
        queue = self._queues.get(queue_id)
        return len(queue) if queue is not None else 0

    def _send_all_away(self) -> None:
        for queue in self._queues.values():
            queue.send_all_away()

    def _wake(self, queue_id: int) -> None:
        queue = self._queues.get(queue_id)
        if queue is not None:
            queue.changed.set()


class _QueueWaiters:
    """One queue's waiters and the task that serves them; takes itself out of ``home`` when the last has gone."""

    def __init__(self, queue_id: int, clock: Clock, home: "dict[int, _QueueWaiters]") -> None:
        self._queue_id = queue_id
        self._clock = clock
        self._home = home
        self._waiters: list[_Waiter] = []
        self.changed = asyncio.Event()
        self._task = asyncio.create_task(self._serve(), name=f"sqs waiters of {queue_id}")

    def __len__(self) -> int:
        return len(self._waiters)

    def add(self, waiter: _Waiter) -> None:
        self._waiters.append(waiter)
        self.changed.set()

    def send_all_away(self) -> None:
        for waiter in self._waiters:
            if not waiter.answer.done():
                waiter.answer.set_result(())
        self.changed.set()

    async def _serve(self) -> None:
        try:
            while self._waiters:
                self.changed.clear()
                await self._attempt_all()
                if self._waiters:
                    await self._sleep()
        except Exception as error:  # noqa: BLE001 - handed to every waiter, who raises it
            for waiter in self._waiters:
                if not waiter.answer.done():
                    waiter.answer.set_exception(error)
        finally:
            del self._home[self._queue_id]

    async def _attempt_all(self) -> None:
        """Serve who can be served, send away whose time is up, and forget who has gone."""
        self._waiters = [waiter for waiter in self._waiters if not waiter.answer.done()]
        asked = list(self._waiters)
        answers = await asyncio.gather(*(waiter.attempt() for waiter in asked))
        now = asyncio.get_running_loop().time()
        for waiter, rows in zip(asked, answers, strict=True):
            if (rows or now >= waiter.deadline) and not waiter.answer.done():
                waiter.answer.set_result(rows)
        self._waiters = [waiter for waiter in self._waiters if not waiter.answer.done()]

    async def _sleep(self) -> None:
        now_ms = self._clock.epoch_ms()
        next_ms = await next_visible_at_ms(self._queue_id, now_ms)
        until_visible = MAX_SLEEP_S if next_ms is None else (next_ms - now_ms) / 1000
        until_deadline = min(waiter.deadline for waiter in self._waiters) - asyncio.get_running_loop().time()
        timeout = max(MIN_SLEEP_S, min(MAX_SLEEP_S, until_visible, until_deadline))
        try:
            await asyncio.wait_for(self.changed.wait(), timeout)
        except TimeoutError:
            return


def waiting_room() -> WaitingRoom:
    """The running event loop's."""
    return _room_of(id(asyncio.get_running_loop()))


@cache
def _room_of(_loop_id: int) -> WaitingRoom:
    return WaitingRoom()
