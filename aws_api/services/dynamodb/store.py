"""The hot statements on items: what arrives together is read in one statement and written in one.

A write is a pure function from the item as it is to the item as it will be. A batch reads the items that its functions
need, runs the functions in the order of arrival, and writes the outcome where every row still has the revision that was
read; who finds another revision, or another generation of the table, is told to begin again.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar

import asyncpg

from aws_api.core import database
from aws_api.core.coalescing import Coalescer
from aws_api.core.errors import AwsError
from aws_api.services.dynamodb.attribute_values import Item, item_from_bytes, item_to_bytes
from aws_api.services.dynamodb.keys import EncodedKey, key_in_index
from aws_api.services.dynamodb.schema import IndexSchema, TableSchema

#: Batches of writes under way at once. A key always goes the same way, so a process never competes with itself.
WRITE_LANES = 2
#: Queries of one statement; each may bring a megabyte and some.
MAX_QUERIES = 32

Row = Mapping[str, Any]
#: (table, partition key, sort key)
FullKey = tuple[int, bytes, bytes]
Answer = TypeVar("Answer")

_READ = """
    SELECT asked.at, item.item, item.size, item.revision
    FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) WITH ORDINALITY AS asked (table_id, hash, range, at)
    JOIN dynamodb_item AS item USING (table_id, hash, range)
"""

# What most batches are: puts that look at nothing, into tables without indexes. Half the work of the statement below.
_OVERWRITE = """
    WITH present AS MATERIALIZED (
        SELECT id, generation FROM dynamodb_table WHERE id = ANY ($8::bigint[]) ORDER BY id FOR KEY SHARE
    )
    INSERT INTO dynamodb_item (table_id, hash, range, item, size, revision)
    SELECT put.table_id, put.hash, put.range, put.item, put.size, put.revision
    FROM unnest(
        $1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[], $6::int[], $7::bigint[]
    ) AS put (table_id, hash, range, generation, item, size, revision)
    JOIN present ON present.id = put.table_id AND present.generation = put.generation
    ORDER BY put.table_id, put.hash, put.range
    ON CONFLICT (table_id, hash, range) DO UPDATE
    SET item = excluded.item, size = excluded.size, revision = excluded.revision
    RETURNING table_id, hash, range
"""

# Tables are locked against a change of their indexes, rows in the order of their keys, so that two batches never wait
# for each other. A revision below zero says that the row must not exist: it never replaces one. `expected`: null takes
# any row, 0 none, else the row of that revision. `item` is null for a deletion.
_WRITE = """
    WITH change AS MATERIALIZED (
        SELECT * FROM unnest(
            $1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bytea[], $7::int[], $8::bigint[]
        ) WITH ORDINALITY AS change (table_id, hash, range, generation, expected, item, size, revision, at)
    ), present AS MATERIALIZED (
        SELECT id, generation FROM dynamodb_table WHERE id = ANY ($9::bigint[]) ORDER BY id FOR KEY SHARE
    ), locked AS MATERIALIZED (
        SELECT item.table_id, item.hash, item.range, item.revision
        FROM change JOIN dynamodb_item AS item USING (table_id, hash, range)
        ORDER BY item.table_id, item.hash, item.range
        FOR UPDATE OF item
    ), allowed AS MATERIALIZED (
        SELECT change.*
        FROM change
        JOIN present ON present.id = change.table_id AND present.generation = change.generation
        LEFT JOIN locked USING (table_id, hash, range)
        WHERE expected IS NULL OR expected = coalesce(locked.revision, 0)
    ), put AS (
        INSERT INTO dynamodb_item (table_id, hash, range, item, size, revision)
        SELECT table_id, hash, range, item, size, revision
        FROM allowed
        WHERE item IS NOT NULL
        ORDER BY table_id, hash, range
        ON CONFLICT (table_id, hash, range) DO UPDATE
        SET item = excluded.item, size = excluded.size, revision = excluded.revision
        WHERE excluded.revision > 0
        RETURNING table_id, hash, range
    ), deleted AS (
        DELETE FROM dynamodb_item AS item
        USING allowed
        WHERE allowed.item IS NULL
        AND item.table_id = allowed.table_id AND item.hash = allowed.hash AND item.range = allowed.range
    ), written AS MATERIALIZED (
        SELECT table_id, hash, range FROM put
        UNION ALL
        SELECT table_id, hash, range FROM allowed WHERE item IS NULL
    ){index_entries}
    SELECT change.at, written.table_id IS NOT NULL AS is_written, present.id IS NULL AS is_stale
    FROM change
    LEFT JOIN written USING (table_id, hash, range)
    LEFT JOIN present ON present.id = change.table_id AND present.generation = change.generation
