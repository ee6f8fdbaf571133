"""How Postgres performs the hot statements on a table of many messages: by index, never by reading all of them."""

import time
from typing import Any

import pytest

from aws_api.core import database
from aws_api.core.execution import run_on_loop
from aws_api.services.sqs import fifo, store

MANY = 20_000
QUEUES = 20

_FILL = """
    INSERT INTO sqs_message (queue_id, visible_at_ms, sent_at_ms, receive_count, message_id, sender_id, body)
    SELECT -1 - number % $1, $2, $2, 0, gen_random_uuid(), 'plans', 'body' FROM generate_series(1, $3) AS number
"""


@pytest.fixture
def now_ms(database: None) -> Any:
    """The time at which many messages are in the queues -1 to -20, which nobody has."""
    now = int(time.time() * 1000)
    run_on_loop(_run(_FILL, QUEUES, now - 1000, MANY))
    run_on_loop(_run("ANALYZE sqs_message"))
    yield now
    run_on_loop(_run("DELETE FROM sqs_message WHERE queue_id < 0"))


def test_receiving_reads_the_head_of_the_index(now_ms: int) -> None:
    arguments = [-1], [10], [0], [now_ms], [0], [None], [None], [30_000] * 10, ["arn"]
    plan = _plan(store._RECEIVE, *arguments)
    assert "Index Scan using sqs_message_next" in plan or "Index Only Scan using sqs_message_next" in plan
    assert "Seq Scan on sqs_message" not in plan


def test_receiving_from_a_fifo_queue_reads_its_head_and_what_is_not_visible(now_ms: int) -> None:
    fill = """
        INSERT INTO sqs_message (queue_id, visible_at_ms, sent_at_ms, receive_count, message_id, sender_id, body,
            group_id, deduplication_id)
        SELECT -99, $1, $1, 0, gen_random_uuid(), 'plans', 'body', 'one', number FROM generate_series(1, $2) AS number
    """
    run_on_loop(_run(fill, now_ms - 1000, MANY))
    run_on_loop(_run("ANALYZE sqs_message"))
    plan = _plan(fifo._MEET, -99, now_ms, 0, None, 10)
    assert "Sort" not in plan, "it reads in the order of arrival"
    assert "Seq Scan on sqs_message" not in plan
    (looks_for_others,) = (line for line in plan.splitlines() if "Index Cond" in line and "visible_at_ms >" in line)
    assert "queue_id" in looks_for_others


def test_deleting_finds_messages_by_their_id(now_ms: int) -> None:
    for plan in (_plan(store._DELETE, [1, 2], [-1, -1], [3, 4]), _plan(store._DELETE_ONE, 1, -1, 3)):
        assert "sqs_message_pkey" in plan
        assert "Seq Scan on sqs_message" not in plan


def test_what_turns_visible_next_is_the_index_s_next_entry(now_ms: int) -> None:
    plan = _plan(store._NEXT_VISIBLE, -1, now_ms)
    assert "sqs_message_next" in plan
    assert "Sort" not in plan


def _plan(sql: str, *arguments: Any) -> str:
    """The plan that Postgres keeps for a prepared statement."""
    return "\n".join(row[0] for row in run_on_loop(_explained(sql, *arguments)))


async def _explained(sql: str, *arguments: Any) -> Any:
    async with database.pool().acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        return await connection.fetch(f"EXPLAIN {sql}", *arguments)


async def _run(sql: str, *arguments: Any) -> None:
    await database.fetch(sql, *arguments)
