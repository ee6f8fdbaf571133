"""All items of a table at once: counted, entered into a new index, deleted. In the operation's transaction."""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from aws_api.services.dynamodb.attribute_values import item_from_bytes
from aws_api.services.dynamodb.describe import Extent
from aws_api.services.dynamodb.keys import key_in_index
from aws_api.services.dynamodb.models import Index, IndexEntry, Item, Table
from aws_api.services.dynamodb.schema import IndexSchema, index_schema, key_schema

_ROWS_AT_ONCE = 2000

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
_COPY_ENTRIES = "COPY dynamodb_indexentry (index_id, hash, range, item_hash, item_range) FROM STDIN"
_NEXT_ITEMS = """
    SELECT hash, range, item FROM dynamodb_item
    WHERE table_id = %s AND (hash, range) > (%s, %s) ORDER BY hash, range LIMIT %s
"""


def measure(table: Table, indexes: list[Index]) -> Extent:
    """How many items a table and its indexes hold now, and how large they are. AWS counts every six hours."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_ITEMS, [table.pk])
        items, size = cursor.fetchone()
        counts: dict[int | None, int] = {None: items}
        sizes: dict[int | None, int] = {None: int(size)}
        if indexes:
            whole = [index.pk for index in indexes if index.document["Projection"]["ProjectionType"] == "ALL"]
            cursor.execute(_COUNT_ENTRIES, [whole, table.pk, [index.pk for index in indexes]])
            for index_id, entries, index_size in cursor.fetchall():
                counts[index_id], sizes[index_id] = entries, int(index_size)
    return Extent(items=counts, size_bytes=sizes)


def fill_index(table: Table, index: Index) -> None:
    """Enter every item of a table into a new index. The table's row must be locked, so that nobody writes meanwhile."""
    schema = schema_of_index(table, index)
    with connection.cursor() as cursor:
        for rows in _all_items(table):
            entries = []
            for item_hash, item_range, data in rows:
                place = key_in_index(schema, item_from_bytes(bytes(data)))
                if place is not None:
                    entries.append((index.pk, place.hash, place.range, bytes(item_hash), bytes(item_range)))
            with cursor.copy(_COPY_ENTRIES) as copy:
                for entry in entries:
                    copy.write_row(entry)


def delete_contents(table: Table, indexes: list[Index]) -> None:
    """Delete every item and every index entry of a table."""
    empty_indexes(indexes)
    Item.objects.filter(table_id=table.pk).delete()


def empty_indexes(indexes: list[Index]) -> None:
    """Delete every entry of indexes."""
    if indexes:
        IndexEntry.objects.filter(index_id__in=[index.pk for index in indexes]).delete()


def schema_of_index(table: Table, index: Index) -> IndexSchema:
    """An index's row as the item operations know it."""
    definitions = table.document["AttributeDefinitions"]
    return index_schema(
        id=index.pk,
        name=index.name,
        is_global=index.is_global,
        keys=key_schema(index.document["KeySchema"], definitions),
        projection=index.document["Projection"],
        table_keys=key_schema(table.document["KeySchema"], definitions),
    )


def _all_items(table: Table) -> Iterator[list[Any]]:
    last = (b"", b"")
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_NEXT_ITEMS, [table.pk, *last, _ROWS_AT_ONCE])
            rows = cursor.fetchall()
        if rows:
            yield rows
        if len(rows) < _ROWS_AT_ONCE:
            return
        last = (bytes(rows[-1][0]), bytes(rows[-1][1]))
