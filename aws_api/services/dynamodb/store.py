"""The hot statements on items: what arrives together is read in one statement and written in one.

A write is a pure function from the item as it is to the item as it will be. A batch reads the items that its functions
need, runs the functions in the order of arrival, and writes the outcome where every row still has the revision that was
read; who finds another revision, or another generation of the table, is told to begin again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, TypeVar

import asyncpg

from aws_api.core import database
from aws_api.core.clock import SHARED_CLOCK
from aws_api.core.coalescing import Coalescer
from aws_api.core.errors import AwsError
from aws_api.services.dynamodb.attribute_values import item_from_bytes, item_to_bytes
from aws_api.services.dynamodb.keys import EncodedKey, key_in_expiry, key_in_index
from aws_api.services.dynamodb.records import Change as ItemChange
from aws_api.services.dynamodb.records import record_of
from aws_api.services.dynamodb.remembered import MAX_ITEM_BYTES, Remembered
from aws_api.services.dynamodb.schema import IndexSchema, TableSchema
from aws_api.services.dynamodb.stored import Stored

#: Batches of writes under way at once. A key always goes the same way, so a process never competes with itself.
WRITE_LANES = 2
#: Queries of one statement; each may bring a megabyte and some.
MAX_QUERIES = 32
#: How long a transaction's token is known.
REMEMBERED = timedelta(minutes=10)

Row = Mapping[str, Any]
#: (statement, its arguments) to its rows.
Fetch = Callable[..., Awaitable[Sequence[Row]]]
#: (table, partition key, sort key)
FullKey = tuple[int, bytes, bytes]
Answer = TypeVar("Answer")

#: Revision and item by key, as this process knows them.
_remembered: Remembered[FullKey, tuple[int, Stored]] = Remembered()

_READ = """
    SELECT asked.at, item.item, item.size, item.revision
    FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) WITH ORDINALITY AS asked (table_id, hash, range, at)
    JOIN dynamodb_item AS item USING (table_id, hash, range)
"""
# The same for one item, as the other statements for one: what a lone client waits for, in half the time.
_READ_ONE = "SELECT item, size, revision FROM dynamodb_item WHERE table_id = $1 AND hash = $2 AND range = $3"

# What most batches are: puts that look at nothing, into tables without indexes. Half the work of the statement below.
_OVERWRITE = """
    WITH present AS MATERIALIZED (
        SELECT coalesce(contents_id, id) AS contents, generation
        FROM dynamodb_table WHERE id = ANY ($8::bigint[]) ORDER BY id FOR KEY SHARE
    )
    INSERT INTO dynamodb_item (table_id, hash, range, item, size, revision)
    SELECT put.table_id, put.hash, put.range, put.item, put.size, put.revision
    FROM unnest(
        $1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[], $6::int[], $7::bigint[]
    ) AS put (table_id, hash, range, generation, item, size, revision)
    JOIN present ON present.contents = put.table_id AND present.generation = put.generation
    ORDER BY put.table_id, put.hash, put.range
    ON CONFLICT (table_id, hash, range) DO UPDATE
    SET item = excluded.item, size = excluded.size, revision = excluded.revision
    RETURNING table_id, hash, range
"""

# The same for one item, and the update of one whose revision is known. Where they write nothing, the statement below
# says why.
_OVERWRITE_ONE = """
    INSERT INTO dynamodb_item (table_id, hash, range, item, size, revision)
    SELECT coalesce(contents_id, id), $3, $4, $5, $6, $7
    FROM dynamodb_table WHERE id = $1 AND generation = $2 FOR KEY SHARE
    ON CONFLICT (table_id, hash, range) DO UPDATE
    SET item = excluded.item, size = excluded.size, revision = excluded.revision
    RETURNING revision
