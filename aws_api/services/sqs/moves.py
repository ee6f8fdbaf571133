"""Moving messages out of a dead-letter queue, some at a time, until done, cancelled or failed.

A move runs in the process that holds its lease; where that process dies, the next ListMessageMoveTasks or
StartMessageMoveTask on the queue, in any process, goes on.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from aws_api.core import database
from aws_api.core.clock import Clock
from aws_api.core.execution import process_loop
from aws_api.services.sqs.models import MoveTask
from aws_api.services.sqs.wakeups import wakeups

MAX_PER_SECOND = 500
CHUNK = 500
LEASE_MS = 10_000

# The lease is a compare-and-swap on its own end: only who set it can prolong it before it lapses.
_CLAIM = """
    UPDATE sqs_movetask SET leased_until_ms = $2, moved = moved + $4
    WHERE id = $1 AND status IN ('RUNNING', 'CANCELLING') AND (leased_until_ms <= $3 OR leased_until_ms = $5)
    RETURNING status, source_arn, destination_arn, messages_per_second, moved, to_move
"""

_MOVE = """
    WITH picked AS MATERIALIZED (
        SELECT message.id, split_part(coalesce(nullif($2, ''), message.source_arn, ''), ':', 4) AS region,
            split_part(coalesce(nullif($2, ''), message.source_arn, ''), ':', 5) AS account_id,
            split_part(coalesce(nullif($2, ''), message.source_arn, ''), ':', 6) AS name
        FROM sqs_message AS message
        WHERE message.visible_at_ms <= $3 AND message.queue_id = (
            SELECT id FROM sqs_queue
            WHERE region = split_part($1, ':', 4) AND account_id = split_part($1, ':', 5)
                AND name = split_part($1, ':', 6)
        )
        ORDER BY message.visible_at_ms, message.id LIMIT $4 FOR UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE sqs_message SET
            queue_id = sqs_queue.id, visible_at_ms = $3, sent_at_ms = $3, message_id = gen_random_uuid(),
            receipt = NULL, receive_count = 0, first_received_at_ms = NULL, source_arn = NULL
        FROM picked JOIN sqs_queue USING (region, account_id, name)
        WHERE sqs_message.id = picked.id
        RETURNING sqs_message.queue_id
    )
    SELECT (SELECT count(*) FROM picked) AS picked, (SELECT count(*) FROM picked WHERE name = '') AS sourceless,
        (SELECT count(*) FROM moved) AS moved, array(SELECT DISTINCT queue_id FROM moved) AS queue_ids
"""

_FINISH = """
    UPDATE sqs_movetask SET status = $2, failure_reason = $3, moved = moved + $4
    WHERE id = $1 AND status IN ('RUNNING', 'CANCELLING')
"""

_running: set["asyncio.Task[None]"] = set()


def start_moving(task_id: str, clock: Clock) -> None:
    """Begin or take over a move in the background, from plain code; does nothing where another process moves."""

    def begin() -> None:
        coroutine: Coroutine[Any, Any, None] = move(task_id, clock)
        task = asyncio.get_running_loop().create_task(coroutine, name=f"sqs move {task_id}")
        _running.add(task)
        task.add_done_callback(_running.discard)

    process_loop().call_soon_threadsafe(begin)


async def move(task_id: str, clock: Clock) -> None:
    """Move until there is nothing left of what there was at the start."""
    leased_until_ms, moved = -1, 0
    while True:
        now_ms = clock.epoch_ms()
        task = await database.fetch_row(_CLAIM, task_id, now_ms + LEASE_MS, now_ms, moved, leased_until_ms)
        if task is None:
            return  # it is over, or another process's
        leased_until_ms, moved = now_ms + LEASE_MS, 0
        if task["status"] == MoveTask.Status.CANCELLING:
            await database.fetch(_FINISH, task_id, MoveTask.Status.CANCELLED.value, "", 0)
            return
        rate, left = task["messages_per_second"], task["to_move"] - task["moved"]
        limit = max(0, min(rate or CHUNK, left))
        round_ = await database.fetch_row(_MOVE, task["source_arn"], task["destination_arn"], now_ms, limit)
        assert round_ is not None
        wakeups().announce(round_["queue_ids"])
        moved = round_["moved"]
        if moved < round_["picked"]:
            reason = (
                "CouldNotDetermineMessageSource" if round_["sourceless"] else "AWS.SimpleQueueService.NonExistentQueue"
            )
            await database.fetch(_FINISH, task_id, MoveTask.Status.FAILED.value, reason, moved)
            return
        if moved == left or not moved:
            await database.fetch(_FINISH, task_id, MoveTask.Status.COMPLETED.value, "", moved)
            return
        if rate:
            await asyncio.sleep(1)
