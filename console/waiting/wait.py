"""Looking again when something may have changed, until a condition holds, cannot hold any more, or time is up.

Woken by StateChanges, by what the gateway tells of answered calls, and by the condition's own topic. A look now and
then makes up for what nobody tells of: the passing of time, and words that were lost. Nothing holds a thread meanwhile.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache

import orjson

from aws_api.core import bus, changes
from aws_api.core.changes import StateChange
from aws_api.gateway.records import TOLD
from console.waiting.condition import Condition, Seen

#: The longest between two looks: at first, and after many that nothing woke.
FIRST_LOOK_S, LAST_LOOK_S = 1.0, 8.0
#: Looks at once, so that many who wait leave the threads to those who work.
MAX_LOOKS = 6
#: A burst of wake-ups is one look.
GATHER_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the last look saw, and after how long."""

    seen: Seen
    waited_s: float


async def wait_for(condition: Condition, timeout_s: float) -> Outcome:
    """The first look at which the condition holds, or cannot hold any more; else the last one within the time."""
    started = time.monotonic()
    woken = asyncio.Event()
    patience_s = FIRST_LOOK_S
    services = condition.woken_by()

    def hear_calls(payload: bytes) -> None:
        for call in orjson.loads(payload):
            if call["service"] in services and call["accountId"] == condition.account_id:
                woken.set()

    def hear_change(payload: bytes) -> None:
        change = StateChange.from_json(payload)
        if change.account_id == condition.account_id and change.kind.startswith(condition.kinds):
            woken.set()

    async with AsyncExitStack() as stack:
        await _listen(stack, TOLD, hear_calls)
        if condition.kinds:
            await _listen(stack, changes.TOPIC, hear_change)
        if condition.topic:
            await _listen(stack, condition.topic, lambda _: woken.set())
        while True:
            woken.clear()
            async with _looks(asyncio.get_running_loop()):
                seen = await condition.look()
            waited_s = time.monotonic() - started
            left_s = timeout_s - waited_s
            if seen.holds or seen.never or left_s <= 0:
                return Outcome(seen=seen, waited_s=waited_s)
            try:
                async with asyncio.timeout(min(patience_s, left_s)):
                    await woken.wait()
                    await asyncio.sleep(GATHER_S)
            except TimeoutError:
                # Time to look all the same.
                patience_s = min(2 * patience_s, LAST_LOOK_S)


@cache
def _looks(_loop: asyncio.AbstractEventLoop) -> asyncio.Semaphore:
    return asyncio.Semaphore(MAX_LOOKS)


async def _listen(stack: AsyncExitStack, topic: str, listener: bus.Listener) -> None:
    process_bus = bus.process_bus()
    await process_bus.listen(topic, listener)
    stack.push_async_callback(process_bus.unlisten, topic, listener)
