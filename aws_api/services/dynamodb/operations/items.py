"""PutItem, GetItem, UpdateItem, DeleteItem.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb import capacity, store
from aws_api.services.dynamodb.attribute_values import Item
from aws_api.services.dynamodb.changes import Plan, plan_delete, plan_put, plan_update
from aws_api.services.dynamodb.expressions import legacy
from aws_api.services.dynamodb.expressions.bind import Bindings
from aws_api.services.dynamodb.expressions.nodes import Path, Projection
from aws_api.services.dynamodb.expressions.paths import project
from aws_api.services.dynamodb.keys import key_of_request, normalise_key
from aws_api.services.dynamodb.schema import TableSchema
from aws_api.services.dynamodb.service import dynamodb
from aws_api.services.dynamodb.shapes import (
    DeleteItemInput,
    DeleteItemOutput,
    GetItemInput,
    GetItemOutput,
    PutItemInput,
    PutItemOutput,
    UpdateItemInput,
    UpdateItemOutput,
)
from aws_api.services.dynamodb.store import Written
from aws_api.services.dynamodb.tables import find_table
from aws_api.services.dynamodb.writing import item_collection_metrics, write_until_settled


@dynamodb.operation
async def put_item(context: Context, request: PutItemInput) -> PutItemOutput:
    """Store an item, in place of the one with its key.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
    """
    plan = plan_put(request)
    _check_return_values(request, ("NONE", "ALL_OLD"))
    table, written = await write_until_settled(context, request["TableName"], plan.make)
    return cast(PutItemOutput, write_answer(plan, table, written, _old_attributes(request, written)))


@dynamodb.operation
async def delete_item(context: Context, request: DeleteItemInput) -> DeleteItemOutput:
    """Delete the item of a key; that there is none is no error.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
    """
    plan = plan_delete(request)
    _check_return_values(request, ("NONE", "ALL_OLD"))
    table, written = await write_until_settled(context, request["TableName"], plan.make)
    return cast(DeleteItemOutput, write_answer(plan, table, written, _old_attributes(request, written)))


@dynamodb.operation
async def update_item(context: Context, request: UpdateItemInput) -> UpdateItemOutput:
    """Change attributes of an item, or make one with them.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
    """
    plan = plan_update(request)
    table, written = await write_until_settled(context, request["TableName"], plan.make)
    attributes = attributes_shown(request.get("ReturnValues", "NONE"), plan.paths, written)
    return cast(UpdateItemOutput, write_answer(plan, table, written, attributes))


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


def _check_return_values(request: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    if request.get("ReturnValues", "NONE") not in allowed:
        raise ValidationException("ReturnValues can only be ALL_OLD or NONE")


def _old_attributes(request: Mapping[str, Any], written: Written) -> Item | None:
    if request.get("ReturnValues") != "ALL_OLD" or written.before is None:
        return None
    return written.before.item


def attributes_shown(return_values: str, paths: tuple[Path, ...], written: Written) -> Item | None:
    """What a write answers of the item, by its ReturnValues; None for no member at all."""
    before = None if written.before is None else written.before.item
    after = None if written.after is None else written.after.item
    views: dict[str, Callable[[], Item | None]] = {
        "ALL_OLD": lambda: before,
        "ALL_NEW": lambda: after,
        "UPDATED_OLD": lambda: None if before is None else project(before, paths) or None,
        "UPDATED_NEW": lambda: None if after is None else project(after, paths) or None,
    }
    view = views.get(return_values)
    return None if view is None else view()


def write_answer(plan: Plan, table: TableSchema, written: Written, attributes: Item | None) -> dict[str, Any]:
    """The answer of an operation that wrote one item."""
    answer: dict[str, Any] = {}
    if attributes is not None:
        answer["Attributes"] = attributes
    if capacity.is_wanted(plan.request):
        answer["ConsumedCapacity"] = capacity.consumed(plan.request, table, *capacity.write_units(table, written))
    if plan.request.get("ReturnItemCollectionMetrics") == "SIZE" and table.has_local_indexes:
        answer["ItemCollectionMetrics"] = item_collection_metrics(table, plan.attributes)
    return answer
