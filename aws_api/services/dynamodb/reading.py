"""Reading items in order: pages of at most a megabyte, filtered and cut down as Query and Scan ask.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb import capacity
from aws_api.services.dynamodb.attribute_values import Item, item_from_bytes, item_size
from aws_api.services.dynamodb.expressions.evaluate import meets
from aws_api.services.dynamodb.expressions.nodes import Condition, Projection
from aws_api.services.dynamodb.expressions.paths import project
from aws_api.services.dynamodb.keys import EncodedKey, key_in_index, key_of_request, normalise_key
from aws_api.services.dynamodb.schema import IndexSchema, ProjectionType, TableSchema
from aws_api.services.dynamodb.store import Position, Row

MAX_PAGE_BYTES = 1024 * 1024
#: Rows of one statement. The first of a page fetches few, because most pages end with their partition.
_FIRST_ROWS = 100
_MOST_ROWS = 2000

#: (after, limit) to the next rows in order.
Fetch = Callable[[Position | None, int], Awaitable[Sequence[Row]]]

_INVALID = "One or more parameter values were invalid: "
_INVALID_START = "The provided starting key is invalid"


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is read, and how much of each item: a table, or an index with what it projects or with all."""

    table: TableSchema
    index: IndexSchema | None
    whole_items: bool
    counts_only: bool

    def view(self, row: Row) -> tuple[Item, int]:
        """The item of a row as this source shows it, and the size that it counts for."""
        item = item_from_bytes(row["item"])
        if self.index is None or self.whole_items or self.index.projected is None:
            return item, row["size"]
        projected = self.index.project(item)
        return projected, item_size(projected)

    @property
    def key_names(self) -> tuple[str, ...]:
        """The attributes that say where a page ended."""
        names = self.table.keys.names
        return names if self.index is None else tuple(dict.fromkeys((*names, *self.index.keys.names)))


@dataclass(kw_only=True, slots=True)
class Page:
    """What one request reads, as it grows. ``last_key`` is where the next begins, None where nothing can follow."""

    key_names: tuple[str, ...]
    items: list[Item] = field(default_factory=list)
    count: int = 0
    scanned: int = 0
    size: int = 0
    last: Item = field(default_factory=dict)
    last_key: Item | None = None

    def ending_early(self) -> "Page":
        """The same page, with something possibly behind it."""
        self.last_key = {name: self.last[name] for name in self.key_names}
        return self


def source_of(table: TableSchema, request: Mapping[str, Any], projection: Projection | None) -> Source:
    """What a Query or Scan reads, by its IndexName and Select. Raises ValidationException where the two disagree."""
    index = None
    if "IndexName" in request:
        index = table.index(request["IndexName"])
        if index is None:
            raise ValidationException(f"The table does not have the specified index: {request['IndexName']}")
        if not index.is_filled:
            raise ValidationException(f"Cannot read from backfilling global secondary index: {index.name}")
        if index.is_global and request.get("ConsistentRead"):
            raise ValidationException("Consistent reads are not supported on global secondary indexes")
    select = request.get("Select")
    if projection is not None and select not in (None, "SPECIFIC_ATTRIBUTES"):
        member = "AttributesToGet" if "AttributesToGet" in request else "ProjectionExpression"
        what = "only the Count" if select == "COUNT" else select
        raise ValidationException(f"Cannot specify the {member} when choosing to get {what}")
    if select == "SPECIFIC_ATTRIBUTES" and projection is None:
        raise ValidationException(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise ValidationException(
            f"{_INVALID}ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
        )
    whole = index is None or (select == "ALL_ATTRIBUTES")
    if index is not None and index.projected is not None:
        if select == "ALL_ATTRIBUTES" and index.is_global:
            raise ValidationException(
                f"{_INVALID}Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} "
                f"because its projection type is not {ProjectionType.ALL}"
            )
        missing = sorted({str(path.elements[0]) for path in projection or ()} - index.projected)
        if missing and index.is_global:
            raise ValidationException(
                f"{_INVALID}Global secondary index {index.name} does not project [{', '.join(missing)}]"
            )
        # A local index fetches from the table what it does not hold.
        whole = whole or bool(missing)
    return Source(table=table, index=index, whole_items=whole, counts_only=select == "COUNT")


def start_position(source: Source, start_key: Item) -> Position:
    """Where a request continues. Raises ValidationException for what is no key of the source."""
    key = normalise_key(start_key)
    if key.keys() != set(source.key_names):
        if source.index is None:
            raise ValidationException(f"{_INVALID_START}: The provided key element does not match the schema")
        raise ValidationException(_INVALID_START)
    try:
        item_key = key_of_request(source.table.keys, {name: key[name] for name in source.table.keys.names})
    except ValidationException as error:
        raise ValidationException(f"{_INVALID_START}: {error.message}") from None
    if source.index is None:
        return Position(item_key, item_key)
    index_key = key_in_index(source.index, key)
    if index_key is None:
        raise ValidationException(_INVALID_START)
    return Position(index_key, item_key)


async def read_page(
    source: Source,
    fetch: Fetch,
    *,
    start: Position | None,
    limit: int | None,
    filter_by: Condition | None,
    projection: Projection | None,
) -> Page:
    """Read until the limit, the megabyte or the end, whichever comes first."""
    page = Page(key_names=source.key_names)
    wanted = _FIRST_ROWS
    while True:
        if limit is not None:
            wanted = min(wanted, limit - page.scanned)
        rows = await fetch(start, wanted)
        for row in rows:
            item, item_bytes = source.view(row)
            if page.scanned and page.size + item_bytes > MAX_PAGE_BYTES:
                return page.ending_early()
            page.size += item_bytes
            page.scanned += 1
            page.last = item
            if filter_by is None or meets(item, filter_by):
                page.count += 1
                if not source.counts_only:
                    page.items.append(item if projection is None else project(item, projection))
        if len(rows) < wanted:
            return page
        if page.scanned == limit:
            return page.ending_early()
        start = _position(rows[-1])
        mean = max(1, page.size // page.scanned)
        wanted = min(_MOST_ROWS, (MAX_PAGE_BYTES - page.size) // mean + 1)


def answer_of(request: Mapping[str, Any], source: Source, page: Page) -> dict[str, Any]:
    """A page as the answer of Query or Scan."""
    answer: dict[str, Any] = {"Count": page.count, "ScannedCount": page.scanned}
    if not source.counts_only:
        answer["Items"] = page.items
    if page.last_key is not None:
        answer["LastEvaluatedKey"] = page.last_key
    if capacity.is_wanted(request):
        units = capacity.read_units(page.size, consistent=request.get("ConsistentRead", False))
        if source.index is None:
            answer["ConsumedCapacity"] = capacity.consumed(request, source.table, units)
        else:
            answer["ConsumedCapacity"] = capacity.consumed(request, source.table, 0.0, {source.index.name: units})
    return answer


def _position(row: Row) -> Position:
    return Position(
        EncodedKey(bytes(row["hash"]), bytes(row["range"])),
        EncodedKey(bytes(row["item_hash"]), bytes(row["item_range"])),
    )
