"""Reading and changing a table's items as the pages of tables do: the calls that are made, and what they come to."""

import base64
import binascii
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from console.calls import Call
from console.items import Item, NotAnItem, from_shape, read_values, read_wire, short_text, to_shape
from console.scope import Scope

DEFAULT_LIMIT, MAX_LIMIT = 25, 200
MAX_COLUMNS = 12
#: Attributes that a deletion compares; DynamoDB takes so many operators in an expression.
MAX_COMPARED = 100
OPERATORS = ("=", "<", "<=", ">", ">=", "begins_with", "between")


@dataclass(frozen=True, kw_only=True)
class TableIndex:
    """A way to read a table: the table itself, whose name is empty, or an index. ``sort_key`` may be empty."""

    name: str
    kind: str
    hash_key: str
    sort_key: str
    shape: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TablePage:
    """A table as DescribeTable tells it, with its time to live."""

    shape: Mapping[str, Any]
    indexes: Sequence[TableIndex]
    types: Mapping[str, str]
    time_to_live: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.shape["TableName"])

    @property
    def keys(self) -> list[str]:
        """The names of the table's key attributes, the partition key first."""
        return [name for name in (self.indexes[0].hash_key, self.indexes[0].sort_key) if name]

    def index(self, name: str) -> TableIndex:
        """The index of that name; the table where there is none."""
        return next((index for index in self.indexes if index.name == name), self.indexes[0])

    def key_of(self, item: Item) -> dict[str, Any]:
        return {name: item[name] for name in self.keys if name in item}


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """An item in a list."""

    key: str
    cells: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of a query or scan."""

    columns: Sequence[str]
    rows: Sequence[ItemRow]
    count: int
    scanned: int
    capacity: float
    #: The key after which the next page begins, as DynamoDB JSON; empty at the end.
    next: str
    command: str


@dataclass(frozen=True, kw_only=True)
class Search:
    """A query or scan as it was asked for in the page's form."""

    asked: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_query(self) -> bool:
        return self.asked.get("mode") == "query"

    def call(self, table: TablePage) -> Call:
        """The call. Raises NotAnItem for values that are none."""
        index = table.index(self.asked.get("index", ""))
        wanted: dict[str, Any] = {"TableName": table.name}
        if index.name:
            wanted["IndexName"] = index.name
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        if self.is_query:
            wanted["KeyConditionExpression"] = self._key_condition(table, index, names, values)
            wanted["ScanIndexForward"] = self.asked.get("order") != "backward"
        if filtered := self.asked.get("filter", "").strip():
            wanted["FilterExpression"] = filtered
            names |= _names(self.asked.get("names", ""))
            if given := self.asked.get("values", "").strip():
                values |= read_values(given)
        if names:
            wanted["ExpressionAttributeNames"] = names
        if values:
            wanted["ExpressionAttributeValues"] = to_shape(values)
        wanted["Limit"] = self.limit
        if start := self.asked.get("start", ""):
            wanted["ExclusiveStartKey"] = to_shape(read_wire(start))
        wanted["ReturnConsumedCapacity"] = "TOTAL"
        return Call("dynamodb", "Query" if self.is_query else "Scan", wanted)

    @property
    def limit(self) -> int:
        given = self.asked.get("limit", "")
        return min(max(int(given), 1), MAX_LIMIT) if given.isdecimal() and len(given) < 9 else DEFAULT_LIMIT

    def _key_condition(self, table: TablePage, index: TableIndex, names: dict[str, str], values: dict[str, Any]) -> str:
        names["#hash"] = index.hash_key
        values[":hash"] = _key_value(table, index.hash_key, self.asked.get("hash", ""))
        sort = self.asked.get("sort", "")
        if not index.sort_key or not sort:
            return "#hash = :hash"
        names["#sort"] = index.sort_key
        values[":sort"] = _key_value(table, index.sort_key, sort)
        operator = self.asked.get("operator", "=")
        if operator == "between":
            values[":until"] = _key_value(table, index.sort_key, self.asked.get("until", ""))
            return "#hash = :hash AND #sort BETWEEN :sort AND :until"
        if operator == "begins_with":
            return "#hash = :hash AND begins_with(#sort, :sort)"
        return f"#hash = :hash AND #sort {operator if operator in OPERATORS else '='} :sort"


def table_page(scope: Scope, name: str) -> TablePage:
    """A table. Raises AwsError where there is none."""
    shape = scope.call("dynamodb", "DescribeTable", TableName=name)["Table"]
    expiry = scope.call("dynamodb", "DescribeTimeToLive", TableName=name)["TimeToLiveDescription"]
    indexes = [_index(shape, name="", kind="table")]
    for member, kind in (("GlobalSecondaryIndexes", "global"), ("LocalSecondaryIndexes", "local")):
        indexes += [_index(index, name=index["IndexName"], kind=kind) for index in shape.get(member, ())]
    types = {each["AttributeName"]: each["AttributeType"] for each in shape["AttributeDefinitions"]}
    return TablePage(shape=shape, indexes=indexes, types=types, time_to_live=expiry)