"""
_REPLACE_ONE = """
    WITH present AS MATERIALIZED (
        SELECT coalesce(contents_id, id) AS contents
        FROM dynamodb_table WHERE id = $1 AND generation = $2 FOR KEY SHARE
    )
    UPDATE dynamodb_item AS item SET item = $5, size = $6, revision = $7
    FROM present
    WHERE item.table_id = present.contents AND item.hash = $3 AND item.range = $4 AND item.revision = $8
    RETURNING item.revision
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
        SELECT coalesce(contents_id, id) AS contents, generation
        FROM dynamodb_table WHERE id = ANY ($9::bigint[]) ORDER BY id FOR KEY SHARE
    ), locked AS MATERIALIZED (
        SELECT item.table_id, item.hash, item.range, item.revision
        FROM change JOIN dynamodb_item AS item USING (table_id, hash, range)
        ORDER BY item.table_id, item.hash, item.range
        FOR UPDATE OF item
    ), allowed AS MATERIALIZED (
        SELECT change.*
        FROM change
        JOIN present ON present.contents = change.table_id AND present.generation = change.generation
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
    ){index_entries}{stream_records}{past_items}
    SELECT change.at, written.table_id IS NOT NULL AS is_written, present.contents IS NULL AS is_stale
    FROM change
    LEFT JOIN written USING (table_id, hash, range)
    LEFT JOIN present ON present.contents = change.table_id AND present.generation = change.generation
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

# The stream's row is taken after every item's and held until the commit: numbers follow the order of the commits.
_STREAM_RECORDS = """, record AS MATERIALIZED (
        SELECT record.stream_id, record.record, record.at
        FROM unnest($16::bigint[], $17::bytea[], $18::bytea[], $19::bigint[], $20::bytea[])
        WITH ORDINALITY AS record (table_id, hash, range, stream_id, record, at)
        JOIN written USING (table_id, hash, range)
    ), numbered AS (
        UPDATE dynamodb_stream AS stream
        SET sequence = stream.sequence + counted.records
        FROM (SELECT stream_id, count(*) AS records FROM record GROUP BY stream_id ORDER BY stream_id) AS counted
        WHERE stream.id = counted.stream_id
        RETURNING stream.id, stream.sequence - counted.records AS before
    ), recorded AS (
        INSERT INTO dynamodb_streamrecord (stream_id, sequence, at, record)
        SELECT numbered.id, before + row_number() OVER (PARTITION BY stream_id ORDER BY record.at), now(), record.record
        FROM record JOIN numbered ON numbered.id = record.stream_id
    )"""

# The statement sees every row as it was before; one that changed meanwhile has another revision, and is not written.
_PAST_ITEMS = """, past AS (
        INSERT INTO dynamodb_pastitem (table_id, hash, range, until, item, size)
        SELECT written.table_id, written.hash, written.range, $22, before.item, before.size
        FROM written LEFT JOIN LATERAL (
            SELECT item, size FROM dynamodb_item AS item
            WHERE item.table_id = written.table_id AND item.hash = written.hash AND item.range = written.range LIMIT 1
        ) AS before ON true
        WHERE written.table_id = ANY ($21::bigint[])
    )"""

_WRITE_ITEMS = _WRITE.format(index_entries="", stream_records="", past_items="")
_WRITE_ITEMS_AND_ENTRIES = _WRITE.format(index_entries=_INDEX_ENTRIES, stream_records="", past_items="")
_WRITE_AND_RECORD = _WRITE.format(index_entries=_INDEX_ENTRIES, stream_records=_STREAM_RECORDS, past_items="")
_WRITE_ALL = _WRITE.format(index_entries=_INDEX_ENTRIES, stream_records=_STREAM_RECORDS, past_items=_PAST_ITEMS)

_FORGET_ABSENT = """
    DELETE FROM dynamodb_item AS item
    USING unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS absent (table_id, hash, range)
    WHERE item.table_id = absent.table_id AND item.hash = absent.hash AND item.range = absent.range
"""
_REMEMBER = """
    INSERT INTO dynamodb_transactiontoken AS kept (account_id, region, token, digest, at)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (account_id, region, token) DO UPDATE SET digest = excluded.digest, at = excluded.at
    WHERE kept.at < $6
    RETURNING token
"""
_FIND_TOKEN = """
    SELECT digest FROM dynamodb_transactiontoken
    WHERE account_id = $1 AND region = $2 AND token = $3 AND at >= $4
"""

