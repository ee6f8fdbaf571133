"""What is asked of the gateway: the requests under way and the last ones of every process, for people and for tests.

Records wait in memory for a moment and go to a bounded Valkey list together, so that a busy request path pays a
few microseconds for them. Whoever reads has every process hand on what it has first: what was answered is there. The
bus hears of what was handed on (TOLD), for those who wait for something to be called.
"""

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from aws_api.core import asking, bus
from aws_api.core.context import Principal
from aws_api.core.decisions import AccessDecision
from aws_api.core.ids import new_request_id
from aws_api.gateway.router import Route
from aws_api.gateway.told_parameters import MAX_BODY_BYTES, told_parameters
from aws_api.protocol.wire import WireRequest

KEPT = 1000
LIST = "requests"
#: Each flush is told here: ``[{service, operation, accountId, region, succeeded, count}]``.
TOLD = "requests.told"
#: Different calls in one telling; of more the rest is not told.
MAX_TOLD = 200
_FLUSH_EVERY_S = 0.1
_ASKED = "requests.asked"
#: Longest that a reader waits for a process; one that takes longer is missing for once.
_ANSWER_WITHIN_S = 1.0
#: Requests under way that a process tells of.
_MAX_UNDER_WAY = 500


class UnderWay:
    """A request that is being answered, and what has been found out about it so far."""

    __slots__ = ("fault", "id", "parameters", "principal", "request", "route", "started")

    def __init__(self, request: WireRequest) -> None:
        self.request = request
        self.id = new_request_id()
        self.started = time.perf_counter()
        self.route: Route | None = None
        self.principal: Principal | None = None
        self.parameters: Mapping[str, Any] | None = None
        #: The id of the fault that it was hit by.
        self.fault = ""

    @property
    def duration_ms(self) -> float:
        """How long it takes so far."""
        return (time.perf_counter() - self.started) * 1000

    def let_go(self) -> None:
        """Forget a body that is too long to be told: many may wait to be handed on."""
        if len(self.request.body) > MAX_BODY_BYTES:
            self.request, self.parameters = replace(self.request, body=b""), None

    def document(self) -> dict[str, Any]:
        """The request as the admin API shows it while it has no answer."""
        return self.members(time.time(), self.duration_ms, None)

    def members(self, now_s: float, duration_ms: float, status: int | None) -> dict[str, Any]:
        """What is told of it at a moment, answered or not."""
        route, principal = self.route, self.principal
        started = datetime.fromtimestamp(now_s - duration_ms / 1000, UTC)
        return {
            "id": self.id,
            "started": started.isoformat(timespec="milliseconds"),
            "method": self.request.method,
            "path": self.request.path,
            "service": route.service if route else "",
            "operation": route.operation if route else "",
            "status": status,
            "duration_ms": round(duration_ms, 3),
            "account_id": principal.account_id if principal else "",
            "region": route.region if route else "",
            "principal": principal.arn if principal else "",
            "parameters": told_parameters(route.service, route.operation, self.parameters, len(self.request.body))
            if route
            else None,
            "fault": self.fault,
        }


class RequestRecord(NamedTuple):
    """An answered request, as little of it as has to be kept: what people read is made of it when it is handed on."""

    under_way: UnderWay
    status: int
    error: str
    decisions: Sequence[AccessDecision]
    ended_s: float
    duration_ms: float

    def document(self) -> Mapping[str, Any]:
        """What the admin API lists under /debug/requests. ``decisions`` says which permissions it needed."""
        members = self.under_way.members(self.ended_s, self.duration_ms, self.status)
        return {**members, "error": self.error, "decisions": self.decisions}

    def __str__(self) -> str:
        route, principal, request = self.under_way.route, self.under_way.principal, self.under_way.request
        what = f"{route.service}.{route.operation}" if route else f"{request.method} {request.path}"
        account_id = principal.account_id if principal else ""
        return f"{what} {self.status} {self.error} {self.duration_ms:.1f} ms {account_id} {self.under_way.id}"


class RequestRecords:
    """Gathers a process's records and hands them on every tenth of a second, and whenever somebody asks."""

    def __init__(self) -> None:
        self._under_way: set[UnderWay] = set()
        self._waiting: deque[RequestRecord] = deque(maxlen=KEPT)
        self._flushing: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()

    def begin(self, request: WireRequest) -> UnderWay:
        """A request has arrived."""
        under_way = UnderWay(request)
        self._under_way.add(under_way)
        return under_way

    def end(self, under_way: UnderWay) -> None:
        """It is over, whether it was answered or not."""
        self._under_way.discard(under_way)

    def add(self, record: RequestRecord) -> None:
        """Keep a record; of more than KEPT between two flushes the oldest are dropped."""
        record.under_way.let_go()
        self._waiting.append(record)

    async def start(self) -> None:
        """Begin handing on; on the event loop."""
        self._flushing = asyncio.get_running_loop().create_task(self._flush_for_ever())
        await bus.process_bus().listen(_ASKED, self._hear)

    async def stop(self) -> None:
        """Hand on what is left and end."""
        if self._flushing is not None:
            await bus.process_bus().unlisten(_ASKED, self._hear)
            self._flushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flushing
            await self._flush()

    def _hear(self, question: bytes) -> None:
        answering = asyncio.get_running_loop().create_task(self._answer(question))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)

    async def _answer(self, question: bytes) -> None:
        await self._flush()
        found = [under_way.document() for under_way in list(self._under_way)[:_MAX_UNDER_WAY]]
        await asking.answer(question, orjson.dumps(found))

    async def _flush_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_EVERY_S)
            await self._flush()

    async def _flush(self) -> None:
        if self._waiting:
            records = list(self._waiting)
            self._waiting.clear()
            await bus.append_async(LIST, [orjson.dumps(record.document()) for record in records], keep=KEPT)
            await bus.publish_async((TOLD, _telling(records)))


def _telling(records: Sequence[RequestRecord]) -> bytes:
    calls = Counter(
        (route.service, route.operation, principal.account_id, route.region, record.status < 400)
        for record in records
        if (route := record.under_way.route) and (principal := record.under_way.principal)
    )
    members = ("service", "operation", "accountId", "region", "succeeded")
    return orjson.dumps(
        [{**dict(zip(members, call, strict=True)), "count": count} for call, count in calls.most_common(MAX_TOLD)]
    )


async def latest(limit: int = KEPT) -> list[Mapping[str, Any]]:
    """The last requests of all processes, newest first: each that was answered before this was asked."""
    return (await latest_and_under_way(limit))[0]


async def latest_and_under_way(limit: int = KEPT) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The same, and the requests that have no answer yet, the oldest first."""
    pending = await under_way()
    return [orjson.loads(record) for record in await bus.latest_async(LIST, limit)], pending


async def under_way() -> list[Mapping[str, Any]]:
    """The requests that have no answer yet, in all processes, the oldest first; the answered ones are handed on."""
    answers = await asking.ask(_ASKED, limit_s=_ANSWER_WITHIN_S)
    found: list[Mapping[str, Any]] = [record for text in answers for record in orjson.loads(text)]
    return sorted(found, key=lambda record: str(record["started"]))