"""

_INDEX_ENTRIES = """, entry AS MATERIALIZED (
        SELECT entry.*
        FROM unnest(
            $10::bigint[], $11::bigint[], $12::bytea[], $13::bytea[], $14::bytea[], $15::bytea[]
        ) AS entry (table_id, index_id, item_hash, item_range, hash, range)
        JOIN written
        ON written.table_id = entry.table_id AND written.hash = item_hash AND written.range = item_range
    ), entered AS (
        INSERT INTO dynamodb_indexentry AS stands (index_id, hash, range, item_hash, item_range)
        SELECT index_id, hash, range, item_hash, item_range FROM entry WHERE hash IS NOT NULL
        ON CONFLICT (index_id, item_hash, item_range) DO UPDATE
        SET hash = excluded.hash, range = excluded.range
        WHERE (stands.hash, stands.range) IS DISTINCT FROM (excluded.hash, excluded.range)
    ), left_index AS (
        DELETE FROM dynamodb_indexentry AS stands
        USING entry
        WHERE entry.hash IS NULL AND stands.index_id = entry.index_id
        AND stands.item_hash = entry.item_hash AND stands.item_range = entry.item_range
    )"""

_WRITE_ITEMS = _WRITE.replace("{index_entries}", "")
_WRITE_ITEMS_AND_ENTRIES = _WRITE.replace("{index_entries}", _INDEX_ENTRIES)

# Queries that arrive together go into one statement, too: one row of `asked` for each.
_QUERY_TABLE = """
    SELECT asked.at, found.*
    FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::int[])
    WITH ORDINALITY AS asked (table_id, hash, low, high, wanted, at),
    LATERAL (
        SELECT hash, range, hash AS item_hash, range AS item_range, item, size
        FROM dynamodb_item AS item
        WHERE item.table_id = asked.table_id AND item.hash = asked.hash
        AND item.range >= asked.low AND item.range < asked.high
        ORDER BY item.range {order} LIMIT asked.wanted
    ) AS found
"""
# The bound that a query begins at is the comparison of rows alone: with two, Postgres may begin at the lesser.
_QUERY_INDEX = """
    SELECT asked.at, found.*
    FROM unnest(
        $1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::int[], $6::bigint[], $7::bytea[], $8::bytea[],
        $9::bytea[]
    )
    WITH ORDINALITY AS asked (
        table_id, hash, low, high, wanted, index_id, last_range, last_item_hash, last_item_range, at
    ),
    LATERAL (
        SELECT entry.hash, entry.range, entry.item_hash, entry.item_range, item.item, item.size
        FROM dynamodb_indexentry AS entry
        JOIN dynamodb_item AS item
        ON item.table_id = asked.table_id AND item.hash = entry.item_hash AND item.range = entry.item_range
        WHERE entry.index_id = asked.index_id AND entry.hash = asked.hash
        AND entry.range {bound}
        AND (entry.range, entry.item_hash, entry.item_range)
            {beyond} (asked.last_range, asked.last_item_hash, asked.last_item_range)
        ORDER BY entry.range {order}, entry.item_hash {order}, entry.item_range {order} LIMIT asked.wanted
    ) AS found