_QUERY_TABLE_ONCE = """
    SELECT hash, range, hash AS item_hash, range AS item_range, item, size
    FROM dynamodb_item
    WHERE table_id = $1 AND hash = $2 AND range >= $3 AND range < $4
    ORDER BY range {order} LIMIT $5
"""
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
#: Of tables alone, by whether forward: an index is queried less often.
_QUERIES_ONCE = {True: _QUERY_TABLE_ONCE.format(order="ASC"), False: _QUERY_TABLE_ONCE.format(order="DESC")}


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: the item before (None also where the write did not ask) and after."""

    before: Stored | None
    after: Stored | None


class Superseded(Exception):
    """Another process wrote the item between the reading and the writing: begin again.

    ``keys`` are those of the items where many are written together.
    """

    def __init__(self, keys: frozenset[FullKey] = frozenset()) -> None:
        super().__init__()
        self.keys = keys


class StaleSchema(Exception):
    """The table was changed or deleted meanwhile: read its schema and begin again."""


class AlreadyMade(Exception):
    """A transaction with this token was made already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A client's token of a transaction, and a digest of what it is to do."""

    account_id: str
    region: str
    token: str
    digest: bytes
    now: datetime


#: The item before, if it was asked for and is there, to the item after. Raises AwsError to leave it as it is.
Change = Callable[[Stored | None], Stored | None]


@dataclass(frozen=True, slots=True)
class Write:
    """A change of one item. ``needs_before``: whether the change looks at, or its answer tells, what was there.

    ``is_expiry`` says in the streams' records that DynamoDB itself made the change.
    """

    table: TableSchema
    key: EncodedKey
    change: Change
    needs_before: bool
    is_expiry: bool = False

    @property
    def looks(self) -> bool:
        """Whether the item must be read before it is written."""
        return self.needs_before or bool(self.table.streams) or self.table.keeps_past

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


async def write_together(writes: Sequence[Write], token: Token | None) -> list[Written | Exception]:
    """Make all of the writes, of different items, or none: an answer or what was raised for each; none is made then.

    What a write leaves as it is, is held like what it changes until all is done, so that the transaction is as if
    nobody else were there. Raises Superseded with the items that somebody else wrote meanwhile, StaleSchema, and
    AlreadyMade where the token was used for a transaction that was made.
    """
    drafts = await _drafts(writes)
    answers = [_apply(write, drafts[write.full_key]) for write in writes]
    if any(isinstance(answer, Exception) for answer in answers):
        return list(answers)
    # An item that is not there and must not be there at the end is held by a row that nobody sees.
    absent = [draft for draft in drafts.values() if draft.expected == 0 and draft.current is None]
    for draft in absent:
        draft.current = Stored({}, 0)
    try:
        async with database.pool().acquire() as connection, connection.transaction():
            if token is not None:
                await _remember(token, connection.fetch)
            failures = await _commit(list(drafts.values()), connection.fetch)
            if any(isinstance(failure, StaleSchema) for failure in failures.values()):
                raise StaleSchema
            if failures:
                raise Superseded(frozenset(failures))
            if absent:
                await connection.fetch(_FORGET_ABSENT, *_columns([draft.full_key for draft in absent], 3))
    finally:
        # Whether it is kept is known only now; what holds the absent ones was never meant to be.
        for full_key in drafts:
            _remembered.forget(full_key)
    return list(answers)


async def made_with(token: Token) -> bytes | None:
    """The digest of the transaction that was made with a token, None where there is none that is remembered."""
    row = await database.fetch_row(_FIND_TOKEN, token.account_id, token.region, token.token, token.now - REMEMBERED)
    return None if row is None else bytes(row["digest"])