def find(scope: Scope, table: TablePage, search: Search) -> Found:
    """A page of items. Raises AwsError, NotAnItem."""
    call = search.call(table)
    answer = call.make(scope)
    items = [from_shape(item) for item in answer["Items"]]
    columns = columns_of(items, table.keys)
    return Found(
        columns=columns,
        rows=[_row(table, item, columns) for item in items],
        count=answer["Count"],
        scanned=answer["ScannedCount"],
        capacity=answer["ConsumedCapacity"]["CapacityUnits"],
        next=compact(from_shape(answer["LastEvaluatedKey"])) if "LastEvaluatedKey" in answer else "",
        command=call.command,
    )


def columns_of(items: Iterable[Item], first: Sequence[str] = ()) -> list[str]:
    """The attributes that a list shows: the key, then the most frequent ones."""
    counted = Counter(name for item in items for name in item if name not in first)
    return [*first, *(name for name, _ in sorted(counted.items(), key=lambda each: (-each[1], each[0])))][:MAX_COLUMNS]


def reading(table: TablePage, key: Item) -> Call:
    """The call that gets an item."""
    return Call("dynamodb", "GetItem", {"TableName": table.name, "Key": to_shape(key), "ConsistentRead": True})


def creating(table: TablePage, item: Item) -> Call:
    """The call that puts an item where there is none of its key."""
    return Call(
        "dynamodb",
        "PutItem",
        {
            "TableName": table.name,
            "Item": to_shape(item),
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": table.keys[0]},
        },
    )


def changing(table: TablePage, shown: Item, wanted: Item) -> Call | None:
    """The call that makes an item what is wanted where it is still as shown; None where nothing is different.

    Attributes that were left alone are neither compared nor written. Raises NotAnItem where the key is another.
    """
    if table.key_of(shown) != table.key_of(wanted):
        raise NotAnItem("An item's key cannot change: create another item and delete this one.")
    changed = [name for name in {**shown, **wanted} if shown.get(name) != wanted.get(name)]
    if not changed:
        return None
    names = {f"#a{place}": name for place, name in enumerate(changed)} | {"#key": table.keys[0]}
    values: dict[str, Any] = {}
    conditions, sets, removals = ["attribute_exists(#key)"], [], []
    for place, name in enumerate(changed):
        if name in shown:
            conditions.append(f"#a{place} = :was{place}")
            values[f":was{place}"] = shown[name]
        else:
            conditions.append(f"attribute_not_exists(#a{place})")
        if name in wanted:
            sets.append(f"#a{place} = :a{place}")
            values[f":a{place}"] = wanted[name]
        else:
            removals.append(f"#a{place}")
    update = [f"SET {', '.join(sets)}"] * bool(sets) + [f"REMOVE {', '.join(removals)}"] * bool(removals)
    return Call(
        "dynamodb",
        "UpdateItem",
        {
            "TableName": table.name,
            "Key": to_shape(table.key_of(shown)),
            "UpdateExpression": " ".join(update),
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_shape(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    )


def deleting(table: TablePage, shown: Item) -> Call:
    """The call that deletes an item where it is still as shown."""
    compared = [name for name in shown if name not in table.keys][:MAX_COMPARED]
    conditions = ["attribute_exists(#key)", *(f"#a{place} = :was{place}" for place in range(len(compared)))]
    wanted: dict[str, Any] = {
        "TableName": table.name,
        "Key": to_shape(table.key_of(shown)),
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": {"#key": table.keys[0]}
        | {f"#a{place}": name for place, name in enumerate(compared)},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if compared:
        values = {f":was{place}": shown[name] for place, name in enumerate(compared)}
        wanted["ExpressionAttributeValues"] = to_shape(values)
    return Call("dynamodb", "DeleteItem", wanted)


def compact(item: Item) -> str:
    """An item or key as DynamoDB JSON in one line, for addresses and forms."""
    return orjson.dumps(item).decode()


def _index(shape: Mapping[str, Any], *, name: str, kind: str) -> TableIndex:
    keys = {element["KeyType"]: element["AttributeName"] for element in shape["KeySchema"]}
    return TableIndex(name=name, kind=kind, hash_key=keys["HASH"], sort_key=keys.get("RANGE", ""), shape=shape)


def _row(table: TablePage, item: Item, columns: Sequence[str]) -> ItemRow:
    cells = [short_text(item[name]) if name in item else "" for name in columns]
    return ItemRow(key=compact(table.key_of(item)), cells=cells)


def _key_value(table: TablePage, name: str, text: str) -> dict[str, Any]:
    """A key attribute's value as it was typed into a form."""
    kind = table.types[name]
    if kind == "B":
        try:
            base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise NotAnItem(f"{name} is binary, which is written in base64: {error}.") from error
    return {kind: text}


def _names(text: str) -> dict[str, str]:
    """ExpressionAttributeNames from their JSON."""
    if not text.strip():
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotAnItem(f"The names are no JSON: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
        raise NotAnItem('The names are a JSON object: {"#status": "status"}.')
    return found
