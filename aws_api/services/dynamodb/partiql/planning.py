"""What a statement means for its table: the plan of a write, or the parts of the table that a read goes through.

Raises ValidationException, worded as DynamoDB words it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.attribute_values import MAX_ITEM_BYTES, Item, normalise_item
from aws_api.services.dynamodb.changes import Plan, check_where, delete_where, update_where
from aws_api.services.dynamodb.expressions.key_condition import KeyInterval, interval_of_terms
from aws_api.services.dynamodb.expressions.nodes import (
    And,
    Between,
    Comparison,
    Condition,
    Function,
    In,
    Or,
    Path,
    Value,
)
from aws_api.services.dynamodb.keys import key_of_item
from aws_api.services.dynamodb.partiql.statements import Change, Delete, Exists, Insert, Select, Statement
from aws_api.services.dynamodb.schema import KeySchema, TableSchema
from aws_api.services.dynamodb.shapes import DuplicateItemException
from aws_api.services.dynamodb.store import Write
from aws_api.services.dynamodb.stored import Stored

_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"

#: (operator, operands) of a condition on one attribute.
Term = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The partitions that a select reads one after the other, or None where it scans."""

    intervals: tuple[KeyInterval, ...] | None
    forward: bool


def plan_of(statement: Statement, table: TableSchema, request: Mapping[str, Any]) -> Plan:
    """The plan of a statement that writes, or checks as part of a transaction."""
    if isinstance(statement, Insert):
        return _plan_insert(statement, table, request)
    if isinstance(statement, Exists):
        key, rest = key_and_rest(statement.select.condition, table.keys)
        # A condition on the keys alone asks whether the item is there.
        condition = _all([_is_there(table), *rest]) if not rest else _all(rest)
        return check_where({**request, "TableName": table.name, "Key": key}, condition)
    assert isinstance(statement, Change | Delete)
    key, rest = key_and_rest(statement.condition, table.keys)
    parameters = {**request, "TableName": table.name, "Key": key, "ReturnValues": statement.return_values}
    if isinstance(statement, Change):
        return update_where(parameters, statement.update, _all([_is_there(table), *rest]))
    is_absent = Function("attribute_not_exists", _is_there(table).arguments)
    return delete_where(parameters, Or((is_absent, _all(rest))) if rest else None)


def reading_of(select: Select, keys: KeySchema) -> Reading:
    """How a select goes through a table or index with these keys."""
    terms = _terms(_conjuncts(select.condition), keys)
    hash_terms = [term for name, term in terms if name == keys.hash_name and term[0] in ("=", "in")]
    forward = _is_forward(select, keys, has_partition=bool(hash_terms))
    if not hash_terms:
        return Reading(intervals=None, forward=forward)
    by_range = {name: term for name, term in terms if name == keys.range_name and term[0] != "in"}
    values = list(dict.fromkeys(_identity(value) for value in hash_terms[0][1]))
    originals = {_identity(value): value for value in hash_terms[0][1]}
    intervals = tuple(
        interval_of_terms({keys.hash_name: ("=", (originals[value],)), **by_range}, keys) for value in values
    )
    return Reading(intervals=intervals, forward=forward)


def key_and_rest(condition: Condition | None, keys: KeySchema) -> tuple[Item, list[Condition]]:
    """The key that a condition demands, and what else it demands. Raises ValidationException where it is no key."""
    key: dict[str, Any] = {}
    rest: list[Condition] = []
    for part in _conjuncts(condition):
        terms = _terms([part], keys)
        if terms and terms[0][1][0] == "=" and terms[0][0] not in key:
            key[terms[0][0]] = terms[0][1][1][0]
        else:
            rest.append(part)
    if key.keys() != set(keys.names):
        raise ValidationException(_NO_KEY)
    return key, rest


def _plan_insert(statement: Insert, table: TableSchema, request: Mapping[str, Any]) -> Plan:
    item, size = normalise_item(statement.item)
    if size > MAX_ITEM_BYTES:
        raise ValidationException("Item size has exceeded the maximum allowed size")

    def change(before: Stored | None) -> Stored:
        if before is not None:
            raise DuplicateItemException("Duplicate primary key exists in table")
        return Stored(item, size)

    def make(table: TableSchema) -> Write:
        return Write(table=table, key=key_of_item(table, item), change=change, needs_before=True)

    return Plan(request={**request, "TableName": table.name}, attributes=item, make=make)


def _is_forward(select: Select, keys: KeySchema, *, has_partition: bool) -> bool:
    if not select.order:
        return True
    if not has_partition:
        raise ValidationException("Must have WHERE clause in the statement when using ORDER BY clause.")
    for name, _ in select.order:
        if name not in keys.types:
            raise ValidationException(f"Variable reference {name} in ORDER BY clause must be part of the primary key")
    return all(forward for name, forward in select.order if name == keys.range_name)


def _terms(parts: Iterable[Condition], keys: KeySchema) -> list[tuple[str, Term]]:
    """The conditions that compare a key attribute with values of its type."""
    found = []
    for part in parts:
        term = _term(part)
        if term is None:
            continue
        path, operator, values = term
        name = str(path.elements[0])
        if len(path.elements) == 1 and name in keys.types and all(keys.types[name] in value for value in values):
            found.append((name, (operator, values)))
    return found


def _term(condition: Condition) -> tuple[Path, str, tuple[Any, ...]] | None:
    match condition:
        case Comparison(operator, Path() as path, Value() as value) if operator in _MIRRORED:
            return path, operator, (value.attribute,)
        case Comparison(operator, Value() as value, Path() as path) if operator in _MIRRORED:
            return path, _MIRRORED[operator], (value.attribute,)
        case Between(Path() as path, Value() as low, Value() as high):
            return path, "between", (low.attribute, high.attribute)
        case Function("begins_with", (Path() as path, Value() as value)) if "N" not in value.attribute:
            return path, "begins_with", (value.attribute,)
        case In(Path() as path, candidates):
            values = [candidate.attribute for candidate in candidates if isinstance(candidate, Value)]
            return (path, "in", tuple(values)) if len(values) == len(candidates) else None
    return None


def _conjuncts(condition: Condition | None) -> list[Condition]:
    if condition is None:
        return []
    if isinstance(condition, And):
        return [part for inner in condition.conditions for part in _conjuncts(inner)]
    return [condition]


def _is_there(table: TableSchema) -> Function:
    return Function("attribute_exists", (Path((table.keys.hash_name,)),))


def _all(conditions: list[Condition]) -> Condition:
    return conditions[0] if len(conditions) == 1 else And(tuple(conditions))


def _identity(value: Mapping[str, Any]) -> tuple[str, Any]:
    ((kind, content),) = value.items()
    return kind, content
