"""Asking every process that listens to a topic, and waiting for as many answers as there are listeners.

A process that does not answer in time is passed over: answers are what people are shown, never what is decided by.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aws_api.core import bus
from aws_api.core.ids import new_request_id

Answer = Callable[[], bytes]


async def ask(topic: str, *, limit_s: float) -> list[bytes]:
    """The answers of all who listen now; those that did not come within the limit are missing."""
    answer_to = f"{topic}.{new_request_id()}"
    answers: asyncio.Queue[bytes] = asyncio.Queue(bus.MAX_PENDING)
    subscribed = asyncio.Event()

    def hear(hears: bool) -> None:
        if hears:
            subscribed.set()

    process_bus = bus.process_bus()
    await process_bus.listen(answer_to, answers.put_nowait, hear)
    found: list[bytes] = []
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await subscribed.wait()
                asked = await bus.tell_async(topic, answer_to.encode())
                while len(found) < asked:
                    found.append(await answers.get())
    finally:
        await process_bus.unlisten(answer_to, answers.put_nowait)
    return found


async def answer(question: bytes, text: bytes) -> None:
    """Answer who asked; ``question`` is what was heard on the topic."""
    await bus.publish_async((question.decode(), text))
