"""Query and Scan.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb import store
from aws_api.services.dynamodb.expressions import legacy
from aws_api.services.dynamodb.expressions.bind import Bindings
from aws_api.services.dynamodb.expressions.key_condition import KeyInterval, key_interval
from aws_api.services.dynamodb.expressions.nodes import Condition
from aws_api.services.dynamodb.expressions.paths import paths_in
from aws_api.services.dynamodb.keys import segment_bounds
from aws_api.services.dynamodb.reading import Source, answer_of, read_page, source_of, start_position
from aws_api.services.dynamodb.schema import KeySchema
from aws_api.services.dynamodb.service import dynamodb
from aws_api.services.dynamodb.shapes import QueryInput, QueryOutput, ScanInput, ScanOutput
from aws_api.services.dynamodb.store import Position, Row
from aws_api.services.dynamodb.tables import find_table

_EXPRESSIONS = ("ProjectionExpression", "FilterExpression", "KeyConditionExpression")


@dynamodb.operation
async def query(context: Context, request: QueryInput) -> QueryOutput:
    """The items of one partition, in the order of their sort key.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
    """
    legacy.check_not_mixed(
        request, ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"), _EXPRESSIONS
    )
    bindings = Bindings(request, "FilterExpression", "KeyConditionExpression", "ProjectionExpression")
    key_condition = bindings.condition("KeyConditionExpression", request.get("KeyConditionExpression"))
    filter_by = bindings.condition("FilterExpression", request.get("FilterExpression"))
    projection = bindings.projection(request.get("ProjectionExpression"))
    bindings.check_all_used()
    if filter_by is None:
        filter_by = legacy.condition_of_filter(request.get("QueryFilter"), request.get("ConditionalOperator"))
    if projection is None:
        projection = legacy.projection_of(request.get("AttributesToGet"))
    table = await find_table(context, request["TableName"])
    source = source_of(table, request, projection)
    keys = table.keys if source.index is None else source.index.keys
    interval = _interval(request, key_condition, keys)
    _check_filter(filter_by, keys, "Filter Expression" if "FilterExpression" in request else "QueryFilter")
    start = _query_start(source, request, interval)

    async def fetch(after: Position | None, limit: int) -> Sequence[Row]:
        return await store.query_page(
            table,
            source.index,
            interval.hash,
            (interval.low, interval.high),
            after=after,
            forward=request.get("ScanIndexForward", True),
            limit=limit,
        )

    page = await read_page(
        source, fetch, start=start, limit=request.get("Limit"), filter_by=filter_by, projection=projection
    )
    return cast(QueryOutput, answer_of(request, source, page))


@dynamodb.operation
async def scan(context: Context, request: ScanInput) -> ScanOutput:
    """All items of a table, an index, or one of the segments that together are all.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
    """
    legacy.check_not_mixed(
        request,
        ("AttributesToGet", "ScanFilter", "ConditionalOperator"),
        ("ProjectionExpression", "FilterExpression"),
    )
    bindings = Bindings(request, "FilterExpression", "ProjectionExpression")
    filter_by = bindings.condition("FilterExpression", request.get("FilterExpression"))
    projection = bindings.projection(request.get("ProjectionExpression"))
    bindings.check_all_used()
    if filter_by is None:
        filter_by = legacy.condition_of_filter(request.get("ScanFilter"), request.get("ConditionalOperator"))
    if projection is None:
        projection = legacy.projection_of(request.get("AttributesToGet"))
    segment, total = _segment(request)
    table = await find_table(context, request["TableName"])
    source = source_of(table, request, projection)
    from_hash, to_hash = segment_bounds(segment, total)
    start = None
    if "ExclusiveStartKey" in request:
        start = start_position(source, request["ExclusiveStartKey"])
        if not from_hash <= start.key.hash < to_hash:
            raise ValidationException(
                "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
                f"correct Segment. TotalSegments: {total} Segment: {segment}"
            )

    async def fetch(after: Position | None, limit: int) -> Sequence[Row]:
        return await store.scan_page(table, source.index, start=from_hash, end=to_hash, after=after, limit=limit)

    page = await read_page(
        source, fetch, start=start, limit=request.get("Limit"), filter_by=filter_by, projection=projection
    )
    return cast(ScanOutput, answer_of(request, source, page))


def _interval(request: Mapping[str, Any], condition: Condition | None, keys: KeySchema) -> KeyInterval:
    if condition is not None:
        return key_interval(condition, keys)
    if "KeyConditions" not in request:
        raise ValidationException(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    return legacy.interval_of_key_conditions(request["KeyConditions"], keys)


def _query_start(source: Source, request: Mapping[str, Any], interval: KeyInterval) -> Position | None:
    if "ExclusiveStartKey" not in request:
        return None
    start = start_position(source, request["ExclusiveStartKey"])
    if start.key.hash != interval.hash:
        raise ValidationException("The provided starting key is outside query boundaries based on provided conditions")
    if not interval.low <= start.key.range < interval.high:
        raise ValidationException("The provided starting key does not match the range key predicate")
    return start


def _check_filter(condition: Condition | None, keys: KeySchema, kind: str) -> None:
    """The keys of what is queried are for the key condition alone."""
    for path in paths_in(condition):
        if path.elements[0] in keys.types:
            raise ValidationException(
                f"{kind} can only contain non-primary key attributes: Primary key attribute: {path.elements[0]}"
            )


def _segment(request: Mapping[str, Any]) -> tuple[int, int]:
    if "Segment" not in request and "TotalSegments" not in request:
        return 0, 1
    if "TotalSegments" not in request:
        raise ValidationException(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter "
            "is present"
        )
    if "Segment" not in request:
        raise ValidationException(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments "
            "is present"
        )
    segment, total = request["Segment"], request["TotalSegments"]
    if segment >= total:
        raise ValidationException(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )
    return segment, total
