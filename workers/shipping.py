"""Shipping one container's output: to its tail for the console, and to its log stream where it has one.

How far it came is kept in Postgres, so that a restart neither loses lines nor ships them twice. (A crash between a
batch and its cursor repeats that one batch: the log group's commit and the cursor's are two.)
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

import asyncpg
import redis

from aws_api.core import log_tail
from aws_api.core.containers import LABEL_LOGS, LogLine, ObservedContainer
from aws_api.core.context import internal_context
from aws_api.core.database import fetch, fetch_row
from aws_api.core.errors import AwsError, InternalFailure
from aws_api.core.invoke import find_operation, invoke_async
from aws_api.core.log_tail import LogDestination

#: PutLogEvents' own limits: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
MAX_BATCH_EVENTS = 10_000
MAX_BATCH_BYTES = 1_048_576
MAX_SPAN_MS = 24 * 3600 * 1000
EVENT_OVERHEAD_BYTES = 26
MAX_MESSAGE_BYTES = 256 * 1024 - EVENT_OVERHEAD_BYTES
#: The first line after a pause goes at once; the next ones together.
_BATCH_EVERY_S = 0.05
_MAX_RETRY_S = 5.0
#: How much further back a resumed reading begins: two streams' lines may be in the file out of order by that.
_OVERLAP_NS = 1_000_000

Follow = Callable[[str, int], AsyncIterator[list[LogLine]]]

_log = logging.getLogger(__name__)


class Position:
    """A place in a container's output, in the order in which the engine keeps it: the ``count``-th line at ``at_ns``.

    After a resumption it tells lines that were shipped from new ones.
    """

    def __init__(self, at_ns: int = 0, count: int = 0) -> None:
        self.at_ns = at_ns
        self.count = count
        self._left = count

    @property
    def since_ns(self) -> int:
        """Where to begin reading."""
        return max(0, self.at_ns - _OVERLAP_NS)

    def is_new(self, line: LogLine) -> bool:
        """Whether a line comes after this place; asked for each line in order, from ``since_ns`` on."""
        if self._left == 0 or line.at_ns > self.at_ns:
            self._left = 0
            return True
        if line.at_ns == self.at_ns:
            self._left -= 1
        return False

    def pass_by(self, line: LogLine) -> None:
        """Move behind a line that was shipped."""
        self.count = self.count + 1 if line.at_ns == self.at_ns else 1
        self.at_ns = line.at_ns


class Shipper:
    """Ships one container's output until it has ended."""

    def __init__(self, container: ObservedContainer, follow: Follow) -> None:
        self._container = container
        self._follow = follow
        text = container.labels.get(LABEL_LOGS)
        self._destination = LogDestination.from_json(text) if text else None
        self._lines: asyncio.Queue[LogLine | None] = asyncio.Queue(MAX_BATCH_EVENTS)

    async def run(self) -> None:
        """Ship what there is and what comes. Returns when the output has ended; raises RuntimeFailure."""
        at_ns, count = await self._load()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(Position(at_ns, count)))
            group.create_task(self._ship(Position(at_ns, count)))

    async def finish(self) -> None:
        """Write down that the container has ended and nothing of its output is left."""
        await self._save(Position(), finished=True)

    async def _read(self, position: Position) -> None:
        async for lines in self._follow(self._container.id, position.since_ns):
            for line in lines:
                if position.is_new(line):
                    await self._lines.put(line)
        await self._lines.put(None)

    async def _ship(self, position: Position) -> None:
        loop = asyncio.get_running_loop()
        is_open = True
        while is_open:
            batch: list[LogLine] = []
            line = await self._lines.get()
            sent_at = loop.time()
            while line is not None:
                batch.append(line)
                if len(batch) >= MAX_BATCH_EVENTS or self._lines.empty():
                    break
                line = self._lines.get_nowait()
            is_open = line is not None
            if batch:
                await self._send(batch)
                for line in batch:
                    position.pass_by(line)
                await self._retried(partial(self._save, position, finished=False))
            if is_open:
                await asyncio.sleep(max(0.0, _BATCH_EVERY_S - (loop.time() - sent_at)))

    async def _send(self, lines: Sequence[LogLine]) -> None:
        try:
            await log_tail.append(self._container.name, lines)
        except (redis.ConnectionError, redis.TimeoutError):
            _log.debug("the tail of %s misses %d lines: Valkey is away", self._container.name, len(lines))
        destination = self._destination
        if destination is not None:
            for events in log_events(lines):
                await self._retried(partial(put_log_events, destination, events))

    async def _retried(self, send: Callable[[], Awaitable[None]]) -> None:
        """Until it works: while the database is away, the engine keeps the output."""
        delay_s = 0.1
        while True:
            try:
                await send()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, InternalFailure) as error:
                _log.warning("the output of %s has to wait: %s", self._container.name, error)
            except AwsError as error:
                # The group was deleted, say. Docker's driver drops such lines as well.
                _log.warning("lines of %s are lost: %s: %s", self._container.name, error.code, error.message)
                return
            else:
                return
            await asyncio.sleep(delay_s)
            delay_s = min(_MAX_RETRY_S, delay_s * 2)

    async def _load(self) -> tuple[int, int]:
        sql = "SELECT at_ns, count FROM workers_logcursor WHERE container_id = $1"
        row = await fetch_row(sql, self._container.id)
        return (row["at_ns"], row["count"]) if row else (0, 0)

    async def _save(self, position: Position, *, finished: bool) -> None:
        await fetch(
            """
            INSERT INTO workers_logcursor AS cursor (container_id, at_ns, count, finished, updated_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (container_id) DO UPDATE SET
                at_ns = CASE WHEN $4 THEN cursor.at_ns ELSE excluded.at_ns END,
                count = CASE WHEN $4 THEN cursor.count ELSE excluded.count END,
                finished = excluded.finished,
                updated_at = excluded.updated_at
            """,
            self._container.id,
            position.at_ns,
            position.count,
            finished,
            datetime.now(UTC),
        )


async def put_log_events(destination: LogDestination, events: Sequence[dict[str, object]]) -> None:
    """Append events to a container's log stream, as its account."""
    await invoke_async(
        internal_context(destination.account_id, destination.region),
        find_operation("logs", "PutLogEvents"),
        {"logGroupName": destination.group, "logStreamName": destination.stream, "logEvents": list(events)},
    )


def log_events(lines: Sequence[LogLine]) -> Iterator[list[dict[str, object]]]:
    """Lines as PutLogEvents takes them: in order of time, none empty, in batches within its limits."""
    batch: list[dict[str, object]] = []
    size_bytes = first_ms = 0
    for at_ms, message in _messages(lines):
        message_bytes = len(message.encode()) + EVENT_OVERHEAD_BYTES
        is_full = len(batch) >= MAX_BATCH_EVENTS or size_bytes + message_bytes > MAX_BATCH_BYTES
        if batch and (is_full or at_ms - first_ms > MAX_SPAN_MS):
            yield batch
            batch, size_bytes = [], 0
        if not batch:
            first_ms = at_ms
        batch.append({"timestamp": at_ms, "message": message})
        size_bytes += message_bytes
    if batch:
        yield batch


def _messages(lines: Sequence[LogLine]) -> Iterator[tuple[int, str]]:
    for line in sorted(lines, key=lambda line: line.at_ns):
        rest = line.message.encode()
        while rest:
            piece, rest = rest[:MAX_MESSAGE_BYTES], rest[MAX_MESSAGE_BYTES:]
            yield line.at_ns // 1_000_000, piece.decode(errors="replace")
