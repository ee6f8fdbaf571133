"""FIFO queues: sends and receives take turns on each queue, so that order and groups hold across processes.

A turn is a transaction that begins with the queue's advisory lock: the statements after it see whatever the turn before
committed. A message group with a message in flight, or delayed, gives out nothing behind that message.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from aws_api.core import database
from aws_api.services.sqs.queues import QueueSettings
from aws_api.services.sqs.receipts import Receipt
from aws_api.services.sqs.store import MAX_ROUNDS, MessageRow, NewMessage, Receive
from aws_api.services.sqs.wakeups import wakeups

DEDUPLICATION_MS = 300_000
#: How long a receive can be asked for again by its attempt's id.
ATTEMPT_MS = 300_000
#: A receive with an attempt's id has as its receipt's number the id's digest and the second in which it was made: that
#: is all that is kept of an attempt. The seconds begin anew after twelve days, and nothing is in flight for so long.
_SECOND_BITS, _DIGEST_BITS = 20, 42
#: Records older than that which one send clears away.
MAX_FORGOTTEN = 1000

_FORGET = """
    DELETE FROM sqs_deduplication WHERE id IN (
        SELECT id FROM sqs_deduplication WHERE queue_id = $1 AND sent_at_ms <= $2 ORDER BY sent_at_ms LIMIT $3
    )
"""

_SEND = """
    WITH known AS (
        SELECT message_id, sequence FROM sqs_deduplication
        WHERE queue_id = $1 AND scope = $11 AND deduplication_id = $10 AND sent_at_ms > $12
    ), sent AS (
        INSERT INTO sqs_message (
            queue_id, visible_at_ms, sent_at_ms, receive_count, message_id, sender_id, body, attributes, trace_header,
            group_id, deduplication_id
        )
        SELECT $1::bigint, $2::bigint, $3::bigint, 0, $4::uuid, $5, $6, $7::jsonb, $8, $9, $10
        WHERE NOT EXISTS (SELECT FROM known) AND EXISTS (SELECT FROM sqs_queue WHERE id = $1::bigint)
        RETURNING message_id, id AS sequence
    ), noted AS (
        INSERT INTO sqs_deduplication (queue_id, scope, deduplication_id, message_id, sequence, sent_at_ms)
        SELECT $1::bigint, $11, $10, message_id, sequence, $3::bigint FROM sent
        ON CONFLICT (queue_id, scope, deduplication_id) DO UPDATE SET
            message_id = excluded.message_id, sequence = excluded.sequence, sent_at_ms = excluded.sent_at_ms
    )
    SELECT * FROM known UNION ALL SELECT * FROM sent
"""

_MEET = """
    SELECT id, CASE
        WHEN sent_at_ms <= $3 THEN 'expired'
        WHEN receive_count >= $4::int THEN 'dead'
        ELSE 'received'
    END AS fate
    FROM sqs_message AS message
    WHERE queue_id = $1 AND deduplication_id IS NOT NULL AND visible_at_ms <= $2 AND NOT EXISTS (
        SELECT FROM sqs_message AS other
        WHERE other.queue_id = $1 AND other.group_id = message.group_id AND other.deduplication_id IS NOT NULL
            AND other.visible_at_ms > $2 AND (other.receipt IS NOT NULL OR other.id < message.id)
    )
    ORDER BY id LIMIT $5 FOR UPDATE
"""

_DROP = "DELETE FROM sqs_message WHERE id = ANY($1::bigint[])"

_BURY = """
    UPDATE sqs_message SET
        queue_id = $2, source_arn = $3, visible_at_ms = $4, sent_at_ms = $4, receipt = NULL
    WHERE id = ANY($1::bigint[])
"""

_TAKE = """
    UPDATE sqs_message SET
        visible_at_ms = $2::bigint + $3::bigint,
        first_received_at_ms = coalesce(first_received_at_ms, $2::bigint),
        receive_count = receive_count + 1,
        receipt = coalesce($4::bigint, (random() * 9007199254740991)::bigint)
    WHERE id = ANY($1::bigint[])
    RETURNING *, CASE WHEN $4::bigint IS NULL THEN $2::bigint ELSE $2::bigint / 1000 * 1000 END AS received_at_ms
"""

_TAKE_AGAIN = f"""
    UPDATE sqs_message SET visible_at_ms = $2::bigint + $3::bigint
    WHERE queue_id = $1 AND deduplication_id IS NOT NULL AND visible_at_ms > $2::bigint AND receipt BETWEEN $4 AND $5
    RETURNING *, ($2::bigint / 1000 - (($2::bigint / 1000 - receipt) & {(1 << _SECOND_BITS) - 1})) * 1000
        AS received_at_ms
