"""Shipping one container's output: to its tail for the console, and to its log stream where it has one.

How far it came is kept in Postgres, so that a restart neither loses lines nor ships them twice. (A crash between a
batch and its cursor repeats that one batch: the log group's commit and the cursor's are two.)
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
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
from workers.log_lines import NOTHING_DROPPED, Dropped, EventGatherer

#: PutLogEvents' own limits: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
MAX_BATCH_EVENTS = 10_000
MAX_BATCH_BYTES = 1_048_576
MAX_SPAN_MS = 24 * 3600 * 1000
EVENT_OVERHEAD_BYTES = 26
MAX_MESSAGE_BYTES = 256 * 1024 - EVENT_OVERHEAD_BYTES
#: The first line after a pause goes at once; the next ones together.
_BATCH_EVERY_S = 0.05
_MAX_RETRY_S = 5.0
#: What a line that waits takes besides its text.
LINE_OVERHEAD_BYTES = 200
#: How long an event of several lines waits for its next one.
_EVENT_REST_S = 1.0
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
        self.pass_by_many(line.at_ns, 1)

    def pass_by_many(self, at_ns: int, count: int) -> None:
        """Move behind lines that are all at one time, and behind whatever was before them."""
        self.count = self.count + count if at_ns == self.at_ns else count
        self.at_ns = at_ns


class Shipper:
    """Ships one container's output until it has ended."""

    def __init__(self, container: ObservedContainer, follow: Follow) -> None:
        self._container = container
        self._follow = follow
        text = container.labels.get(LABEL_LOGS)
        self._destination = LogDestination.from_json(text) if text else None
        #: What the buffer's bytes bound in the mode non-blocking its places bound in the other, where reading waits.
        self._room_bytes = self._destination.buffer_bytes if self._destination else 0
        places = 0 if self._room_bytes else MAX_BATCH_EVENTS
        self._lines: asyncio.Queue[LogLine | Dropped | None] = asyncio.Queue(places)
        self._waiting_bytes = 0
        self._dropped = NOTHING_DROPPED
        pattern = self._destination.first_line_pattern if self._destination else ""
        self._gatherer = EventGatherer(pattern, MAX_MESSAGE_BYTES)

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
                    await self._take(line)
        await self._say_dropped()
        await self._lines.put(None)

    async def _take(self, line: LogLine) -> None:
        """Let a line wait to be shipped; in the mode non-blocking, drop it where too much waits already."""
        size = _size(line)
        if self._room_bytes and self._waiting_bytes and self._waiting_bytes + size > self._room_bytes:
            self._dropped = self._dropped.and_one(line.at_ns)
            return
        await self._say_dropped()
        self._waiting_bytes += size
        await self._lines.put(line)

    async def _say_dropped(self) -> None:
        if self._dropped.lines:
            dropped, self._dropped = self._dropped, NOTHING_DROPPED
            await self._lines.put(dropped)

    async def _ship(self, position: Position) -> None:
        loop = asyncio.get_running_loop()
        is_open = True
        while is_open:
            taken = await self._taken()
            sent_at = loop.time()
            is_open = None not in taken
            await self._send(taken, position)
            if is_open:
                await asyncio.sleep(max(0.0, _BATCH_EVERY_S - (loop.time() - sent_at)))

    async def _taken(self) -> list[LogLine | Dropped | None]:
        """What waits, at least one thing; nothing where an event has waited for its next line long enough."""
        taken: list[LogLine | Dropped | None] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(None if self._gatherer.is_empty else _EVENT_REST_S):
                taken.append(await self._lines.get())
        while taken and not self._lines.empty() and len(taken) < MAX_BATCH_EVENTS:
            taken.append(self._lines.get_nowait())
        return taken

    async def _send(self, taken: Sequence[LogLine | Dropped | None], position: Position) -> None:
        """Ship the events that are whole now, and write down how far that is."""
        events: list[list[LogLine]] = []
        for each in taken:
            if isinstance(each, LogLine):
                events.append(self._gatherer.add(each))
                continue
            # The output's end, or a gap in it, ends an event.
            events.append(self._gatherer.rest())
            if each is not None:
                await self._send_events(events, position)
                events = []
                await self._tell_of(each, position)
        if not taken:
            events.append(self._gatherer.rest())
        await self._send_events(events, position)
        self._waiting_bytes -= sum(_size(each) for each in taken if isinstance(each, LogLine))

    async def _send_events(self, events: Sequence[Sequence[LogLine]], position: Position) -> None:
        whole = [lines for lines in events if lines]
        if not whole:
            return
        await self._append_to_tail([line for lines in whole for line in lines])
        destination = self._destination
        if destination is not None:
            for batch in log_events([self._gatherer.event(lines) for lines in whole]):
                await self._retried(partial(put_log_events, destination, batch))
        for lines in whole:
            for line in lines:
                position.pass_by(line)
        await self._retried(partial(self._save, position, finished=False))

    async def _tell_of(self, dropped: Dropped, position: Position) -> None:
        """Say in the log and in the console that lines are missing, and go on behind them."""
        text = f"{dropped.lines} lines were dropped: the buffer of the log driver (max-buffer-size) was full"
        _log.warning("%s: %s", self._container.name, text)
        await self._append_to_tail([LogLine(at_ns=dropped.at_ns, stream="stderr", message=f"[{text}]")])
        position.pass_by_many(dropped.at_ns, dropped.lines_at_ns)
        await self._retried(partial(self._save, position, finished=False))

    async def _append_to_tail(self, lines: Sequence[LogLine]) -> None:
        try:
            await log_tail.append(self._container.name, lines)
        except (redis.ConnectionError, redis.TimeoutError):
            _log.debug("the tail of %s misses %d lines: Valkey is away", self._container.name, len(lines))

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


def _size(line: LogLine) -> int:
    """What a line takes while it waits."""
    return len(line.message) + LINE_OVERHEAD_BYTES


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
