"""All items of a table at once: counted, copied, entered into a new index, left to be deleted."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from time import monotonic
from typing import Any

from django.db import connection

from aws_api.services.dynamodb.attribute_values import item_from_bytes
from aws_api.services.dynamodb.describe import Extent
from aws_api.services.dynamodb.filling import placing
from aws_api.services.dynamodb.models import Index, Leftover, Table

#: Tables of so many items are entered into a new index before UpdateTable answers; larger ones in the background.
MAX_FILLED_AT_ONCE = 2000
_ROWS_AT_ONCE = 2000
#: A count that took a second is told again for so many seconds; AWS counts every six hours.
_COUNT_SHARE_S = 50
#: What counts this fast is counted anew every time.
_QUICK_S = 0.05
_REMEMBERED = 1000

_COUNT_ITEMS = "SELECT count(*), coalesce(sum(size), 0) FROM dynamodb_item WHERE table_id = %s"
# The size of what an index projects is not kept; its keys stand for it, unless it projects everything.
_COUNT_ENTRIES = """
    SELECT entry.index_id, count(*),
        coalesce(sum(CASE WHEN entry.index_id = ANY (%s) THEN item.size ELSE
            octet_length(entry.hash) + octet_length(entry.range) + octet_length(entry.item_hash)
            + octet_length(entry.item_range) END), 0)
    FROM dynamodb_indexentry AS entry
    JOIN dynamodb_item AS item
    ON item.table_id = %s AND item.hash = entry.item_hash AND item.range = entry.item_range
    WHERE entry.index_id = ANY (%s)
    GROUP BY entry.index_id
"""
_HAS_MANY = "SELECT count(*) FROM (SELECT FROM dynamodb_item WHERE table_id = %s LIMIT %s) AS found"
_NEW_NUMBER = "SELECT nextval(pg_get_serial_sequence('dynamodb_table', 'id'))"
_COPY_ITEMS = """
    INSERT INTO dynamodb_item (table_id, hash, range, item, size, revision)
    SELECT %s, hash, range, item, size, revision FROM dynamodb_item WHERE table_id = %s
"""
# Each item that changed since is again what it was before the first change.
_REWIND_ITEMS = """
    WITH was AS MATERIALIZED (
        SELECT DISTINCT ON (hash, range) hash, range, item, size FROM dynamodb_pastitem
        WHERE table_id = %(source)s AND until > %(at)s ORDER BY hash, range, id
    ), gone AS (
        DELETE FROM dynamodb_item AS item USING was
        WHERE was.item IS NULL
        AND item.table_id = %(target)s AND item.hash = was.hash AND item.range = was.range
    )
    INSERT INTO dynamodb_item (table_id, hash, range, item, size, revision)
    SELECT %(target)s, hash, range, item, size, 1 FROM was WHERE item IS NOT NULL
    ON CONFLICT (table_id, hash, range) DO UPDATE SET item = excluded.item, size = excluded.size
"""
_COPY_ENTRIES = "COPY dynamodb_indexentry (index_id, hash, range, item_hash, item_range) FROM STDIN"
_NEXT_ITEMS = """
    SELECT hash, range, item FROM dynamodb_item
    WHERE table_id = %s AND (hash, range) > (%s, %s) ORDER BY hash, range LIMIT %s
"""


def measure(table: Table, indexes: list[Index]) -> Extent:
    """How many items a table and its indexes hold, and how large they are; of a large table, some minutes ago."""
    counted = _counted(table.contents)
    wanted = {index.entries for index in indexes}
    if monotonic() < counted.good_until_s and wanted <= counted.extent.items.keys():
        return counted.extent
    began = monotonic()
    counted.extent = _count(table.contents, indexes)
    took_s = monotonic() - began
    counted.good_until_s = 0.0 if took_s < _QUICK_S else monotonic() + took_s * _COUNT_SHARE_S
    return counted.extent


def has_many(table: Table) -> bool:
    """Whether a table has too many items to be entered into an index at once."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS_MANY, [table.contents, MAX_FILLED_AT_ONCE + 1])
        return bool(cursor.fetchone()[0] > MAX_FILLED_AT_ONCE)


def fill_index(table: Table, index: Index) -> None:
    """Enter every item of a table into a new index. The table's row must be locked, so that nobody writes meanwhile."""
    place_of = placing(table.document, index.document, is_expiry=index.is_expiry)
    with connection.cursor() as cursor:
        for rows in _all_items(table.contents):
            entries = []
            for item_hash, item_range, data in rows:
                place = place_of(item_from_bytes(bytes(data)))
                if place is not None:
                    entries.append((index.entries, place.hash, place.range, bytes(item_hash), bytes(item_range)))
            with cursor.copy(_COPY_ENTRIES) as copy:
                for entry in entries:
                    copy.write_row(entry)


def copy_items(source: int, target: int | None = None) -> int:
    """Copy the items of one number to another, or to a new one. Answers that."""
    with connection.cursor() as cursor:
        if target is None:
            cursor.execute(_NEW_NUMBER)
            (target,) = cursor.fetchone()
        assert target is not None
        cursor.execute(_COPY_ITEMS, [target, source])
    return target


def rewind_items(source: int, target: int, at: datetime) -> None:
    """Make the copy of a number's items what they were at a moment, of which the past is kept."""
    with connection.cursor() as cursor:
        cursor.execute(_REWIND_ITEMS, {"source": source, "target": target, "at": at})


def leave_items(contents: int) -> None:
    """Have the items of a number deleted in the background."""
    Leftover.objects.get_or_create(number=contents, is_index=False)


def leave_entries(indexes: Iterable[Index]) -> None:
    """Have the entries of indexes deleted in the background."""
    for index in indexes:
        Leftover.objects.get_or_create(number=index.entries, is_index=True)


class _Counted:
    """The last count of a table's items in this process."""

    def __init__(self) -> None:
        self.extent = Extent()
        self.good_until_s = 0.0


@lru_cache(_REMEMBERED)
def _counted(_contents: int) -> _Counted:
    return _Counted()


def _count(contents: int, indexes: list[Index]) -> Extent:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_ITEMS, [contents])
        items, size = cursor.fetchone()
        counts: dict[int | None, int] = {None: items, **{index.entries: 0 for index in indexes}}
        sizes: dict[int | None, int] = {None: int(size)}
        if indexes:
            whole = [index.entries for index in indexes if index.document["Projection"]["ProjectionType"] == "ALL"]
            cursor.execute(_COUNT_ENTRIES, [whole, contents, [index.entries for index in indexes]])
            for number, entries, index_size in cursor.fetchall():
                counts[number], sizes[number] = entries, int(index_size)
    return Extent(items=counts, size_bytes=sizes)


def _all_items(contents: int) -> Iterator[list[Any]]:
    last = (b"", b"")
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_NEXT_ITEMS, [contents, *last, _ROWS_AT_ONCE])
            rows = cursor.fetchall()
        if rows:
            yield rows
        if len(rows) < _ROWS_AT_ONCE:
            return
        last = (bytes(rows[-1][0]), bytes(rows[-1][1]))
