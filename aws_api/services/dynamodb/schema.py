"""What the item operations know of a table: its keys, its indexes, its generation. Frozen, so that it can be cached."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from aws_api.services.dynamodb.attribute_values import Item


class ProjectionType(StrEnum):
    """Which attributes an index holds."""

    ALL = "ALL"
    KEYS_ONLY = "KEYS_ONLY"
    INCLUDE = "INCLUDE"


class StreamView(StrEnum):
    """What a stream's records show of an item."""

    KEYS_ONLY = "KEYS_ONLY"
    NEW_IMAGE = "NEW_IMAGE"
    OLD_IMAGE = "OLD_IMAGE"
    NEW_AND_OLD_IMAGES = "NEW_AND_OLD_IMAGES"


@dataclass(frozen=True, kw_only=True)
class KeySchema:
    """A partition key and, where there is one, a sort key; with the types that the attribute definitions give them."""

    hash_name: str
    hash_type: str
    range_name: str | None = None
    range_type: str | None = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        return (self.hash_name,) if self.range_name is None else (self.hash_name, self.range_name)

    @cached_property
    def types(self) -> Mapping[str, str]:
        if self.range_name is None or self.range_type is None:
            return {self.hash_name: self.hash_type}
        return {self.hash_name: self.hash_type, self.range_name: self.range_type}


@dataclass(frozen=True, kw_only=True)
class IndexSchema:
    """A secondary index. ``projected`` are the names that it holds, None where it holds all.

    Writes keep it from its making; it is read once it is filled.
    """

    id: int
    name: str
    is_global: bool
    keys: KeySchema
    projection_type: ProjectionType
    projected: frozenset[str] | None
    is_filled: bool = True

    def project(self, item: Item) -> Item:
        """The part of an item that the index holds."""
        if self.projected is None:
            return item
        return {name: value for name, value in item.items() if name in self.projected}


@dataclass(frozen=True, kw_only=True)
class ExpirySchema:
    """Which attribute says when an item expires; entries of the number ``id`` keep the items in that order."""

    id: int
    attribute: str


@dataclass(frozen=True, kw_only=True)
class StreamSchema:
    """A stream that is enabled: of the table, or of a replica of it."""

    id: int
    view: StreamView


@dataclass(frozen=True, kw_only=True)
class TableSchema:
    """A table as the hot path knows it. A write made for another generation than the row's is refused and made anew.

    ``id`` is the number that its items carry, ``row_id`` its row's: the replicas of a global table share the former.
    ``keeps_past``: what a write replaces is kept, so that the table can be restored as it was.
    """

    id: int
    row_id: int
    name: str
    arn: str
    generation: int
    keys: KeySchema
    indexes: tuple[IndexSchema, ...] = ()
    expiry: ExpirySchema | None = None
    streams: tuple[StreamSchema, ...] = ()
    keeps_past: bool = False

    def index(self, name: str) -> IndexSchema | None:
        """The index of a name."""
        return next((index for index in self.indexes if index.name == name), None)

    @cached_property
    def has_local_indexes(self) -> bool:
        return any(not index.is_global for index in self.indexes)


def key_schema(elements: list[Mapping[str, Any]], definitions: list[Mapping[str, Any]]) -> KeySchema:
    """AWS's KeySchema and AttributeDefinitions, which were checked, as ours."""
    types = {definition["AttributeName"]: definition["AttributeType"] for definition in definitions}
    hash_name = elements[0]["AttributeName"]
    range_name = elements[1]["AttributeName"] if len(elements) > 1 else None
    return KeySchema(
        hash_name=hash_name,
        hash_type=types[hash_name],
        range_name=range_name,
        range_type=types[range_name] if range_name else None,
    )


def index_schema(
    *,
    id: int,
    name: str,
    is_global: bool,
    keys: KeySchema,
    projection: Mapping[str, Any],
    table_keys: KeySchema,
    is_filled: bool = True,
) -> IndexSchema:
    """An index from its parts; what it projects always includes both keys."""
    projection_type = ProjectionType(projection["ProjectionType"])
    projected = None
    if projection_type is not ProjectionType.ALL:
        projected = frozenset((*keys.names, *table_keys.names, *projection.get("NonKeyAttributes", ())))
    return IndexSchema(
        id=id,
        name=name,
        is_global=is_global,
        keys=keys,
        projection_type=projection_type,
        projected=projected,
        is_filled=is_filled,
    )
