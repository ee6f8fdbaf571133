"""Answers who asks for containers' figures, with what the engine measures; measures nothing unasked.

The engine takes a second for each; a container that many ask about is measured once for all of them.
"""

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aws_api.core.container_statistics import Figures, Question, Statistics, answer_questions
from aws_api.core.containers import ContainerRuntime, RuntimeFailure

#: Measures at once: as many as the largest task has containers.
_MAX_MEASURES = 11
#: Questions that wait for their answer; of more, who asked gets none.
_MAX_OPEN = 100
#: Containers whose traffic is remembered until they are asked about again.
_MAX_REMEMBERED = 1000

_log = logging.getLogger(__name__)


class StatisticsDesk:
    """Answers questions on the event loop until cancelled."""

    def __init__(self, runtime: ContainerRuntime) -> None:
        self._runtime = runtime
        self._executor = ThreadPoolExecutor(max_workers=_MAX_MEASURES, thread_name_prefix="statistics")
        self._measures: dict[str, asyncio.Future[Statistics | None]] = {}
        self._open: set[asyncio.Task[None]] = set()
        self._traffic: dict[str, _Traffic] = {}
        self._remembering = threading.Lock()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await answer_questions(self._accept)
        finally:
            for task in self._open:
                task.cancel()
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _accept(self, question: Question) -> None:
        if len(self._open) >= _MAX_OPEN:
            return
        task = asyncio.create_task(self._answer(question), name="statistics")
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _answer(self, question: Question) -> None:
        if question.figures == Figures.WRITTEN_BYTES:
            loop = asyncio.get_running_loop()
            written = (loop.run_in_executor(self._executor, self._written_bytes, name) for name in question.names)
            await question.answer(dict(zip(question.names, await asyncio.gather(*written), strict=True)))
            return
        found = await asyncio.gather(*(asyncio.shield(self._measured(name)) for name in question.names))
        await question.answer(dict(zip(question.names, found, strict=True)))

    def _measured(self, name: str) -> "asyncio.Future[Statistics | None]":
        """A container's figures, from a measure that is under way or begins now."""
        if name not in self._measures:
            measure = asyncio.get_running_loop().run_in_executor(self._executor, self._measure, name)
            measure.add_done_callback(lambda _: self._measures.pop(name, None))
            self._measures[name] = measure
        return self._measures[name]

    def _written_bytes(self, name: str) -> int | None:
        try:
            return self._runtime.written_bytes(name)
        except RuntimeFailure as failure:
            _log.warning("no size of %s: %s", name, failure)
            return None

    def _measure(self, name: str) -> Statistics | None:
        try:
            figures = self._runtime.statistics(name)
        except RuntimeFailure as failure:
            _log.warning("no figures of %s: %s", name, failure)
            return None
        if figures is None or "networks" not in figures:
            return figures
        now = _Traffic.of(figures)
        with self._remembering:
            before = self._traffic.pop(name, None)
            if len(self._traffic) >= _MAX_REMEMBERED:
                self._traffic.pop(next(iter(self._traffic)))
            self._traffic[name] = now
        return {**figures, "network_rate_stats": now.since(before)} if before else figures


@dataclass(frozen=True, kw_only=True)
class _Traffic:
    """What had passed a container's interfaces at a moment."""

    at_s: float
    received_bytes: int
    sent_bytes: int

    @classmethod
    def of(cls, figures: Statistics) -> "_Traffic":
        interfaces = figures["networks"].values()
        return cls(
            at_s=time.monotonic(),
            received_bytes=sum(interface["rx_bytes"] for interface in interfaces),
            sent_bytes=sum(interface["tx_bytes"] for interface in interfaces),
        )

    def since(self, before: "_Traffic") -> Statistics:
        """The rate since an earlier moment, as ECS's agent adds it to the engine's figures."""
        passed_s = max(self.at_s - before.at_s, 0.001)
        return {
            "rx_bytes_per_sec": max(self.received_bytes - before.received_bytes, 0) / passed_s,
            "tx_bytes_per_sec": max(self.sent_bytes - before.sent_bytes, 0) / passed_s,
        }
