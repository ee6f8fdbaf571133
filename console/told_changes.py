"""That something of an account may have changed, told to the pages that show it.

Three tell it: the gateway of requests that it answered, the controllers by StateChange, and the console of the calls
that it makes itself, which pass by no gateway.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson

from aws_api.core import bus, changes
from aws_api.core.changes import StateChange
from aws_api.gateway.records import TOLD

_OF_THE_CONSOLE = "console.changes"
_READS = re.compile(
    r"(Get|List|Describe|BatchGet|Query|Scan|Search|Lookup|Filter|Simulate|Discover|Head|Receive)[A-Z]?"
)


def tell(account_id: str, service: str, operation: str) -> None:
    """Say that the console made a call."""
    if not _READS.match(operation):
        bus.publish(_OF_THE_CONSOLE, orjson.dumps([account_id, service]))


@asynccontextmanager
async def changed_services(account_id: str) -> AsyncIterator["asyncio.Queue[str]"]:
    """A queue of the services that something of an account changed in, while the block runs; full, it says no more.

    A StateChange is told as the service of its kind: ``ecs.task`` as ``ecs``.
    """
    told: asyncio.Queue[str] = asyncio.Queue(bus.MAX_PENDING)

    def put(service: str) -> None:
        if not told.full():
            told.put_nowait(service)

    def of_the_gateway(payload: bytes) -> None:
        for call in orjson.loads(payload):
            if call["accountId"] == account_id and call["succeeded"] and not _READS.match(call["operation"]):
                put(call["service"])

    def of_a_controller(payload: bytes) -> None:
        change = StateChange.from_json(payload)
        if change.account_id == account_id:
            put(change.kind.partition(".")[0])

    def of_the_console(payload: bytes) -> None:
        of_account, service = orjson.loads(payload)
        if of_account == account_id:
            put(service)

    listeners = {TOLD: of_the_gateway, changes.TOPIC: of_a_controller, _OF_THE_CONSOLE: of_the_console}
    listening = bus.process_bus()
    for topic, listener in listeners.items():
        await listening.listen(topic, listener)
    try:
        yield told
    finally:
        for topic, listener in listeners.items():
            await listening.unlisten(topic, listener)
