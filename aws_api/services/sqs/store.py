"""The hot statements on messages: requests that arrive together go into one statement, committed before any answer.

A receive's statement also buries what was received too often and drops what has expired, at the head of the index
where it meets them: no sweep, no scan. FIFO queues have their own statements in fifo.py.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_api.core import database
from aws_api.core.coalescing import Coalescer
from aws_api.services.sqs.queues import QueueSettings
from aws_api.services.sqs.receipts import Receipt
from aws_api.services.sqs.wakeups import wakeups

#: Messages of one queue that one statement hands out; receivers beyond it find the queue empty for now.
MAX_PICKED = 500
#: How often a receive looks again after it met nothing but expired and buried messages.
MAX_ROUNDS = 100
MAX_IN_FLIGHT = 120_000

#: A message's row, by column.
MessageRow = Mapping[str, Any]

_SEND = """
    INSERT INTO sqs_message (
        queue_id, visible_at_ms, sent_at_ms, receive_count, message_id, sender_id, body, attributes, trace_header,
        group_id
    )
    SELECT queue_id, visible_at_ms, sent_at_ms, 0, message_id, sender_id, body, attributes, trace_header, group_id
    FROM unnest(
        $1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::jsonb[], $8::text[],
        $9::text[]
    ) AS new (
        queue_id, visible_at_ms, sent_at_ms, message_id, sender_id, body, attributes, trace_header, group_id
    )
    WHERE EXISTS (SELECT FROM sqs_queue WHERE sqs_queue.id = new.queue_id)
    RETURNING queue_id
"""

# The same for one message, in two thirds of the time: what a lone client waits for. Postgres plans it once, not anew
# for each message as it would with EXISTS.
_SEND_ONE = """
    INSERT INTO sqs_message (
        queue_id, visible_at_ms, sent_at_ms, receive_count, message_id, sender_id, body, attributes, trace_header,
        group_id
    )
    SELECT id, $2, $3, 0, $4, $5, $6, $7, $8, $9 FROM sqs_queue WHERE id = $1
    RETURNING queue_id
