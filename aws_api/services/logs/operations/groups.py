"""Log groups: create, describe, retention, delete."""

import re
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Sum

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_rows
from aws_api.services.logs.describe import describe_group
from aws_api.services.logs.groups import forget_streams_on_commit, group_row, name_in_arn
from aws_api.services.logs.models import LogEvent, LogGroup
from aws_api.services.logs.operations.tags import check_tags
from aws_api.services.logs.service import logs
from aws_api.services.logs.shapes import (
    CreateLogGroupRequest,
    DeleteLogGroupRequest,
    DeleteRetentionPolicyRequest,
    DescribeLogGroupsRequest,
    InvalidParameterException,
    PutRetentionPolicyRequest,
    ResourceAlreadyExistsException,
)

MAX_GROUPS_PER_PAGE = 50
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

_NAME = re.compile(r"[\.\-_/#A-Za-z0-9]{1,512}")


@logs.operation
def create_log_group(context: Context, request: CreateLogGroupRequest) -> None:
    """Create a log group whose events never expire. Raises ResourceAlreadyExistsException."""
    name = request["logGroupName"]
    if not _NAME.fullmatch(name) or name.startswith("aws/"):
        raise InvalidParameterException(f"Log group name '{name}' is invalid.")
    tags = request.get("tags") or {}
    check_tags(tags)
    _, created = LogGroup.objects.get_or_create(
        account_id=context.account_id,
        region=context.region,
        name=name,
        defaults={
            "tags": tags,
            "document": {key: request[key] for key in ("logGroupClass", "kmsKeyId") if key in request},
            "created_at": context.clock.now(),
        },
    )
    if not created:
        raise ResourceAlreadyExistsException("The specified log group already exists")


@logs.operation
def delete_log_group(context: Context, request: DeleteLogGroupRequest) -> None:
    """Delete a log group with its streams and events."""
    row = group_row(context, request["logGroupName"], lock=True)
    group_id = row.pk
    row.delete()
    LogEvent.objects.filter(group_id=group_id).delete()
    # Events whose statement read the streams before this commit may have come after it.
    transaction.on_commit(partial(_delete_events, group_id))
    forget_streams_on_commit()


@logs.operation
def describe_log_groups(context: Context, request: DescribeLogGroupsRequest) -> dict[str, Any]:
    """The account's log groups, by name."""
    prefix, pattern = request.get("logGroupNamePrefix"), request.get("logGroupNamePattern")
    if prefix and pattern:
        raise InvalidParameterException(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
        )
    rows = LogGroup.objects.filter(account_id=context.account_id, region=context.region)
    if prefix:
        rows = rows.filter(name__startswith=prefix)
    if pattern:
        rows = rows.filter(name__icontains=pattern)
    if identifiers := request.get("logGroupIdentifiers"):
        rows = rows.filter(name__in=[name_in_arn(identifier) for identifier in identifiers])
    page, token = page_of_rows(
        rows,
        by="name",
        token=request.get("nextToken"),
        limit=request.get("limit") or MAX_GROUPS_PER_PAGE,
        error=_bad_token,
    )
    sizes = dict(
        LogGroup.objects.filter(pk__in=[row.pk for row in page])
        .annotate(bytes=Sum("streams__stored_bytes", default=0))
        .values_list("pk", "bytes")
    )
    answer: dict[str, Any] = {"logGroups": [describe_group(row, sizes[row.pk]) for row in page]}
    if token:
        answer["nextToken"] = token
    return answer


@logs.operation
def put_retention_policy(context: Context, request: PutRetentionPolicyRequest) -> None:
    """Let a group's events expire after some days, those that it has too."""
    days = request["retentionInDays"]
    if days not in RETENTION_DAYS:
        allowed = ", ".join(map(str, RETENTION_DAYS))
        raise InvalidParameterException(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member "
            f"must satisfy enum value set: [{allowed}]"
        )
    _set_retention(context, request["logGroupName"], days)


@logs.operation
def delete_retention_policy(context: Context, request: DeleteRetentionPolicyRequest) -> None:
    """Let a group's events never expire."""
    _set_retention(context, request["logGroupName"], None)


def _set_retention(context: Context, name: str, days: int | None) -> None:
    row = group_row(context, name, lock=True)
    row.retention_days = days
    row.save(update_fields=["retention_days"])
    if days is not None:
        oldest_ms = context.clock.epoch_ms() - days * 86_400_000
        LogEvent.objects.filter(group_id=row.pk, timestamp_ms__lt=oldest_ms).delete()
    forget_streams_on_commit()


def _delete_events(group_id: int) -> None:
    LogEvent.objects.filter(group_id=group_id).delete()


def _bad_token(_: str) -> InvalidParameterException:
    return InvalidParameterException("The specified nextToken is invalid.")
