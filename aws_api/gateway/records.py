"""What was asked of the gateway lately: the last requests of every process, for the console and the admin API.

Records wait in memory for a moment and go to a bounded Valkey list together, so that a busy request path pays a
few microseconds for them. They are for people; losing some is no harm.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from aws_api.core import bus
from aws_api.core.context import Principal
from aws_api.core.decisions import AccessDecision
from aws_api.gateway.router import Route

KEPT = 1000
LIST = "requests"
_FLUSH_EVERY_S = 0.1


class RequestRecord(NamedTuple):
    """One request, as little of it as has to be kept: what people read is made of it when it is handed on."""

    id: str
    method: str
    path: str
    route: Route | None
    principal: Principal | None
    status: int
    error: str
    decisions: Sequence[AccessDecision]
    ended_s: float
    duration_ms: float

    def document(self) -> Mapping[str, Any]:
        """What the admin API lists under /debug/requests. ``decisions`` says which permissions it needed."""
        started = datetime.fromtimestamp(self.ended_s - self.duration_ms / 1000, UTC)
        return {
            "id": self.id,
            "started": started.isoformat(timespec="milliseconds"),
            "method": self.method,
            "path": self.path,
            "service": self.route.service if self.route else "",
            "operation": self.route.operation if self.route else "",
            "status": self.status,
            "error": self.error,
            "duration_ms": round(self.duration_ms, 3),
            "account_id": self.principal.account_id if self.principal else "",
            "region": self.route.region if self.route else "",
            "principal": self.principal.arn if self.principal else "",
            "decisions": self.decisions,
        }

    def __str__(self) -> str:
        what = f"{self.route.service}.{self.route.operation}" if self.route else f"{self.method} {self.path}"
        account_id = self.principal.account_id if self.principal else ""
        return f"{what} {self.status} {self.error} {self.duration_ms:.1f} ms {account_id} {self.id}"


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
            records = [orjson.dumps(record.document()) for record in self._waiting]
            self._waiting.clear()
            await bus.append_async(LIST, records, keep=KEPT)


async def latest(limit: int = KEPT) -> list[Mapping[str, Any]]:
    """The last requests of all processes, newest first."""
    return [orjson.loads(record) for record in await bus.latest_async(LIST, limit)]
