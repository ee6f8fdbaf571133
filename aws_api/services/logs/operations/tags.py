"""Tags of log groups, by name (the older operations) and by ARN."""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.services.logs.groups import group_row, name_in_arn
from aws_api.services.logs.service import logs
from aws_api.services.logs.shapes import (
    InvalidParameterException,
    ListTagsForResourceRequest,
    ListTagsLogGroupRequest,
    TagLogGroupRequest,
    TagResourceRequest,
    TooManyTagsException,
    UntagLogGroupRequest,
    UntagResourceRequest,
)

MAX_TAGS = 50


@logs.operation
def tag_log_group(context: Context, request: TagLogGroupRequest) -> None:
    """Add tags to a log group."""
    _tag(context, request["logGroupName"], request["tags"])


@logs.operation
def untag_log_group(context: Context, request: UntagLogGroupRequest) -> None:
    """Take tags off a log group."""
    _untag(context, request["logGroupName"], request["tags"])


@logs.operation
def list_tags_log_group(context: Context, request: ListTagsLogGroupRequest) -> dict[str, Any]:
    """A log group's tags."""
    return {"tags": group_row(context, request["logGroupName"]).tags}


@logs.operation
def tag_resource(context: Context, request: TagResourceRequest) -> None:
    """Add tags to a log group by its ARN."""
    _tag(context, name_in_arn(request["resourceArn"]), request["tags"])


@logs.operation
def untag_resource(context: Context, request: UntagResourceRequest) -> None:
    """Take tags off a log group by its ARN."""
    _untag(context, name_in_arn(request["resourceArn"]), request["tagKeys"])


@logs.operation
def list_tags_for_resource(context: Context, request: ListTagsForResourceRequest) -> dict[str, Any]:
    """A log group's tags by its ARN."""
    return {"tags": group_row(context, name_in_arn(request["resourceArn"])).tags}


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags beyond AWS's limits."""
    if len(tags) > MAX_TAGS:
        raise TooManyTagsException("The maximum number of tags for this resource is 50.")
    for key in tags:
        if key.lower().startswith("aws:"):
            raise InvalidParameterException("Tag keys must not begin with aws:")


def _tag(context: Context, name: str, tags: Mapping[str, str]) -> None:
    row = group_row(context, name, lock=True)
    merged = {**row.tags, **tags}
    check_tags(merged)
    row.tags = merged
    row.save(update_fields=["tags"])


def _untag(context: Context, name: str, keys: list[str]) -> None:
    row = group_row(context, name, lock=True)
    row.tags = {key: value for key, value in row.tags.items() if key not in keys}
    row.save(update_fields=["tags"])
