"""Answers who asks for containers' figures, with what the engine measures; measures nothing unasked.

The engine takes a second for each; a container that many ask about is measured once for all of them.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from aws_api.core.container_statistics import Question, Statistics, answer_questions
from aws_api.core.containers import ContainerRuntime, RuntimeFailure

#: Measures at once: as many as the largest task has containers.
_MAX_MEASURES = 11
#: Questions that wait for their answer; of more, who asked gets none.
_MAX_OPEN = 100

_log = logging.getLogger(__name__)


class StatisticsDesk:
    """Answers questions on the event loop until cancelled."""

    def __init__(self, runtime: ContainerRuntime) -> None:
        self._runtime = runtime
        self._executor = ThreadPoolExecutor(max_workers=_MAX_MEASURES, thread_name_prefix="statistics")
        self._measures: dict[str, asyncio.Future[Statistics | None]] = {}
        self._open: set[asyncio.Task[None]] = set()

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
        found = await asyncio.gather(*(asyncio.shield(self._measured(name)) for name in question.names))
        await question.answer(dict(zip(question.names, found, strict=True)))

    def _measured(self, name: str) -> "asyncio.Future[Statistics | None]":
        """A container's figures, from a measure that is under way or begins now."""
        if name not in self._measures:
            measure = asyncio.get_running_loop().run_in_executor(self._executor, self._measure, name)
            measure.add_done_callback(lambda _: self._measures.pop(name, None))
            self._measures[name] = measure
        return self._measures[name]

    def _measure(self, name: str) -> Statistics | None:
        try:
            return self._runtime.statistics(name)
        except RuntimeFailure as failure:
            _log.warning("no figures of %s: %s", name, failure)
            return None
