"""PutItem, GetItem, UpdateItem, DeleteItem.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb import capacity, store
from aws_api.services.dynamodb.attribute_values import MAX_ITEM_BYTES, Item, item_size, normalise_item
from aws_api.services.dynamodb.expressions import legacy
from aws_api.services.dynamodb.expressions.bind import Bindings
from aws_api.services.dynamodb.expressions.evaluate import meets
from aws_api.services.dynamodb.expressions.nodes import Condition, Path, Projection, Update
from aws_api.services.dynamodb.expressions.paths import project
from aws_api.services.dynamodb.expressions.update import apply_update
from aws_api.services.dynamodb.keys import check_index_keys, key_of_item, key_of_request, normalise_key
from aws_api.services.dynamodb.schema import TableSchema
from aws_api.services.dynamodb.service import dynamodb
from aws_api.services.dynamodb.shapes import (
    ConditionalCheckFailedException,
    DeleteItemInput,
    DeleteItemOutput,
    GetItemInput,
    GetItemOutput,
    PutItemInput,
    PutItemOutput,
    UpdateItemInput,
    UpdateItemOutput,
)
from aws_api.services.dynamodb.store import Stored, Write, Written
from aws_api.services.dynamodb.tables import find_table
from aws_api.services.dynamodb.writing import item_collection_metrics, write_until_settled

_TOO_LARGE = "Item size has exceeded the maximum allowed size"
_TOO_LARGE_UPDATED = "Item size to update has exceeded the maximum allowed size"


@dynamodb.operation
async def put_item(context: Context, request: PutItemInput) -> PutItemOutput:
    """Store an item, in place of the one with its key.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
    """
    condition, _ = _condition_of(request)
    _check_return_values(request, ("NONE", "ALL_OLD"))
    item, size = normalise_item(request["Item"])
    if size > MAX_ITEM_BYTES:
        raise ValidationException(_TOO_LARGE)
    after = Stored(item, size)

    def change(before: Stored | None) -> Stored:
        _check_condition(request, condition, before)
        return after

    def make(table: TableSchema) -> Write:
        return Write(
            table=table,
            key=key_of_item(table, item),
            change=change,
            needs_before=_needs_before(request, condition),
        )

    table, written = await write_until_settled(context, request["TableName"], make)
    return cast(PutItemOutput, _write_answer(request, table, written, _old_attributes(request, written)))


@dynamodb.operation
async def delete_item(context: Context, request: DeleteItemInput) -> DeleteItemOutput:
    """Delete the item of a key; that there is none is no error.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
    """
    condition, _ = _condition_of(request)
    _check_return_values(request, ("NONE", "ALL_OLD"))
    key, _ = normalise_item(request["Key"])

    def change(before: Stored | None) -> None:
        _check_condition(request, condition, before)

    def make(table: TableSchema) -> Write:
        return Write(
            table=table,
            key=key_of_request(table.keys, key),
            change=change,
            needs_before=_needs_before(request, condition),
        )

    table, written = await write_until_settled(context, request["TableName"], make)
    return cast(DeleteItemOutput, _write_answer(request, table, written, _old_attributes(request, written), key=key))


@dynamodb.operation
async def update_item(context: Context, request: UpdateItemInput) -> UpdateItemOutput:
    """Change attributes of an item, or make one with them.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
    """
    condition, update = _condition_of(request)
    key, _ = normalise_item(request["Key"])

    def make(table: TableSchema) -> Write:
        encoded = key_of_request(table.keys, key)
        _check_keys_untouched(table, update)

        def change(before: Stored | None) -> Stored:
            _check_condition(request, condition, before)
            item = apply_update(update, key if before is None else before.item)
            check_index_keys(table, item)
            size = item_size(item)
            if size > MAX_ITEM_BYTES:
                raise ValidationException(_TOO_LARGE_UPDATED)
            return Stored(item, size)

        return Write(table=table, key=encoded, change=change, needs_before=True)

    table, written = await write_until_settled(context, request["TableName"], make)
    attributes = _updated_attributes(request, tuple(action.path for action in update.actions), written)
    return cast(UpdateItemOutput, _write_answer(request, table, written, attributes, key=key))


@dynamodb.operation
async def get_item(context: Context, request: GetItemInput) -> GetItemOutput:
    """The item of a key, or the part of it that is asked for; no member Item where there is none.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
    """
    projection = projection_of_request(request)
    table = await find_table(context, request["TableName"])
    key = key_of_request(table.keys, normalise_key(request["Key"]))
    stored = await store.read_item(table, key)
    answer: dict[str, Any] = {}
    if stored is not None:
        answer["Item"] = stored.item if projection is None else project(stored.item, projection)
    if capacity.is_wanted(request):
        size = 0 if stored is None else stored.size
        units = capacity.read_units(size, consistent=request.get("ConsistentRead", False))
        answer["ConsumedCapacity"] = capacity.consumed(request, table, units)
    return cast(GetItemOutput, answer)


def projection_of_request(request: Mapping[str, Any]) -> Projection | None:
    """What a request that names items by key wants of them; None for all of it."""
    if not request.keys() & _PROJECTING:
        return None
    legacy.check_not_mixed(request, ("AttributesToGet",), ("ProjectionExpression",))
    bindings = Bindings(request, "ProjectionExpression")
    projection = bindings.projection(request.get("ProjectionExpression"))
    bindings.check_all_used()
    return legacy.projection_of(request.get("AttributesToGet")) if projection is None else projection


_PROJECTING = frozenset(("ProjectionExpression", "AttributesToGet", "ExpressionAttributeNames"))
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


def _check_condition(request: Mapping[str, Any], condition: Condition | None, before: Stored | None) -> None:
    """Raise ConditionalCheckFailedException, with the item where that is wanted, where the condition is not met."""
    if condition is None or meets({} if before is None else before.item, condition):
        return
    if before is not None and request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
        raise ConditionalCheckFailedException("The conditional request failed", Item=before.item)
    raise ConditionalCheckFailedException("The conditional request failed")


def _needs_before(request: Mapping[str, Any], condition: Condition | None) -> bool:
    return condition is not None or request.get("ReturnValues") == "ALL_OLD" or capacity.is_wanted(request)


def _check_return_values(request: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    if request.get("ReturnValues", "NONE") not in allowed:
        raise ValidationException("ReturnValues can only be ALL_OLD or NONE")


def _check_keys_untouched(table: TableSchema, update: Update) -> None:
    for action in update.actions:
        name = action.path.elements[0]
        if name in table.keys.types:
            raise ValidationException(
                "One or more parameter values were invalid: "
                f"Cannot update attribute {name}. This attribute is part of the key"
            )


def _old_attributes(request: Mapping[str, Any], written: Written) -> Item | None:
    if request.get("ReturnValues") != "ALL_OLD" or written.before is None:
        return None
    return written.before.item


def _updated_attributes(request: Mapping[str, Any], paths: tuple[Path, ...], written: Written) -> Item | None:
    before = None if written.before is None else written.before.item
    after = None if written.after is None else written.after.item
    views: dict[str, Callable[[], Item | None]] = {
        "ALL_OLD": lambda: before,
        "ALL_NEW": lambda: after,
        "UPDATED_OLD": lambda: None if before is None else project(before, paths) or None,
        "UPDATED_NEW": lambda: None if after is None else project(after, paths) or None,
    }
    view = views.get(request.get("ReturnValues", "NONE"))
    return None if view is None else view()


def _write_answer(
    request: Mapping[str, Any],
    table: TableSchema,
    written: Written,
    attributes: Item | None,
    key: Item | None = None,
) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if attributes is not None:
        answer["Attributes"] = attributes
    if capacity.is_wanted(request):
        answer["ConsumedCapacity"] = capacity.consumed(request, table, *capacity.write_units(table, written))
    if request.get("ReturnItemCollectionMetrics") == "SIZE" and table.has_local_indexes:
        answer["ItemCollectionMetrics"] = item_collection_metrics(table, request["Item"] if key is None else key)
    return answer