"""

_DELETE = """
    WITH gone AS (
        DELETE FROM sqs_message
        WHERE id = $1 AND queue_id = $2 AND receipt = $3 AND visible_at_ms > $4
        RETURNING id
    )
    SELECT EXISTS (SELECT FROM gone) AS deleted,
        EXISTS (SELECT FROM sqs_message WHERE id = $1 AND queue_id = $2) AS existed
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What a send to a FIFO queue is answered with: its own message's, or that of the one it repeats."""

    message_id: str
    sequence: int


async def send(queue: QueueSettings, messages: Sequence[NewMessage]) -> list[Sent] | None:
    """Keep messages in order, but those sent before within five minutes; None where the queue is gone."""
    answers: list[Sent] = []
    async with _turn(queue) as connection:
        await connection.execute(_FORGET, queue.id, messages[0].sent_at_ms - DEDUPLICATION_MS, MAX_FORGOTTEN)
        for message in messages:
            row = await connection.fetchrow(
                _SEND,
                message.queue_id,
                message.visible_at_ms,
                message.sent_at_ms,
                message.message_id,
                message.sender_id,
                message.body,
                message.attributes,
                message.trace_header,
                message.group_id,
                message.deduplication_id,
                message.group_id if queue.deduplicates_per_group else "",
                message.sent_at_ms - DEDUPLICATION_MS,
            )
            if row is None:
                return None
            answers.append(Sent(message_id=str(row["message_id"]), sequence=row["sequence"]))
    wakeups().announce([queue.id])
    return answers


async def receive(receive: Receive) -> list[MessageRow]:
    """Take messages into flight, in order, from groups that have none in flight.

    An attempt that is repeated gets the messages that it has in flight, for as long again as it asked for.
    """
    queue, now_ms, burials = receive.queue, receive.now_ms, receive.dead_letter_queue_id
    max_receive_count = queue.max_receive_count if burials is not None else None
    buried = False
    taken: list[Any] = []
    attempt = None if receive.attempt_id is None else _receipt_of_attempt(receive.attempt_id, now_ms)
    async with _turn(queue) as connection:
        if receive.attempt_id is not None:
            first = _receipt_of_attempt(receive.attempt_id, now_ms - ATTEMPT_MS)
            taken = await connection.fetch(_TAKE_AGAIN, queue.id, now_ms, receive.visibility_ms, first, attempt)
        for _ in range(MAX_ROUNDS if not taken else 0):
            rows = await connection.fetch(
                _MEET, queue.id, now_ms, now_ms - queue.retention_ms, max_receive_count, receive.wanted
            )
            by_fate = {fate: [row["id"] for row in rows if row["fate"] == fate] for fate in ("expired", "dead")}
            if by_fate["expired"]:
                await connection.execute(_DROP, by_fate["expired"])
            if by_fate["dead"]:
                await connection.execute(_BURY, by_fate["dead"], burials, queue.arn, now_ms)
                buried = True
            received = [row["id"] for row in rows if row["fate"] == "received"]
            if received:
                taken = await connection.fetch(_TAKE, received, now_ms, receive.visibility_ms, attempt)
            if received or not rows:
                break
    if buried and burials is not None:
        wakeups().announce([burials])
    return sorted(taken, key=lambda row: row["id"])


async def delete(receipt: Receipt, now_ms: int) -> bool:
    """Delete a message in flight; False where its receive has lapsed. Deleting twice is harmless."""
    row = await database.fetch_row(_DELETE, receipt.id, receipt.queue_id, receipt.number, now_ms)
    assert row is not None
    if row["deleted"]:
        wakeups().announce([receipt.queue_id])  # its group may go on
    return bool(row["deleted"] or not row["existed"])


def _receipt_of_attempt(attempt_id: str, at_ms: int) -> int:
    """The number that the receipts of an attempt have if it was made at a moment."""
    digest = int.from_bytes(blake2b(attempt_id.encode(), digest_size=8).digest()) >> (64 - _DIGEST_BITS)
    return digest << _SECOND_BITS | at_ms // 1000 & (1 << _SECOND_BITS) - 1


@asynccontextmanager
async def _turn(queue: QueueSettings) -> AsyncIterator[Any]:
    """A transaction on the queue that no other one on it overlaps."""
    async with database.pool().acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", queue.id)
        yield connection
