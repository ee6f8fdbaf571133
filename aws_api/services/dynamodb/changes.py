"""What a put, a deletion, an update and a check ask for, planned as far as it can be without the table.

The same plans serve single operations, transactions and PartiQL statements.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb import capacity
from aws_api.services.dynamodb.attribute_values import MAX_ITEM_BYTES, Item, item_size, normalise_item
from aws_api.services.dynamodb.expressions import legacy
from aws_api.services.dynamodb.expressions.bind import Bindings
from aws_api.services.dynamodb.expressions.evaluate import meets
from aws_api.services.dynamodb.expressions.nodes import Condition, Path, Update
from aws_api.services.dynamodb.expressions.update import apply_update
from aws_api.services.dynamodb.keys import check_index_keys, key_of_item, key_of_request
from aws_api.services.dynamodb.schema import TableSchema
from aws_api.services.dynamodb.shapes import ConditionalCheckFailedException
from aws_api.services.dynamodb.store import Write
from aws_api.services.dynamodb.stored import Stored

_TOO_LARGE = "Item size has exceeded the maximum allowed size"
_TOO_LARGE_UPDATED = "Item size to update has exceeded the maximum allowed size"

_CONDITIONAL = frozenset(
    (
        "ConditionExpression",
        "UpdateExpression",
        "Expected",
        "AttributeUpdates",
        "ConditionalOperator",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
    )
)
_NO_UPDATE = Update(())


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A write that waits for its table. ``attributes`` hold its key; ``paths`` are what an update touches.

    ``make`` raises ValidationException where the table's schema does not allow it.
    """

    request: Mapping[str, Any]
    attributes: Item
    make: Callable[[TableSchema], Write]
    paths: tuple[Path, ...] = ()


def plan_put(request: Mapping[str, Any]) -> Plan:
    """An item in place of the one with its key. Raises ValidationException."""
    condition, _ = _condition_of(request)
    return put_where(request, condition)


def plan_delete(request: Mapping[str, Any]) -> Plan:
    """The item of a key gone. Raises ValidationException."""
    condition, _ = _condition_of(request)
    return delete_where(request, condition)


def plan_update(request: Mapping[str, Any]) -> Plan:
    """Attributes of the item of a key changed, or an item made with them. Raises ValidationException."""
    condition, update = _condition_of(request)
    return update_where(request, update, condition)


def plan_check(request: Mapping[str, Any]) -> Plan:
    """The item of a key as it is, if it meets a condition. Raises ValidationException."""
    condition, _ = _condition_of(request)
    return check_where(request, condition)


def put_where(request: Mapping[str, Any], condition: Condition | None) -> Plan:
    """A put under a bound condition."""
    item, size = normalise_item(request["Item"])
    if size > MAX_ITEM_BYTES:
        raise ValidationException(_TOO_LARGE)
    after = Stored(item, size)

    def change(before: Stored | None) -> Stored:
        check_condition(request, condition, before)
        return after

    def make(table: TableSchema) -> Write:
        return Write(
            table=table, key=key_of_item(table, item), change=change, needs_before=_needs_before(request, condition)
        )

    return Plan(request=request, attributes=item, make=make)


def delete_where(request: Mapping[str, Any], condition: Condition | None) -> Plan:
    """A deletion under a bound condition."""
    key, _ = normalise_item(request["Key"])

    def change(before: Stored | None) -> None:
        check_condition(request, condition, before)

    def make(table: TableSchema) -> Write:
        return Write(
            table=table,
            key=key_of_request(table.keys, key),
            change=change,
            needs_before=_needs_before(request, condition),
        )

    return Plan(request=request, attributes=key, make=make)


def update_where(request: Mapping[str, Any], update: Update, condition: Condition | None) -> Plan:
    """A bound update under a bound condition."""
    key, _ = normalise_item(request["Key"])

    def make(table: TableSchema) -> Write:
        encoded = key_of_request(table.keys, key)
        _check_keys_untouched(table, update)

        def change(before: Stored | None) -> Stored:
            check_condition(request, condition, before)
            item = apply_update(update, key if before is None else before.item)
            check_index_keys(table, item)
            size = item_size(item)
            if size > MAX_ITEM_BYTES:
                raise ValidationException(_TOO_LARGE_UPDATED)
            return Stored(item, size)

        return Write(table=table, key=encoded, change=change, needs_before=True)

    return Plan(request=request, attributes=key, make=make, paths=tuple(action.path for action in update.actions))


def check_where(request: Mapping[str, Any], condition: Condition | None) -> Plan:
    """A bound condition by itself."""
    key, _ = normalise_item(request["Key"])

    def change(before: Stored | None) -> Stored | None:
        check_condition(request, condition, before)
        return before

    def make(table: TableSchema) -> Write:
        return Write(table=table, key=key_of_request(table.keys, key), change=change, needs_before=True)

    return Plan(request=request, attributes=key, make=make)


def check_condition(request: Mapping[str, Any], condition: Condition | None, before: Stored | None) -> None:
    """Raise ConditionalCheckFailedException, with the item where that is wanted, where the condition is not met."""
    if condition is None or meets({} if before is None else before.item, condition):
        return
    if before is not None and request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
        raise ConditionalCheckFailedException("The conditional request failed", Item=before.item)
    raise ConditionalCheckFailedException("The conditional request failed")


def _condition_of(request: Mapping[str, Any]) -> tuple[Condition | None, Update]:
    """What a write demands and what it changes, from the expressions or from the parameters before them."""
    if not request.keys() & _CONDITIONAL:
        return None, _NO_UPDATE
    legacy.check_not_mixed(
        request, ("AttributeUpdates", "Expected", "ConditionalOperator"), ("UpdateExpression", "ConditionExpression")
    )
    kinds = ("UpdateExpression", "ConditionExpression") if "Key" in request else ("ConditionExpression",)
    bindings = Bindings(request, *kinds)
    update = _NO_UPDATE
    if "UpdateExpression" in request:
        update = bindings.update(request["UpdateExpression"])
    elif "AttributeUpdates" in request:
        update = legacy.update_of(request["AttributeUpdates"])
    condition = bindings.condition("ConditionExpression", request.get("ConditionExpression"))
    bindings.check_all_used()
    if condition is None:
        condition = legacy.condition_of_expected(request.get("Expected"), request.get("ConditionalOperator"))
    return condition, update


def _needs_before(request: Mapping[str, Any], condition: Condition | None) -> bool:
    return condition is not None or request.get("ReturnValues") == "ALL_OLD" or capacity.is_wanted(request)


def _check_keys_untouched(table: TableSchema, update: Update) -> None:
    for action in update.actions:
        name = action.path.elements[0]
        if name in table.keys.types:
            raise ValidationException(
                "One or more parameter values were invalid: "
                f"Cannot update attribute {name}. This attribute is part of the key"
            )
