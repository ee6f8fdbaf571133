"""Tags, time to live, limits, endpoints."""

from typing import Any, Literal, cast
from urllib.parse import urlsplit

from aws_api.core.arns import Arn, is_arn
from aws_api.core.context import Context
from aws_api.core.errors import AccessDeniedException, ValidationException
from aws_api.core.pagination import page_of_list
from aws_api.core.tags import tags_from_list, tags_to_list
from aws_api.services.dynamodb.contents import leave_entries
from aws_api.services.dynamodb.indexing import add_expiry, expiry_of
from aws_api.services.dynamodb.models import Table
from aws_api.services.dynamodb.replicas import lock_replicas, save_changed
from aws_api.services.dynamodb.service import dynamodb
from aws_api.services.dynamodb.shapes import (
    DescribeEndpointsRequest,
    DescribeEndpointsResponse,
    DescribeLimitsInput,
    DescribeLimitsOutput,
    DescribeTimeToLiveInput,
    DescribeTimeToLiveOutput,
    ListTagsOfResourceInput,
    ListTagsOfResourceOutput,
    ResourceNotFoundException,
    TagResourceInput,
    UntagResourceInput,
    UpdateTimeToLiveInput,
    UpdateTimeToLiveOutput,
)
from aws_api.services.dynamodb.tables import find_row

MAX_TAGS = 50
_TAGS_AT_ONCE = 10


@dynamodb.operation
def tag_resource(context: Context, request: TagResourceInput) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html"""
    table = _table_of_arn(context, request["ResourceArn"], lock=True)
    tags = {**table.tags, **tags_from_list(request["Tags"])}
    if len(tags) > MAX_TAGS:
        raise ValidationException(
            f"One or more parameter values were invalid: Too many tags: the limit is {MAX_TAGS} for a resource"
        )
    Table.objects.filter(pk=table.pk).update(tags=tags)


@dynamodb.operation
def untag_resource(context: Context, request: UntagResourceInput) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UntagResource.html"""
    table = _table_of_arn(context, request["ResourceArn"], lock=True)
    tags = {key: value for key, value in table.tags.items() if key not in request["TagKeys"]}
    Table.objects.filter(pk=table.pk).update(tags=tags)


@dynamodb.operation
def list_tags_of_resource(context: Context, request: ListTagsOfResourceInput) -> ListTagsOfResourceOutput:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTagsOfResource.html"""
    table = _table_of_arn(context, request["ResourceArn"])
    page, token = page_of_list(
        tags_to_list(table.tags), token=request.get("NextToken"), limit=_TAGS_AT_ONCE, error=ValidationException
    )
    answer: dict[str, Any] = {"Tags": page}
    if token is not None:
        answer["NextToken"] = token
    return cast(ListTagsOfResourceOutput, answer)


@dynamodb.operation
def describe_time_to_live(context: Context, request: DescribeTimeToLiveInput) -> DescribeTimeToLiveOutput:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTimeToLive.html"""
    expiry = expiry_of(find_row(context, request["TableName"]))
    if expiry is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    status: Literal["ENABLED", "ENABLING"] = "ENABLED" if expiry.is_filled else "ENABLING"
    return {"TimeToLiveDescription": {"TimeToLiveStatus": status, "AttributeName": expiry.document["AttributeName"]}}


@dynamodb.operation
def update_time_to_live(context: Context, request: UpdateTimeToLiveInput) -> UpdateTimeToLiveOutput:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html"""
    specification = request["TimeToLiveSpecification"]
    table = find_row(context, request["TableName"], lock=True)
    replicas = lock_replicas(table)
    expiry = expiry_of(table)
    if specification["Enabled"]:
        if expiry is not None:
            raise ValidationException("TimeToLive is already enabled")
        add_expiry(replicas, specification["AttributeName"])
    else:
        if expiry is None:
            raise ValidationException("TimeToLive is already disabled")
        attribute = expiry.document["AttributeName"]
        if attribute != specification["AttributeName"]:
            raise ValidationException(
                f"TimeToLive is active on a different AttributeName: current AttributeName is {attribute}"
            )
        leave_entries([expiry])
        for replica in replicas:
            replica.indexes.filter(is_expiry=True).delete()
    save_changed(replicas)
    return {"TimeToLiveSpecification": specification}


@dynamodb.operation
def describe_limits(_context: Context, _request: DescribeLimitsInput) -> DescribeLimitsOutput:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeLimits.html"""
    return {
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    }


@dynamodb.operation
def describe_endpoints(context: Context, _request: DescribeEndpointsRequest) -> DescribeEndpointsResponse:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeEndpoints.html"""
    return {"Endpoints": [{"Address": urlsplit(context.endpoint).netloc, "CachePeriodInMinutes": 1440}]}


def _table_of_arn(context: Context, arn: str, *, lock: bool = False) -> Table:
    if not is_arn(arn):
        raise ValidationException(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    parsed = Arn.parse(arn)
    if parsed.account_id != context.account_id:
        raise AccessDeniedException(
            f"User: {context.principal.arn} is not authorized to perform this on resource: {arn}"
        )
    try:
        return find_row(context, arn, lock=lock)
    except ResourceNotFoundException:
        raise ResourceNotFoundException(f"Requested resource not found: ResourcArn: {arn} not found") from None
