"""Filling a new index with what its table holds, while reads and writes go on.

Writes keep an index from its making. The filling enters the other items, each only while it is as it was read, so that
it never undoes what a write did. It runs in the process that was asked for the index; where that ends, a chore of the
workers begins it anew. Until it is done the index cannot be read.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import asyncpg

from aws_api.core import database
from aws_api.core.execution import process_loop
from aws_api.services.dynamodb.attribute_values import Item, item_from_bytes
from aws_api.services.dynamodb.keys import EncodedKey, key_in_expiry, key_in_index
from aws_api.services.dynamodb.schema import ExpirySchema, index_schema, key_schema
from aws_api.services.dynamodb.tables import schemas

_ROWS_AT_ONCE = 500
#: The first key of the advisory locks that keep two processes from filling the same index.
_LOCK = 0x64646221

_LOAD = """
    SELECT coalesce(made.entries_id, made.id) AS entries, made.is_expiry, made.is_filled, made.name,
        made.document AS index_document, coalesce(made_for.contents_id, made_for.id) AS contents, made_for.document
    FROM dynamodb_index AS made JOIN dynamodb_table AS made_for ON made_for.id = made.table_id
    WHERE made.id = $1
"""
_NEXT_ITEMS = """
    SELECT hash, range, item, revision FROM dynamodb_item
    WHERE table_id = $1 AND (hash, range) > ($2, $3) ORDER BY hash, range LIMIT $4
"""
_ENTER = """
    WITH entry AS MATERIALIZED (
        SELECT * FROM unnest($3::bytea[], $4::bytea[], $5::bigint[], $6::bytea[], $7::bytea[])
        AS entry (item_hash, item_range, revision, hash, range)
    ), same AS MATERIALIZED (
        SELECT entry.*
        FROM entry JOIN dynamodb_item AS item
        ON item.table_id = $1 AND item.hash = item_hash AND item.range = item_range
        AND item.revision = entry.revision
        ORDER BY item.hash, item.range
        FOR SHARE OF item
    )
    INSERT INTO dynamodb_indexentry (index_id, hash, range, item_hash, item_range)
    SELECT $2, hash, range, item_hash, item_range FROM same
    ON CONFLICT (index_id, item_hash, item_range) DO NOTHING
"""
_FINISH = """
    UPDATE dynamodb_index SET is_filled = true
    FROM dynamodb_table AS found
    WHERE coalesce(dynamodb_index.entries_id, dynamodb_index.id) = $1 AND found.id = dynamodb_index.table_id
    RETURNING found.account_id, found.region, found.name
"""

#: Where an item stands; None where it is not in the index.
Placing = Callable[[Item], EncodedKey | None]

_running: set["asyncio.Task[None]"] = set()


def start_filling(index_id: int) -> None:
    """Begin to fill an index in the background of this process."""

    def start() -> None:
        _keep(fill(index_id))

    process_loop().call_soon_threadsafe(start)


async def fill(index_id: int) -> None:
    """Fill an index, unless somebody else is at it. Ends early where it is gone."""
    async with database.pool().acquire() as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCK, index_id % 2**31):
            return
        try:
            row = await connection.fetchrow(_LOAD, index_id)
            if row is None or row["is_filled"]:
                return
            await _enter_all(connection, index_id, row)
        finally:
            await connection.fetchval("SELECT pg_advisory_unlock($1, $2)", _LOCK, index_id % 2**31)


async def _enter_all(connection: asyncpg.Connection, index_id: int, index: Mapping[str, Any]) -> None:
    place_of = placing(index["document"], index["index_document"], is_expiry=index["is_expiry"])
    last = (b"", b"")
    while True:
        rows = await connection.fetch(_NEXT_ITEMS, index["contents"], *last, _ROWS_AT_ONCE)
        entries = _entries(rows, place_of)
        if entries:
            columns = (list(column) for column in zip(*entries, strict=True))
            await connection.execute(_ENTER, index["contents"], index["entries"], *columns)
        if len(rows) < _ROWS_AT_ONCE:
            break
        last = (rows[-1]["hash"], rows[-1]["range"])
        if not await connection.fetchval("SELECT true FROM dynamodb_index WHERE id = $1", index_id):
            return
    for table in await connection.fetch(_FINISH, index["entries"]):
        await schemas.invalidate_async((table["account_id"], table["region"], table["name"]))


def _entries(rows: Sequence[Mapping[str, Any]], place_of: Placing) -> list[tuple[bytes, bytes, int, bytes, bytes]]:
    entries = []
    for row in rows:
        place = place_of(item_from_bytes(row["item"]))
        if place is not None:
            entries.append((row["hash"], row["range"], row["revision"], place.hash, place.range))
    return entries


def placing(table: Mapping[str, Any], index: Mapping[str, Any], *, is_expiry: bool) -> Placing:
    """Where items stand in an index, by its document and its table's."""
    if is_expiry:
        expiry = ExpirySchema(id=0, attribute=index["AttributeName"])
        return lambda item: key_in_expiry(expiry, item)
    definitions = table["AttributeDefinitions"]
    schema = index_schema(
        id=0,
        name="",
        is_global=True,
        keys=key_schema(index["KeySchema"], definitions),
        projection=index["Projection"],
        table_keys=key_schema(table["KeySchema"], definitions),
    )
    return lambda item: key_in_index(schema, item)


def _keep(filling: Coroutine[Any, Any, None]) -> None:
    # Only weakly held by the loop, a task could vanish while it runs.
    task = asyncio.get_running_loop().create_task(filling, name="filling an index")
    _running.add(task)
    task.add_done_callback(_running.discard)