"""
_SCAN_TABLE = """
    SELECT hash, range, hash AS item_hash, range AS item_range, item, size
    FROM dynamodb_item
    WHERE table_id = $1 AND (hash, range) > ($2, $3) AND hash < $4
    ORDER BY hash, range LIMIT $5
"""
_SCAN_INDEX = """
    SELECT entry.hash, entry.range, entry.item_hash, entry.item_range, item.item, item.size
    FROM dynamodb_indexentry AS entry
    JOIN dynamodb_item AS item
    ON item.table_id = $1 AND item.hash = entry.item_hash AND item.range = entry.item_range
    WHERE entry.index_id = $2 AND (entry.hash, entry.range, entry.item_hash, entry.item_range) > ($3, $4, $5, $6)
    AND entry.hash < $7
    ORDER BY entry.hash, entry.range, entry.item_hash, entry.item_range LIMIT $8
"""

#: By (whether of an index, whether forward).
_QUERIES = {
    (False, True): _QUERY_TABLE.format(order="ASC"),
    (False, False): _QUERY_TABLE.format(order="DESC"),
    (True, True): _QUERY_INDEX.format(order="ASC", beyond=">", bound="< asked.high"),
    (True, False): _QUERY_INDEX.format(order="DESC", beyond="<", bound=">= asked.low"),
}


@dataclass(frozen=True, slots=True)
class Stored:
    """An item as it is in its row, or as a write leaves it."""

    item: Item
    size: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: the item before (None also where the write did not ask) and after."""

    before: Stored | None
    after: Stored | None


class Superseded(Exception):
    """Another process wrote the item between the reading and the writing: begin again."""


class StaleSchema(Exception):
    """The table was changed or deleted meanwhile: read its schema and begin again."""


#: The item before, if it was asked for and is there, to the item after. Raises AwsError to leave it as it is.
Change = Callable[[Stored | None], Stored | None]


@dataclass(frozen=True, slots=True)
class Write:
    """A change of one item. ``needs_before``: whether the change looks at, or its answer tells, what was there."""

    table: TableSchema
    key: EncodedKey
    change: Change
    needs_before: bool

    @property
    def full_key(self) -> FullKey:
        return self.table.id, self.key.hash, self.key.range


@dataclass(frozen=True, slots=True)
class Position:
    """A row's place in the order of a table or an index; an index breaks ties by the item's own key."""

    key: EncodedKey
    item: EncodedKey


async def read_item(table: TableSchema, key: EncodedKey) -> Stored | None:
    """An item by its key; concurrent reads go into one statement."""
    row = await _of_loop(_make_reader).submit((table.id, key.hash, key.range))
    return None if row is None else Stored(item_from_bytes(row["item"]), row["size"])


async def write_item(write: Write) -> Written:
    """Change an item. Raises what the change raises, Superseded and StaleSchema."""
    lanes = _of_loop(_make_writers)
    # The digest, not the whole key, because it is random already and Python's own hash of bytes is costlier.
    return await lanes[write.key.hash[0] % len(lanes)].submit(write)


async def read_items(keys: Sequence[tuple[TableSchema, EncodedKey]]) -> list[Stored | None]:
    """Many items by their keys, in one statement of their own."""
    rows = await _read([(table.id, key.hash, key.range) for table, key in keys])
    return [None if row is None else Stored(item_from_bytes(row["item"]), row["size"]) for row in rows]


async def write_items(writes: Sequence[Write]) -> list[Written | Exception]:
    """Change many items in one statement of their own; an answer or what was raised for each."""
    return await _write(writes)


