"""The hot statements on log events. Events that are put at the same time go into one statement."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_api.core import database
from aws_api.core.coalescing import Coalescer

#: What AWS adds to each event's size.
EVENT_OVERHEAD_BYTES = 26
#: The size at which AWS ends a page of events.
MAX_PAGE_BYTES = 1_048_576

#: Where an event stands: its time and its row. Events of one time keep the order in which they came.
Position = tuple[int, int]
BEGINNING: Position = (0, 0)
END: Position = (2**62, 2**62)

_PUT = """
    WITH new AS MATERIALIZED (
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])
        AS new (group_id, stream_id, timestamp_ms, ingested_at_ms, message)
    ), streams AS (
        UPDATE logs_logstream SET
            first_event_ms = least(logs_logstream.first_event_ms, added.first_event_ms),
            last_event_ms = greatest(logs_logstream.last_event_ms, added.last_event_ms),
            ingested_at_ms = greatest(logs_logstream.ingested_at_ms, added.ingested_at_ms),
            stored_bytes = stored_bytes + added.bytes
        FROM (
            SELECT stream_id, min(timestamp_ms) AS first_event_ms, max(timestamp_ms) AS last_event_ms,
                max(ingested_at_ms) AS ingested_at_ms, sum(octet_length(message) + 26) AS bytes
            FROM new GROUP BY stream_id
        ) AS added
        WHERE logs_logstream.id = added.stream_id
        RETURNING logs_logstream.id
    ), events AS (
        INSERT INTO logs_logevent (group_id, stream_id, timestamp_ms, ingested_at_ms, message)
        SELECT group_id, stream_id, timestamp_ms, ingested_at_ms, message FROM new
        WHERE stream_id IN (SELECT id FROM streams)
    )
    SELECT id FROM streams
"""

# The page ends at AWS's size, so that a page is never more than that in memory; one event always fits.
_PAGE = """
    SELECT id, timestamp_ms, ingested_at_ms, message FROM (
        SELECT *, sum(octet_length(message) + 26) OVER (
            ORDER BY timestamp_ms {order}, id {order} ROWS UNBOUNDED PRECEDING
        ) AS total_bytes, row_number() OVER (ORDER BY timestamp_ms {order}, id {order}) AS place
        FROM (
            SELECT id, timestamp_ms, ingested_at_ms, message FROM logs_logevent
            WHERE stream_id = $1 AND timestamp_ms >= $2 AND timestamp_ms < $3 AND (timestamp_ms, id) {beyond} ($4, $5)
            ORDER BY timestamp_ms {order}, id {order} LIMIT $6
        ) AS candidates
    ) AS measured
    WHERE total_bytes <= $7 OR place = 1
    ORDER BY timestamp_ms, id
"""
_PAGE_FORWARD = _PAGE.format(order="ASC", beyond=">")
_PAGE_BACKWARD = _PAGE.format(order="DESC", beyond="<")

_SCAN = """
    SELECT event.id, event.timestamp_ms, event.ingested_at_ms, event.message, stream.name AS stream_name
    FROM (
        SELECT * FROM logs_logevent
        WHERE group_id = $1 AND timestamp_ms >= $2 AND timestamp_ms < $3 AND (timestamp_ms, id) > ($4, $5)
            AND ($6::text[] IS NULL OR stream_id IN (
                SELECT id FROM logs_logstream WHERE group_id = $1 AND name = ANY($6)
            ))
            AND ($7::text IS NULL OR stream_id IN (
                SELECT id FROM logs_logstream WHERE group_id = $1 AND starts_with(name, $7)
            ))
        ORDER BY timestamp_ms, id LIMIT $8
    ) AS event JOIN logs_logstream AS stream ON stream.id = event.stream_id
    ORDER BY event.timestamp_ms, event.id
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEvents:
    """Events of one stream: (timestamp, message)."""

    group_id: int
    stream_id: int
    ingested_at_ms: int
    events: Sequence[tuple[int, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """Which of a group's events to look at; ``end_ms`` is exclusive."""

    group_id: int
    start_ms: int
    end_ms: int
    stream_names: Sequence[str] | None
    stream_prefix: str | None


class EventStore:
    """The coalesced statement of one event loop."""

    def __init__(self) -> None:
        self._puts: Coalescer[NewEvents, bool] = Coalescer(_run_puts, max_batch=100)

    async def put(self, events: NewEvents) -> bool:
        """Keep events; False where the stream is gone."""
        return await self._puts.submit(events)


def event_store() -> EventStore:
    """The running event loop's."""
    return _store_of(id(asyncio.get_running_loop()))


@cache
def _store_of(_loop_id: int) -> EventStore:
    return EventStore()


async def page(
    stream_id: int, *, start_ms: int, end_ms: int, position: Position, is_forward: bool, limit: int
) -> Sequence[Any]:
    """Events beyond a position in one direction, the nearest ones, in order of time."""
    statement = _PAGE_FORWARD if is_forward else _PAGE_BACKWARD
    return await database.fetch(statement, stream_id, start_ms, end_ms, *position, limit, MAX_PAGE_BYTES)


async def scan(search: Search, *, after: Position, limit: int) -> Sequence[Any]:
    """A group's next events in order of time."""
    return await database.fetch(
        _SCAN,
        search.group_id,
        search.start_ms,
        search.end_ms,
        *after,
        search.stream_names,
        search.stream_prefix,
        limit,
    )


async def _run_puts(batch: Sequence[NewEvents]) -> list[bool | Exception]:
    # In one order everywhere, so that two processes writing to the same streams do not lock each other out.
    events = [(new, *event) for new in sorted(batch, key=lambda new: new.stream_id) for event in new.events]
    rows = await database.fetch(
        _PUT,
        [new.group_id for new, _, _ in events],
        [new.stream_id for new, _, _ in events],
        [timestamp_ms for _, timestamp_ms, _ in events],
        [new.ingested_at_ms for new, _, _ in events],
        [message for _, _, message in events],
    )
    kept = {row["id"] for row in rows}
    return [new.stream_id in kept for new in batch]
