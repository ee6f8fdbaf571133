"""What happens, as a stream: changes of resources' statuses, and clients' calls that made, changed or deleted things.

Bounded: who reads slowly loses the oldest events, told by ``lost``; a comment now and then keeps the connection alive.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import orjson

from aws_api.core import bus, changes
from aws_api.core.changes import StateChange
from aws_api.core.seeds import makes_something
from aws_api.gateway.records import TOLD

HEARTBEAT_S = 15.0
MAX_PENDING = 1000

_VERB_AND_NOUN = re.compile(r"(Batch[A-Z][a-z]+|[A-Z][a-z]+)(.*)")


async def event_stream(account_id: str) -> AsyncIterator[bytes]:
    """Server-sent events of an account, or of all of them (empty), from now on and without an end."""
    pending: deque[bytes] = deque(maxlen=MAX_PENDING)
    woken = asyncio.Event()
    lost = 0

    def put(events: Iterator[Mapping[str, Any]]) -> None:
        nonlocal lost
        for event in events:
            if account_id in ("", event["accountId"]):
                lost += len(pending) == MAX_PENDING
                pending.append(b"data: " + orjson.dumps(event) + b"\n\n")
                woken.set()

    def hear_change(payload: bytes) -> None:
        put(_of_change(StateChange.from_json(payload)))

    def hear_calls(payload: bytes) -> None:
        put(_of_calls(payload))

    process_bus = bus.process_bus()
    await process_bus.listen(changes.TOPIC, hear_change)
    await process_bus.listen(TOLD, hear_calls)
    try:
        yield b": simfra\n\n"
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await woken.wait()
            except TimeoutError:
                yield b": still here\n\n"
            woken.clear()
            if lost:
                yield b'event: lost\ndata: {"lost":%d}\n\n' % lost
                lost = 0
            while pending:
                yield pending.popleft()
    finally:
        await process_bus.unlisten(changes.TOPIC, hear_change)
        await process_bus.unlisten(TOLD, hear_calls)


def _of_change(change: StateChange) -> Iterator[Mapping[str, Any]]:
    service, _, kind = change.kind.partition(".")
    yield {
        "service": service,
        "type": kind or service,
        "action": change.after,
        "accountId": change.account_id,
        "region": change.region,
        "key": change.key,
        "before": change.before,
        "cause": change.cause,
    }


def _of_calls(payload: bytes) -> Iterator[Mapping[str, Any]]:
    for call in orjson.loads(payload):
        named = _VERB_AND_NOUN.fullmatch(call["operation"])
        if call["succeeded"] and named is not None and makes_something(call["operation"]):
            yield {
                "service": call["service"],
                "type": named[2],
                "action": named[1],
                "accountId": call["accountId"],
                "region": call["region"],
                "count": call["count"],
            }
