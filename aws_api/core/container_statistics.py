"""Containers' figures, asked for over the bus: whoever watches the engine answers, when somebody asks and not before.

A question carries names and the topic to answer on; an answer is the engine's own statistics by name, or the bytes that
each container wrote. Losing either is no harm: who asked gets nothing, as for a container that does not run.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from aws_api.core import bus
from aws_api.core.ids import new_uuid

#: Docker's statistics of a container, as its API answers them.
Statistics = Mapping[str, Any]

MAX_NAMES = 20
#: The engine measures for a second; what is not there after this is not coming.
WAIT_S = 5.0
_QUESTIONS = "container.statistics"


class Figures(StrEnum):
    """What can be asked."""

    STATISTICS = "statistics"
    WRITTEN_BYTES = "written_bytes"


@dataclass(frozen=True, kw_only=True)
class Question:
    """Whose figures are wanted, which, and where the answer goes."""

    names: Sequence[str]
    answer_to: str
    figures: str = Figures.STATISTICS

    async def answer(self, found: Mapping[str, Any]) -> None:
        """Send the figures to who asked."""
        await bus.publish_async((self.answer_to, orjson.dumps(found)))


async def container_statistics(names: Sequence[str]) -> Mapping[str, Statistics]:
    """The figures of the containers of these engine names, as they are now; those that do not run are not in it."""
    return await _ask(names, Figures.STATISTICS)


async def written_bytes(names: Sequence[str]) -> Mapping[str, int]:
    """What the containers of these engine names wrote to their own layers; those that are not there are not in it."""
    return await _ask(names, Figures.WRITTEN_BYTES)


async def _ask(names: Sequence[str], figures: Figures) -> Mapping[str, Any]:
    question = Question(names=list(names)[:MAX_NAMES], answer_to=f"{_QUESTIONS}.{new_uuid()}", figures=figures)
    async with bus.subscription(question.answer_to) as answers:
        if await bus.tell_async(_QUESTIONS, orjson.dumps(question)):
            with suppress(TimeoutError):
                found: Mapping[str, Any] = orjson.loads(await asyncio.wait_for(answers.get(), WAIT_S))
                return {name: figure for name, figure in found.items() if figure is not None}
    return {}


async def answer_questions(answer: Callable[[Question], None]) -> None:
    """Call ``answer`` on the event loop for each question, until cancelled. It must not block."""
    async with bus.subscription(_QUESTIONS) as questions:
        while True:
            answer(Question(**orjson.loads(await questions.get())))
