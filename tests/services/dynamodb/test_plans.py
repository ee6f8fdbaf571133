"""What Postgres does for the hot statements on a table of many items: it goes by index and begins where it must."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from aws_api.core import database
from aws_api.core.execution import run_on_loop
from aws_api.services.dynamodb import store
from aws_api.services.dynamodb.keys import AFTER_EVERY_RANGE, BEFORE_EVERY_KEY

TABLE = -7
INDEX = -7
ITEMS = 20_000

_FILL = """
    INSERT INTO dynamodb_item (table_id, hash, range, item, size, revision)
    SELECT %s, decode(lpad(to_hex(at / 1000), 8, '0'), 'hex'), decode(lpad(to_hex(at), 8, '0'), 'hex'), '{}', 2, at + 1
    FROM generate_series(0, %s) AS at
"""
_ENTER = """
    INSERT INTO dynamodb_indexentry (index_id, hash, range, item_hash, item_range)
    SELECT %s, hash, range, hash, range FROM dynamodb_item WHERE table_id = %s
"""


@pytest.fixture
def many(database: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [TABLE, ITEMS])
        cursor.execute(_ENTER, [INDEX, TABLE])
        cursor.execute("ANALYZE dynamodb_item")
        cursor.execute("ANALYZE dynamodb_indexentry")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dynamodb_item WHERE table_id = %s", [TABLE])
        cursor.execute("DELETE FROM dynamodb_indexentry WHERE index_id = %s", [INDEX])


PARTITION = (7).to_bytes(4)
LATE = (7900).to_bytes(4)


@pytest.mark.parametrize(
    ("statement", "arguments"),
    [
        (store._READ, [[TABLE], [PARTITION], [LATE]]),
        (store._READ_ONE, [TABLE, PARTITION, LATE]),
        (store._QUERIES_ONCE[True], [TABLE, PARTITION, LATE, AFTER_EVERY_RANGE, 10]),
        (store._QUERIES_ONCE[False], [TABLE, PARTITION, BEFORE_EVERY_KEY, LATE, 10]),
        (store._QUERIES[False, True], [[TABLE], [PARTITION], [LATE], [AFTER_EVERY_RANGE], [10]]),
        (store._QUERIES[False, False], [[TABLE], [PARTITION], [BEFORE_EVERY_KEY], [LATE], [10]]),
        (
            store._QUERIES[True, True],
            [[TABLE], [PARTITION], [LATE], [AFTER_EVERY_RANGE], [10], [INDEX], [LATE], [b""], [b""]],
        ),
        (
            store._QUERIES[True, False],
            [[TABLE], [PARTITION], [BEFORE_EVERY_KEY], [LATE], [10], [INDEX], [LATE], [b""], [b""]],
        ),
        (store._SCAN_TABLE, [TABLE, PARTITION, LATE, b"\xff", 10]),
        (store._SCAN_INDEX, [TABLE, INDEX, PARTITION, LATE, PARTITION, LATE, b"\xff", 10]),
    ],
)
def test_a_statement_reads_little_more_than_it_answers(many: None, statement: str, arguments: list[Any]) -> None:
    (row,) = run_on_loop(database.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *arguments))
    nodes = list(_nodes(_plan(row[0])))
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan"]
    for node in nodes:
        assert node.get("Actual Rows", 0) * node.get("Actual Loops", 1) <= 20, node
        assert node.get("Rows Removed by Filter", 0) <= 20, node


_ROW = (PARTITION, LATE)
_PUT = ([TABLE], [PARTITION], [LATE], [0], [None], [b"{}"], [2], [1])


@pytest.mark.parametrize(
    ("statement", "arguments"),
    [
        (store._OVERWRITE_ONE, [TABLE, 0, *_ROW, b"{}", 2, 1]),
        (store._REPLACE_ONE, [TABLE, 0, *_ROW, b"{}", 2, 1, 7901]),
        (store._OVERWRITE, [*_PUT[:4], *_PUT[5:], [TABLE]]),
        (store._WRITE_ITEMS, [*_PUT, [TABLE]]),
        (store._WRITE_ALL, [*_PUT, [TABLE], *([],) * 11, [], datetime.now(UTC)]),
    ],
    ids=["overwrite one", "replace one", "overwrite", "write", "write all"],
)
def test_a_write_finds_its_rows_by_their_keys(many: None, statement: str, arguments: list[Any]) -> None:
    (row,) = run_on_loop(database.fetch(f"EXPLAIN (FORMAT JSON) {statement}", *arguments))
    large = {"dynamodb_item", "dynamodb_indexentry", "dynamodb_pastitem"}
    found = [
        node for node in _nodes(_plan(row[0])) if node.get("Relation Name") in large and "Scan" in node["Node Type"]
    ]
    assert not [node for node in found if node["Node Type"] == "Seq Scan"]
    for node in found:
        assert "Index Cond" in node or node["Node Type"].startswith("Bitmap"), node


def _plan(answer: Any) -> dict[str, Any]:
    plan: dict[str, Any] = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