"""

# asked: one row per queue; the visibility timeouts of its receivers, one per message wanted, are a slice of $8.
_RECEIVE = """
    WITH asked AS MATERIALIZED (
        SELECT * FROM unnest(
            $1::bigint[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[], $9::text[]
        ) AS asked (
            queue_id, wanted, first_slot, now_ms, oldest_ms, dead_letter_queue_id, max_receive_count, arn
        )
    ), met AS MATERIALIZED (
        SELECT asked.*, candidate.id, candidate.visible_at_ms, CASE
            WHEN candidate.sent_at_ms <= asked.oldest_ms THEN 'expired'
            WHEN candidate.receive_count >= asked.max_receive_count THEN 'dead'
            ELSE 'received'
        END AS fate
        FROM asked CROSS JOIN LATERAL (
            SELECT id, sent_at_ms, receive_count, visible_at_ms FROM sqs_message
            WHERE sqs_message.queue_id = asked.queue_id AND visible_at_ms <= asked.now_ms
            ORDER BY visible_at_ms, id LIMIT asked.wanted FOR UPDATE SKIP LOCKED
        ) AS candidate
    ), picked AS MATERIALIZED (
        SELECT *, row_number() OVER (PARTITION BY queue_id, fate ORDER BY visible_at_ms, id) AS slot FROM met
    ), dropped AS (
        DELETE FROM sqs_message USING picked WHERE sqs_message.id = picked.id AND fate = 'expired'
    ), buried AS (
        UPDATE sqs_message SET
            queue_id = picked.dead_letter_queue_id, source_arn = picked.arn, visible_at_ms = picked.now_ms,
            receipt = NULL
        FROM picked WHERE sqs_message.id = picked.id AND fate = 'dead'
    ), received AS (
        UPDATE sqs_message SET
            visible_at_ms = picked.now_ms + ($8::bigint[])[picked.first_slot + picked.slot],
            first_received_at_ms = coalesce(first_received_at_ms, picked.now_ms),
            receive_count = receive_count + 1,
            receipt = (random() * 9007199254740991)::bigint
        FROM picked WHERE sqs_message.id = picked.id AND fate = 'received'
        RETURNING sqs_message.*
    )
    SELECT picked.queue_id AS asked_queue_id, picked.fate, picked.now_ms AS received_at_ms, received.*
    FROM picked LEFT JOIN received USING (id) ORDER BY slot
"""

_DELETE = """
    DELETE FROM sqs_message USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS gone (id, queue_id, receipt)
    WHERE sqs_message.id = gone.id AND sqs_message.queue_id = gone.queue_id AND sqs_message.receipt = gone.receipt
"""
_DELETE_ONE = "DELETE FROM sqs_message WHERE id = $1 AND queue_id = $2 AND receipt = $3"

_CHANGE_VISIBILITY = """
    WITH asked AS MATERIALIZED (
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
        WITH ORDINALITY AS asked (id, queue_id, receipt, now_ms, visible_at_ms, place)
    ), changed AS (
        UPDATE sqs_message SET visible_at_ms = asked.visible_at_ms
        FROM asked
        WHERE sqs_message.id = asked.id AND sqs_message.queue_id = asked.queue_id
            AND sqs_message.receipt = asked.receipt AND sqs_message.visible_at_ms > asked.now_ms
        RETURNING sqs_message.id
    )
    SELECT CASE
        WHEN changed.id IS NOT NULL THEN 'changed'
        WHEN sqs_message.id IS NOT NULL THEN 'not in flight'
        ELSE 'gone'
    END AS outcome
    FROM asked
    LEFT JOIN sqs_message ON sqs_message.id = asked.id AND sqs_message.queue_id = asked.queue_id
        AND sqs_message.receipt = asked.receipt
    LEFT JOIN changed ON changed.id = asked.id
    ORDER BY asked.place
"""

_NEXT_VISIBLE = """
    SELECT visible_at_ms FROM sqs_message WHERE queue_id = $1 AND visible_at_ms > $2 ORDER BY visible_at_ms LIMIT 1
"""

_COUNT_IN_FLIGHT = """
    SELECT count(*) AS count FROM (
        SELECT FROM sqs_message WHERE queue_id = $1 AND visible_at_ms > $2 AND receipt IS NOT NULL LIMIT $3
    ) AS in_flight
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewMessage:
    """A message to send. ``deduplication_id`` is a FIFO queue's alone."""

    queue_id: int
    visible_at_ms: int
    sent_at_ms: int
    message_id: str
    sender_id: str
    body: str
    attributes: Mapping[str, Any] | None
    trace_header: str | None
    group_id: str | None
    deduplication_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Receive:
    """A receiver's wish. ``dead_letter_queue_id`` is None where nothing is to be buried.

    ``attempt_id`` names the attempt at a FIFO queue: whoever comes again with it gets what it got.
    """

    queue: QueueSettings
    wanted: int
    visibility_ms: int
    now_ms: int
    dead_letter_queue_id: int | None
    attempt_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VisibilityChange:
    """A message in flight that is to be visible at another time."""

    receipt: Receipt
    now_ms: int
    visible_at_ms: int


class MessageStore:
    """The statements of one event loop, each kind coalesced."""

    def __init__(self) -> None:
        self._sends: Coalescer[Sequence[NewMessage], bool] = Coalescer(_run_sends, max_batch=100)
        self._receives: Coalescer[Receive, list[MessageRow]] = Coalescer(_run_receives)
        self._deletes: Coalescer[Sequence[Receipt], None] = Coalescer(_run_deletes)
        self._changes: Coalescer[Sequence[VisibilityChange], list[str]] = Coalescer(_run_changes)
        self._room: dict[int, int] = {}

    async def send(self, messages: Sequence[NewMessage]) -> bool:
        """Keep messages of one queue; False where the queue is gone."""
        return await self._sends.submit(messages)

    async def receive(self, receive: Receive) -> list[MessageRow]:
        """Take messages into flight."""
        rows = await self._receives.submit(receive)
        if rows and receive.queue.id in self._room:
            self._room[receive.queue.id] -= len(rows)
        return rows

    async def delete(self, receipts: Sequence[Receipt]) -> None:
        """Delete the messages whose latest receive these are."""
        await self._deletes.submit(receipts)

    async def change_visibility(self, changes: Sequence[VisibilityChange]) -> list[str]:
        """For each ``changed``, ``not in flight`` or ``gone``."""
        return await self._changes.submit(changes)

    async def has_room_in_flight(self, queue_id: int, now_ms: int) -> bool:
        """Whether fewer than AWS's limit of the queue's messages are in flight.

        Counted anew only after this process took an eighth of the room that the last count found: cheap, and right to
        within a few receives for up to eight processes.
        """
        if self._room.get(queue_id, 0) <= 0:
            row = await database.fetch_row(_COUNT_IN_FLIGHT, queue_id, now_ms, MAX_IN_FLIGHT)
            assert row is not None
            if len(self._room) > 10_000:
                self._room.clear()
            self._room[queue_id] = (MAX_IN_FLIGHT - int(row["count"]) + 7) // 8
        return self._room[queue_id] > 0


def message_store() -> MessageStore:
    """The running event loop's."""
    return _store_of(id(asyncio.get_running_loop()))


@cache
def _store_of(_loop_id: int) -> MessageStore:
    return MessageStore()


async def next_visible_at_ms(queue_id: int, now_ms: int) -> int | None:
    """When the queue's next delayed or in-flight message turns visible."""
    row = await database.fetch_row(_NEXT_VISIBLE, queue_id, now_ms)
    return None if row is None else int(row["visible_at_ms"])


async def _run_sends(batch: Sequence[Sequence[NewMessage]]) -> list[bool | Exception]:
    new = [_values(message) for messages in batch for message in messages]
    if len(new) == 1:
        rows = await database.fetch(_SEND_ONE, *new[0])
    else:
        rows = await database.fetch(_SEND, *zip(*new, strict=True))
    queue_ids = {row["queue_id"] for row in rows}
    wakeups().announce(queue_ids)
    return [messages[0].queue_id in queue_ids for messages in batch]


def _values(message: NewMessage) -> tuple[Any, ...]:
    """A message's place in the sending statements."""
    return (
        message.queue_id,
        message.visible_at_ms,
        message.sent_at_ms,
        message.message_id,
        message.sender_id,
        message.body,
        message.attributes,
        message.trace_header,
        message.group_id,
    )


async def _run_receives(batch: Sequence[Receive]) -> list[list[MessageRow] | Exception]:
    answers: list[list[MessageRow]] = [[] for _ in batch]
    unserved = list(range(len(batch)))
    for _ in range(MAX_ROUNDS):
        by_queue: dict[int, list[int]] = defaultdict(list)
        for place in unserved:
            by_queue[batch[place].queue.id].append(place)
        rows_of = await _receive_round([[batch[place] for place in places] for places in by_queue.values()])
        unserved = []
        for queue_id, places in by_queue.items():
            rows = rows_of[queue_id]
            received = iter([row for row in rows if row["fate"] == "received"])
            cleared = any(row["fate"] != "received" for row in rows)
            for place in places:
                answers[place] = [row for _, row in zip(range(batch[place].wanted), received, strict=False)]
                if cleared and not answers[place]:
                    unserved.append(place)
        if not unserved:
            break
    return list(answers)


async def _receive_round(queues: Sequence[Sequence[Receive]]) -> dict[int, list[Any]]:
    """One statement: what each queue's messages at its head met, in order."""
    visibilities: list[int] = []
    first_slots: list[int] = []
    for receives in queues:
        first_slots.append(len(visibilities))
        visibilities += [receive.visibility_ms for receive in receives for _ in range(receive.wanted)]
    heads = [receives[0] for receives in queues]
    now_ms = [max(receive.now_ms for receive in receives) for receives in queues]
    rows = await database.fetch(
        _RECEIVE,
        [head.queue.id for head in heads],
        [min(MAX_PICKED, sum(receive.wanted for receive in receives)) for receives in queues],
        first_slots,
        now_ms,
        [now - head.queue.retention_ms for now, head in zip(now_ms, heads, strict=True)],
        [head.dead_letter_queue_id for head in heads],
        [head.queue.max_receive_count if head.dead_letter_queue_id is not None else None for head in heads],
        visibilities,
        [head.queue.arn for head in heads],
    )
    found: dict[int, list[Any]] = {head.queue.id: [] for head in heads}
    for row in rows:
        found[row["asked_queue_id"]].append(row)
    burials = {
        head.dead_letter_queue_id
        for head in heads
        if head.dead_letter_queue_id is not None and any(row["fate"] == "dead" for row in found[head.queue.id])
    }
    if burials:
        wakeups().announce(burials)
    return found


async def _run_deletes(batch: Sequence[Sequence[Receipt]]) -> list[Exception | None]:
    # In one order everywhere, so that two processes deleting the same messages do not lock each other out.
    receipts = sorted((receipt for receipts in batch for receipt in receipts), key=lambda receipt: receipt.id)
    if len(receipts) == 1:
        await database.fetch(_DELETE_ONE, receipts[0].id, receipts[0].queue_id, receipts[0].number)
        return [None]
    await database.fetch(
        _DELETE,
        [receipt.id for receipt in receipts],
        [receipt.queue_id for receipt in receipts],
        [receipt.number for receipt in receipts],
    )
    return [None for _ in batch]


async def _run_changes(batch: Sequence[Sequence[VisibilityChange]]) -> list[list[str] | Exception]:
    changes = [change for changes in batch for change in changes]
    rows = await database.fetch(
        _CHANGE_VISIBILITY,
        [change.receipt.id for change in changes],
        [change.receipt.queue_id for change in changes],
        [change.receipt.number for change in changes],
        [change.now_ms for change in changes],
        [change.visible_at_ms for change in changes],
    )
    wakeups().announce({change.receipt.queue_id for change in changes})
    outcomes = iter(row["outcome"] for row in rows)
    return [[next(outcomes) for _ in changes] for changes in batch]