async def query_page(
    table: TableSchema,
    index: IndexSchema | None,
    hash_key: bytes,
    bounds: tuple[bytes, bytes],
    *,
    after: Position | None,
    forward: bool,
    limit: int,
) -> Sequence[Row]:
    """The next rows of one partition whose sort key is within the bounds (from, to), in order."""
    low, high = bounds
    queries = _of_loop(_make_queries)[index is not None, forward]
    if index is None:
        if after is not None and forward:
            low = max(low, after.key.range + b"\x00")
        elif after is not None:
            high = min(high, after.key.range)
        return await queries.submit((table.id, hash_key, low, high, limit))
    if after is None:
        last = (low if forward else high, b"", b"")
    else:
        last = (after.key.range, after.item.hash, after.item.range)
    return await queries.submit((table.id, hash_key, low, high, limit, index.id, *last))


async def scan_page(
    table: TableSchema, index: IndexSchema | None, *, start: bytes, end: bytes, after: Position | None, limit: int
) -> Sequence[Row]:
    """The next rows whose partition key is within ``start`` (from) and ``end`` (to), in order."""
    if index is None:
        place = (start, b"") if after is None else (after.key.hash, after.key.range)
        return await database.fetch(_SCAN_TABLE, table.id, *place, end, limit)
    if after is None:
        entry_place = (start, b"", b"", b"")
    else:
        entry_place = (after.key.hash, after.key.range, after.item.hash, after.item.range)
    return await database.fetch(_SCAN_INDEX, table.id, index.id, *entry_place, end, limit)


async def _query(kind: tuple[bool, bool], asked: Sequence[tuple[Any, ...]]) -> list[Sequence[Row]]:
    rows = await database.fetch(_QUERIES[kind], *(list(column) for column in zip(*asked, strict=True)))
    found: list[list[Row]] = [[] for _ in asked]
    for row in rows:
        found[row["at"] - 1].append(row)
    _, forward = kind
    for page in found:
        # They come in this order already, only Postgres does not promise it.
        page.sort(key=_place, reverse=not forward)
    return list(found)


def _place(row: Row) -> tuple[bytes, bytes, bytes]:
    return row["range"], row["item_hash"], row["item_range"]


async def _read(keys: Sequence[FullKey]) -> list[Row | None]:
    rows = await database.fetch(_READ, *(list(column) for column in zip(*keys, strict=True)))
    found = {row["at"]: row for row in rows}
    return [found.get(at) for at in range(1, len(keys) + 1)]


@dataclass(slots=True)
class _Draft:
    """One item while a batch works on it."""

    table: TableSchema
    key: EncodedKey
    #: The revision that was read, 0 where there was no row, None where nobody looked.
    expected: int | None
    current: Stored | None
    is_changed: bool = False


async def _write(batch: Sequence[Write]) -> list[Written | Exception]:
    drafts = await _drafts(batch)
    answers: list[Written | Exception] = []
    for write in batch:
        draft = drafts[write.full_key]
        if write.table.generation != draft.table.generation:
            answers.append(StaleSchema())
            continue
        before = draft.current if write.needs_before else None
        try:
            after = write.change(before)
        except AwsError as error:
            answers.append(error)
            continue
        answers.append(Written(before, after))
        # What was not there and still is not needs no statement.
        if after is not None or draft.current is not None or draft.expected is None:
            draft.current, draft.is_changed = after, True
    failures = await _commit([draft for draft in drafts.values() if draft.is_changed])
    if not failures:
        return answers
    return [
        answer if isinstance(answer, StaleSchema) else failures.get(write.full_key, answer)
        for write, answer in zip(batch, answers, strict=True)
    ]


async def _drafts(batch: Sequence[Write]) -> dict[FullKey, _Draft]:
    """A draft per key, which starts from the row where any write of the key looks at it."""
    drafts = {write.full_key: _Draft(write.table, write.key, None, None) for write in reversed(batch)}
    to_read = list({write.full_key for write in batch if write.needs_before})
    if to_read:
        for full_key, row in zip(to_read, await _read(to_read), strict=True):
            draft = drafts[full_key]
            draft.expected = 0
            if row is not None:
                draft.expected, draft.current = row["revision"], Stored(item_from_bytes(row["item"]), row["size"])
    return drafts


