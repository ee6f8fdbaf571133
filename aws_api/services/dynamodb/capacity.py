"""What an operation would have consumed, from the sizes of what it touched. Pure.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_api.services.dynamodb.attribute_values import Item, equal, item_size
from aws_api.services.dynamodb.keys import key_in_index
from aws_api.services.dynamodb.schema import IndexSchema, TableSchema
from aws_api.services.dynamodb.store import Written

_READ_UNIT_BYTES = 4096
_WRITE_UNIT_BYTES = 1024


def is_wanted(request: Mapping[str, Any]) -> bool:
    """Whether the request asks for its consumed capacity."""
    return bool(request.get("ReturnConsumedCapacity", "NONE") != "NONE")


def read_units(size: int, *, consistent: bool) -> float:
    """The units of reading so many bytes at once; nothing at all counts as a little."""
    return _units(size, _READ_UNIT_BYTES) * (1.0 if consistent else 0.5)


def write_units(table: TableSchema, written: Written) -> tuple[float, dict[str, float]]:
    """The units of a write on the table, and on each index that it touched, by name."""
    sizes = [stored.size for stored in (written.before, written.after) if stored is not None]
    on_indexes = {index.name: units for index in table.indexes if (units := _index_units(index, written))}
    return _units(max(sizes, default=0), _WRITE_UNIT_BYTES), on_indexes


def consumed(
    request: Mapping[str, Any],
    table: TableSchema,
    on_table: float,
    on_indexes: Mapping[str, float] | None = None,
    *,
    kind: str | None = None,
) -> dict[str, Any]:
    """The shape ConsumedCapacity, in as much detail as the request asks for.

    ``kind`` is Read or Write where the units are told apart, as the transactions do.
    """
    on_indexes = on_indexes or {}
    members = ("CapacityUnits",) if kind is None else ("CapacityUnits", f"{kind}CapacityUnits")
    total = on_table + sum(on_indexes.values())
    shape: dict[str, Any] = {"TableName": table.name, **dict.fromkeys(members, total)}
    if request.get("ReturnConsumedCapacity") == "INDEXES":
        shape["Table"] = dict.fromkeys(members, on_table)
        for member, is_global in (("GlobalSecondaryIndexes", True), ("LocalSecondaryIndexes", False)):
            of_kind = {
                index.name: dict.fromkeys(members, on_indexes[index.name])
                for index in table.indexes
                if index.is_global is is_global and index.name in on_indexes
            }
            if of_kind:
                shape[member] = of_kind
    return shape


@dataclass(slots=True)
class Tally:
    """What a request of many items consumes, table by table."""

    request: Mapping[str, Any]
    kind: str | None = None
    _totals: dict[str, tuple[TableSchema, float, dict[str, float]]] = field(default_factory=dict)

    def add(self, table: TableSchema, on_table: float, on_indexes: Mapping[str, float] | None = None) -> None:
        """Count the units of one item."""
        _, so_far, indexes = self._totals.get(table.name, (table, 0.0, {}))
        for name, units in (on_indexes or {}).items():
            indexes[name] = indexes.get(name, 0.0) + units
        self._totals[table.name] = (table, so_far + on_table, indexes)

    def shapes(self) -> list[dict[str, Any]]:
        """ConsumedCapacity of every table."""
        return [consumed(self.request, *total, kind=self.kind) for total in self._totals.values()]


def _index_units(index: IndexSchema, written: Written) -> float:
    before = None if written.before is None else _entry(index, written.before.item)
    after = None if written.after is None else _entry(index, written.after.item)
    if before is None and after is None:
        return 0.0
    if before is None or after is None:
        entry = before or after
        assert entry is not None
        return _units(item_size(entry[1]), _WRITE_UNIT_BYTES)
    if before[0] != after[0]:
        # An entry that moves is deleted at one place and written at the other.
        return sum(_units(item_size(entry[1]), _WRITE_UNIT_BYTES) for entry in (before, after))
    if equal({"M": before[1]}, {"M": after[1]}):
        return 0.0
    return _units(max(item_size(before[1]), item_size(after[1])), _WRITE_UNIT_BYTES)


def _entry(index: IndexSchema, item: Item) -> tuple[Any, Item] | None:
    place = key_in_index(index, item)
    return None if place is None else (place, index.project(item))


def _units(size: int, unit_bytes: int) -> float:
    return float(max(1, -(-size // unit_bytes)))
