"""Group commit: requests of one kind that arrive while the last batch is under way go into one statement."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Request = TypeVar("Request")
Answer = TypeVar("Answer")

MAX_BATCH = 500


class Coalescer(Generic[Request, Answer]):
    """Runs ``run(batch) -> answers`` (one answer per request, in order; an Exception as an answer is raised to its
    caller) with at most ``lanes`` batches under way at once. Lives on one event loop.

    An exception of ``run`` itself reaches every caller of that batch.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Request]], Awaitable[Sequence[Answer | Exception]]],
        *,
        lanes: int = 2,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self._run = run
        self._free_lanes = lanes
        self._max_batch = max_batch
        self._waiting: list[tuple[Request, asyncio.Future[Answer]]] = []
        self._under_way: set[asyncio.Task[None]] = set()
        #: Whether the last batch was a single request's: then the next one's will be, and need not wait for company.
        self._is_quiet = True

    async def submit(self, request: Request) -> Answer:
        """Put the request into the next batch and wait for its answer."""
        if self._is_quiet and self._free_lanes and not self._waiting:
            return await self._run_alone(request)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._free_lanes:
            self._open_lane()
        return await future

    async def _run_alone(self, request: Request) -> Answer:
        """Run a batch of one in its caller's own task: a task and a future less is a lone client's shorter wait."""
        self._free_lanes -= 1
        try:
            (answer,) = await self._run([request])
        finally:
            self._free_lanes += 1
            if self._waiting:
                self._open_lane()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _open_lane(self) -> None:
        self._free_lanes -= 1
        # A task begins in the loop's next turn: what else arrives in this one comes along.
        lane = asyncio.get_running_loop().create_task(self._run_lane())
        self._under_way.add(lane)
        lane.add_done_callback(self._under_way.discard)

    async def _run_lane(self) -> None:
        """Run batches until nobody waits."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
                self._is_quiet = len(batch) == 1
                await self._run_batch(batch)
        finally:
            self._free_lanes += 1

    async def _run_batch(self, batch: list[tuple[Request, "asyncio.Future[Answer]"]]) -> None:
        try:
            answers = await self._run([request for request, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to every caller, who raises it
            answers = [error] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():  # its caller went away
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