async def _remember(token: Token, fetch: Fetch) -> None:
    kept = await fetch(
        _REMEMBER, token.account_id, token.region, token.token, token.digest, token.now, token.now - REMEMBERED
    )
    if not kept:
        raise AlreadyMade


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
    of_index, forward = kind
    if len(asked) == 1 and not of_index:
        return [await database.fetch(_QUERIES_ONCE[forward], *asked[0])]
    rows = await database.fetch(_QUERIES[kind], *(list(column) for column in zip(*asked, strict=True)))
    found: list[list[Row]] = [[] for _ in asked]
    for row in rows:
        found[row["at"] - 1].append(row)
    for page in found:
        # They come in this order already, only Postgres does not promise it.
        page.sort(key=_place, reverse=not forward)
    return list(found)


def _place(row: Row) -> tuple[bytes, bytes, bytes]:
    return row["range"], row["item_hash"], row["item_range"]


async def _read(keys: Sequence[FullKey]) -> list[Row | None]:
    if len(keys) == 1:
        return [await database.fetch_row(_READ_ONE, *keys[0])]
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
    is_remembered: bool = False
    #: What the streams will tell: (stream, record).
    records: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def full_key(self) -> FullKey:
        return self.table.id, self.key.hash, self.key.range


async def _write(batch: Sequence[Write]) -> list[Written | Exception]:
    drafts = await _drafts(batch, _remembered)
    answers = [_apply(write, drafts[write.full_key]) for write in batch]
    if any(isinstance(answer, AwsError) for answer in answers) and _forget_refused(batch, answers, drafts):
        # What refused a write may be old: nobody is told so before it was read again.
        return await _write(batch)
    failures = await _commit([draft for draft in drafts.values() if draft.is_changed], database.fetch)
    if not failures:
        return answers
    return [
        answer if isinstance(answer, StaleSchema) else failures.get(write.full_key, answer)
        for write, answer in zip(batch, answers, strict=True)
    ]


def _apply(write: Write, draft: _Draft) -> Written | Exception:
    """Make a write on its draft. Answers what it did, or why it cannot be."""
    if write.table.generation != draft.table.generation:
        return StaleSchema()
    before = draft.current if write.looks else None
    try:
        after = write.change(before)
    except AwsError as error:
        return error
    # What was not there and still is not needs no statement.
    if after is not None or draft.current is not None or draft.expected is None:
        if write.table.streams:
            change = ItemChange(before=before, after=after, keys=write.table.keys, is_expiry=write.is_expiry)
            for stream in write.table.streams:
                if (record := record_of(change, stream.view)) is not None:
                    draft.records.append((stream.id, record))
        draft.current, draft.is_changed = after, True
    return Written(before, after)


def _forget_refused(
    batch: Sequence[Write], answers: Sequence[Written | Exception], drafts: Mapping[FullKey, _Draft]
) -> bool:
    """Forget the remembered items that refused a write. Answers whether there are any."""
    refused = {write.full_key for write, answer in zip(batch, answers, strict=True) if isinstance(answer, AwsError)}
    old = [full_key for full_key in refused if drafts[full_key].is_remembered]
    for full_key in old:
        _remembered.forget(full_key)
    return bool(old)


async def _drafts(
    batch: Sequence[Write], remembered: Remembered[FullKey, tuple[int, Stored]] | None = None
) -> dict[FullKey, _Draft]:
    """A draft per key, which starts from the row, or what is remembered of it, where any write looks at it."""
    drafts = {write.full_key: _Draft(write.table, write.key, None, None) for write in reversed(batch)}
    to_read = []
    for full_key in {write.full_key for write in batch if write.looks}:
        known = None if remembered is None else remembered.get(full_key)
        if known is None:
            to_read.append(full_key)
        else:
            draft = drafts[full_key]
            draft.expected, draft.current = known
            draft.is_remembered = True
    if to_read:
        for full_key, row in zip(to_read, await _read(to_read), strict=True):
            draft = drafts[full_key]
            draft.expected = 0
            if row is not None:
                draft.expected, draft.current = row["revision"], Stored(item_from_bytes(row["item"]), row["size"])
    return drafts


