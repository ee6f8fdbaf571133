"""Looking at a queue's messages without receiving them: for people, no operation of SQS.

Nothing is written: no receive count grows, nothing is taken into flight, nothing that has expired is dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_api.core import database
from aws_api.core.context import Context
from aws_api.services.sqs.messages import sequence_number
from aws_api.services.sqs.queues import QueueSettings, find_queue

#: Characters of a body in a list; one message alone is shown whole.
MAX_SHOWN = 2000
MAX_PEEKED = 100

#: Where a message stands in the order in which receivers meet them: when it is visible, and its arrival.
Place = tuple[int, int]
BEGINNING: Place = (-1, -1)

_COLUMNS = """
    id, visible_at_ms, sent_at_ms, first_received_at_ms, receipt, receive_count, message_id, sender_id, attributes,
    trace_header, group_id, deduplication_id, source_arn, octet_length(body) AS size_bytes
"""
_PAGE = f"""
    SELECT {_COLUMNS}, left(body, $5) AS body FROM sqs_message
    WHERE queue_id = $1 AND (visible_at_ms, id) > ($2, $3) AND sent_at_ms > $4
    ORDER BY visible_at_ms, id LIMIT $6
"""
_ONE = f"SELECT {_COLUMNS}, body FROM sqs_message WHERE queue_id = $1 AND id = $2 AND sent_at_ms > $3"


@dataclass(frozen=True, kw_only=True)
class PeekedMessage:
    """A message as it lies there. ``state`` is visible, delayed or in flight; ``attributes`` has (type, value)."""

    id: int
    message_id: str
    state: str
    body: str
    size_bytes: int
    attributes: Mapping[str, tuple[str, str]]
    sent_at_ms: int
    first_received_at_ms: int | None
    visible_at_ms: int
    receive_count: int
    sender_id: str
    trace_header: str
    group_id: str
    deduplication_id: str
    sequence_number: str
    source_arn: str

    @property
    def place(self) -> Place:
        return self.visible_at_ms, self.id

    @property
    def is_cut(self) -> bool:
        """Whether the body here is only its beginning."""
        return len(self.body.encode()) < self.size_bytes


async def peek(context: Context, queue_url: str, *, after: Place = BEGINNING, limit: int) -> list[PeekedMessage]:
    """The messages beyond a place, as receivers would meet them. Raises QueueDoesNotExist."""
    queue = await find_queue(context, queue_url)
    now_ms = context.clock.epoch_ms()
    limit = min(limit, MAX_PEEKED)
    rows = await database.fetch(_PAGE, queue.id, *after, _oldest_ms(queue, now_ms), MAX_SHOWN, limit)
    return [_peeked(row, now_ms) for row in rows]


async def peek_at(context: Context, queue_url: str, message: int) -> PeekedMessage | None:
    """One message with its whole body. Raises QueueDoesNotExist."""
    queue = await find_queue(context, queue_url)
    now_ms = context.clock.epoch_ms()
    row = await database.fetch_row(_ONE, queue.id, message, _oldest_ms(queue, now_ms))
    return None if row is None else _peeked(row, now_ms)


def _oldest_ms(queue: QueueSettings, now_ms: int) -> int:
    return now_ms - queue.retention_ms


def _peeked(row: Mapping[str, Any], now_ms: int) -> PeekedMessage:
    is_hidden = row["visible_at_ms"] > now_ms
    return PeekedMessage(
        id=row["id"],
        message_id=str(row["message_id"]),
        state=("delayed" if row["receipt"] is None else "in flight") if is_hidden else "visible",
        body=row["body"],
        size_bytes=row["size_bytes"],
        attributes={name: (kind, value) for name, (kind, value) in (row["attributes"] or {}).items()},
        sent_at_ms=row["sent_at_ms"],
        first_received_at_ms=row["first_received_at_ms"],
        visible_at_ms=row["visible_at_ms"],
        receive_count=row["receive_count"],
        sender_id=row["sender_id"],
        trace_header=row["trace_header"] or "",
        group_id=row["group_id"] or "",
        deduplication_id=row["deduplication_id"] or "",
        sequence_number=sequence_number(row["id"]) if row["deduplication_id"] is not None else "",
        source_arn=row["source_arn"] or "",
    )
