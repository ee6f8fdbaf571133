"""TransactWriteItems and TransactGetItems: many items in one request, all or none, as if nobody else were there.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from collections.abc import Mapping
from typing import Any, cast

from aws_api.core.context import Context
from aws_api.core.errors import AwsError, ValidationException
from aws_api.services.dynamodb import capacity, store
from aws_api.services.dynamodb.changes import Plan, plan_check, plan_delete, plan_put, plan_update
from aws_api.services.dynamodb.expressions.paths import project
from aws_api.services.dynamodb.keys import key_of_request, normalise_key
from aws_api.services.dynamodb.operations.items import projection_of_request
from aws_api.services.dynamodb.service import dynamodb
from aws_api.services.dynamodb.shapes import (
    TransactGetItemsInput,
    TransactGetItemsOutput,
    TransactWriteItemsInput,
    TransactWriteItemsOutput,
)
from aws_api.services.dynamodb.tables import find_table
from aws_api.services.dynamodb.transacting import MAX_BYTES, SAME_ITEM, cancelled, make_together, reason_of
from aws_api.services.dynamodb.writing import item_collection_metrics

_PLANS = {"ConditionCheck": plan_check, "Put": plan_put, "Delete": plan_delete, "Update": plan_update}


@dynamodb.operation
async def transact_write_items(context: Context, request: TransactWriteItemsInput) -> TransactWriteItemsOutput:
    """Make up to 100 writes and checks of different items, or none of them.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    plans = [_plan(action, request) for action in request["TransactItems"]]
    made = await make_together(context, plans, request, token=request.get("ClientRequestToken"))
    answer: dict[str, Any] = {}
    if capacity.is_wanted(request):
        answer["ConsumedCapacity"] = made.consumed(request)
    if request.get("ReturnItemCollectionMetrics") == "SIZE":
        metrics: dict[str, list[Mapping[str, Any]]] = {}
        for table, plan in zip(made.tables, plans, strict=True):
            if table.has_local_indexes:
                metrics.setdefault(table.name, []).append(item_collection_metrics(table, plan.attributes))
        answer["ItemCollectionMetrics"] = metrics
    return cast(TransactWriteItemsOutput, answer)


@dynamodb.operation
async def transact_get_items(context: Context, request: TransactGetItemsInput) -> TransactGetItemsOutput:
    """Up to 100 items as they all were at one moment.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
    """
    gets = [action["Get"] for action in request["TransactItems"]]
    projections = [projection_of_request(get) for get in gets]
    tables = [await find_table(context, get["TableName"]) for get in gets]
    keys = []
    failures: list[AwsError | None] = []
    for table, get in zip(tables, gets, strict=True):
        try:
            keys.append((table, key_of_request(table.keys, normalise_key(get["Key"]))))
            failures.append(None)
        except ValidationException as error:
            failures.append(error)
    if any(failures):
        raise cancelled([reason_of(failure) for failure in failures])
    if len({(table.id, key) for table, key in keys}) != len(keys):
        raise ValidationException(SAME_ITEM)
    found = await store.read_items(keys)
    if sum(stored.size for stored in found if stored is not None) > MAX_BYTES:
        raise ValidationException("The aggregate size of the items in the transaction cannot exceed 4 MB")
    responses: list[dict[str, Any]] = []
    tally = capacity.Tally(request, kind="Read")
    for table, stored, projection in zip(tables, found, projections, strict=True):
        # A read in a transaction counts twice.
        tally.add(table, 2 * capacity.read_units(0 if stored is None else stored.size, consistent=True))
        if stored is None:
            responses.append({})
        else:
            responses.append({"Item": stored.item if projection is None else project(stored.item, projection)})
    answer: dict[str, Any] = {"Responses": responses}
    if capacity.is_wanted(request):
        answer["ConsumedCapacity"] = tally.shapes()
    return cast(TransactGetItemsOutput, answer)


def _plan(action: Mapping[str, Any], request: Mapping[str, Any]) -> Plan:
    if len(action) != 1:
        raise ValidationException("TransactItems can only contain one of Check, Put, Update or Delete")
    ((kind, parameters),) = action.items()
    if "ReturnConsumedCapacity" in request:
        parameters = {**parameters, "ReturnConsumedCapacity": request["ReturnConsumedCapacity"]}
    return _PLANS[kind](parameters)