async def _commit(drafts: list[_Draft]) -> Mapping[FullKey, Exception]:
    """Write the drafts in one statement. Answers why not, by key, for those that could not be."""
    if not drafts:
        return {}
    rows = [
        (
            draft.table.id,
            draft.key.hash,
            draft.key.range,
            draft.table.generation,
            draft.expected,
            None if draft.current is None else item_to_bytes(draft.current.item),
            None if draft.current is None else draft.current.size,
            _new_revision(must_not_exist=draft.expected == 0),
        )
        for draft in drafts
    ]
    arguments: list[Any] = [list(column) for column in zip(*rows, strict=True)]
    tables = list({draft.table.id for draft in drafts})
    entries = [entry for draft in drafts for entry in _entries(draft)]
    try:
        if not entries and all(draft.expected is None and draft.current is not None for draft in drafts):
            return await _overwrite(arguments, tables)
        arguments.append(tables)
        arguments.extend(list(column) for column in zip(*entries, strict=True))
        outcomes = await database.fetch(_WRITE_ITEMS_AND_ENTRIES if entries else _WRITE_ITEMS, *arguments)
    except asyncpg.DeadlockDetectedError:
        # Rows that another process creates meanwhile are the one thing that cannot be locked in order.
        return {(draft.table.id, draft.key.hash, draft.key.range): Superseded() for draft in drafts}
    failures: dict[FullKey, Exception] = {}
    for outcome in outcomes:
        if not outcome["is_written"]:
            draft = drafts[outcome["at"] - 1]
            full_key = (draft.table.id, draft.key.hash, draft.key.range)
            failures[full_key] = StaleSchema() if outcome["is_stale"] else Superseded()
    return failures


async def _overwrite(columns: Sequence[list[Any]], tables: list[int]) -> Mapping[FullKey, Exception]:
    *key, generation, _, item, size, revision = columns
    written = await database.fetch(_OVERWRITE, *key, generation, item, size, revision, tables)
    missing = set(zip(*key, strict=True)) - {(row["table_id"], row["hash"], row["range"]) for row in written}
    return {full_key: StaleSchema() for full_key in missing}


def _entries(draft: _Draft) -> list[tuple[int, int, bytes, bytes, bytes | None, bytes | None]]:
    """Where the item will stand in each of its table's indexes; without a place where it will be in none."""
    entries: list[tuple[int, int, bytes, bytes, bytes | None, bytes | None]] = []
    for index in draft.table.indexes:
        place = None if draft.current is None else key_in_index(index, draft.current.item)
        entries.append(
            (
                draft.table.id,
                index.id,
                draft.key.hash,
                draft.key.range,
                None if place is None else place.hash,
                None if place is None else place.range,
            )
        )
    return entries


def _new_revision(*, must_not_exist: bool) -> int:
    revision = random.getrandbits(62) + 1
    return -revision if must_not_exist else revision


def _make_reader() -> Coalescer[FullKey, Row | None]:
    return Coalescer(_read)


def _make_queries() -> dict[tuple[bool, bool], Coalescer[tuple[Any, ...], Sequence[Row]]]:
    return {kind: Coalescer(partial(_query, kind), max_batch=MAX_QUERIES) for kind in _QUERIES}


def _make_writers() -> list[Coalescer[Write, Written]]:
    return [Coalescer(_write, lanes=1) for _ in range(WRITE_LANES)]


def _of_loop(make: Callable[[], Answer]) -> Answer:
    """What ``make`` makes, once per event loop."""
    made: Answer = _made_for(id(asyncio.get_running_loop()), make)
    return made


@cache
def _made_for(_loop_id: int, make: Callable[[], Any]) -> Any:
    return make()