async def _commit(drafts: list[_Draft], fetch: Fetch) -> Mapping[FullKey, Exception]:
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
    # One row is enough to hold off a change of a table and of its replicas.
    tables = list({draft.table.id: draft.table.row_id for draft in drafts}.values())
    entries = [entry for draft in drafts for entry in _entries(draft)]
    records = [(*draft.full_key, *record) for draft in drafts for record in draft.records]
    keeping = list({draft.table.id for draft in drafts if draft.table.keeps_past})
    try:
        is_plain = not entries and not records and not keeping
        if len(rows) == 1 and is_plain and await _write_one(drafts[0], rows[0], fetch):
            return {}
        if is_plain and all(draft.expected is None and draft.current is not None for draft in drafts):
            return await _overwrite(arguments, tables, fetch)
        arguments.append(tables)
        statement = _WRITE_ITEMS
        if entries or records or keeping:
            arguments.extend(_columns(entries, 6))
            statement = _WRITE_ITEMS_AND_ENTRIES
        if records or keeping:
            arguments.extend(_columns(records, 5))
            statement = _WRITE_AND_RECORD
        if keeping:
            arguments.extend((keeping, SHARED_CLOCK.now()))
            statement = _WRITE_ALL
        outcomes = await fetch(statement, *arguments)
    except asyncpg.DeadlockDetectedError:
        # Rows that another process creates meanwhile are the one thing that cannot be locked in order.
        for draft in drafts:
            _remembered.forget(draft.full_key)
        return {draft.full_key: Superseded() for draft in drafts}
    failures: dict[FullKey, Exception] = {}
    for outcome in outcomes:
        if not outcome["is_written"]:
            failures[drafts[outcome["at"] - 1].full_key] = StaleSchema() if outcome["is_stale"] else Superseded()
    for draft, row in zip(drafts, rows, strict=True):
        if draft.full_key in failures:
            _remembered.forget(draft.full_key)
        else:
            _remember_written(draft, row[-1])
    return failures


async def _write_one(draft: _Draft, row: tuple[Any, ...], fetch: Fetch) -> bool:
    """Write one item that replaces whatever is there, or what was read. Answers False where nothing was written."""
    if draft.current is None or draft.expected == 0:
        return False
    _, hash_key, range_key, generation, expected, item, size, revision = row
    values = (draft.table.row_id, generation, hash_key, range_key, item, size, revision)
    if expected is None:
        written = await fetch(_OVERWRITE_ONE, *values)
    else:
        written = await fetch(_REPLACE_ONE, *values, expected)
    if written:
        _remember_written(draft, revision)
    return bool(written)


def _remember_written(draft: _Draft, revision: int) -> None:
    """Remember what was written, where somebody looked at it: who overwrites unseen is not about to update."""
    current = draft.current
    if draft.expected is None or current is None or current.size > MAX_ITEM_BYTES:
        _remembered.forget(draft.full_key)
    else:
        _remembered.keep(draft.full_key, (revision, current))


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """The rows as the arrays of their columns, also where there is no row."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


async def _overwrite(columns: Sequence[list[Any]], tables: list[int], fetch: Fetch) -> Mapping[FullKey, Exception]:
    *key, generation, _, item, size, revision = columns
    written = await fetch(_OVERWRITE, *key, generation, item, size, revision, tables)
    for full_key in zip(*key, strict=True):
        _remembered.forget(full_key)
    missing = set(zip(*key, strict=True)) - {(row["table_id"], row["hash"], row["range"]) for row in written}
    return {full_key: StaleSchema() for full_key in missing}


def _entries(draft: _Draft) -> list[tuple[int, int, bytes, bytes, bytes | None, bytes | None]]:
    """Where the item will stand in each of its table's indexes; without a place where it will be in none."""
    table, item = draft.table, None if draft.current is None else draft.current.item
    places = [(index.id, None if item is None else key_in_index(index, item)) for index in table.indexes]
    if table.expiry is not None:
        places.append((table.expiry.id, None if item is None else key_in_expiry(table.expiry, item)))
    own = (draft.key.hash, draft.key.range)
    return [
        (table.id, number, *own, None, None) if place is None else (table.id, number, *own, place.hash, place.range)
        for number, place in places
    ]


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
