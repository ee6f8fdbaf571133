"""What was asked of the gateway lately: the last requests of every process, for the console and the admin API.

Records wait in memory for a moment and go to a bounded Valkey stream together, so that a busy request path pays a
few microseconds for them. They are for people; losing some is no harm.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from aws_api.core import bus
from aws_api.core.decisions import AccessDecision
from aws_api.gateway.pipeline import Handled
from aws_api.protocol.wire import WireRequest

KEPT = 1000
STREAM = "requests"
_FLUSH_EVERY_S = 0.1


@dataclass(frozen=True, kw_only=True)
class RequestRecord:
    """One request: what the admin API lists under /debug/requests. ``decisions`` says which permissions it needed."""

    id: str
    started: str
    method: str
    path: str
    service: str
    operation: str
    status: int
    error: str
    duration_ms: float
    account_id: str
    region: str
    principal: str
    decisions: Sequence[AccessDecision]

    @classmethod
    def of(cls, request: WireRequest, handled: Handled, *, duration_ms: float) -> "RequestRecord":
        route, principal = handled.route, handled.principal
        return cls(
            id=handled.request_id,
            started=datetime.fromtimestamp(time.time() - duration_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            method=request.method,
            path=request.path,
            service=route.service if route else "",
            operation=route.operation if route else "",
            status=handled.response.status,
            error=handled.error,
            duration_ms=round(duration_ms, 3),
            account_id=principal.account_id if principal else "",
            region=route.region if route else "",
            principal=principal.arn if principal else "",
            decisions=handled.decisions,
        )

    def __str__(self) -> str:
        what = f"{self.service}.{self.operation}" if self.operation else f"{self.method} {self.path}"
        return f"{what} {self.status} {self.error} {self.duration_ms:.1f} ms {self.account_id} {self.id}"


class RequestRecords:
    """Gathers a process's records and hands them on every tenth of a second."""

    def __init__(self) -> None:
        self._waiting: deque[RequestRecord] = deque(maxlen=KEPT)
        self._flushing: asyncio.Task[None] | None = None

    def add(self, record: RequestRecord) -> None:
        """Keep a record; of more than KEPT between two flushes the oldest are dropped."""
        self._waiting.append(record)

    def start(self) -> None:
        """Begin handing on; on the event loop."""
        self._flushing = asyncio.get_running_loop().create_task(self._flush_for_ever())

    async def stop(self) -> None:
        """Hand on what is left and end."""
        if self._flushing is not None:
            self._flushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flushing
            await self._flush()

    async def _flush_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_EVERY_S)
            await self._flush()

    async def _flush(self) -> None:
        if self._waiting:
            records = [orjson.dumps(record) for record in self._waiting]
            self._waiting.clear()
            await bus.append_async(STREAM, records, keep=KEPT)


async def latest(limit: int = KEPT) -> list[Mapping[str, Any]]:
    """The last requests of all processes, newest first."""
    return [orjson.loads(record) for record in await bus.latest_async(STREAM, limit)]
