"""Tags of queues."""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.services.sqs.errors import InvalidParameterValue
from aws_api.services.sqs.queues import queue_row
from aws_api.services.sqs.service import sqs
from aws_api.services.sqs.shapes import ListQueueTagsRequest, TagQueueRequest, UntagQueueRequest

MAX_TAGS = 50


@sqs.operation
def tag_queue(context: Context, request: TagQueueRequest) -> None:
    """Add tags to a queue; one of the same key is replaced."""
    row = queue_row(context, request["QueueUrl"], lock=True)
    tags = {**row.tags, **request["Tags"]}
    check_tags(tags)
    row.tags = tags
    row.save(update_fields=["tags"])


@sqs.operation
def untag_queue(context: Context, request: UntagQueueRequest) -> None:
    """Take tags off a queue."""
    row = queue_row(context, request["QueueUrl"], lock=True)
    row.tags = {key: value for key, value in row.tags.items() if key not in request["TagKeys"]}
    row.save(update_fields=["tags"])


@sqs.operation
def list_queue_tags(context: Context, request: ListQueueTagsRequest) -> dict[str, Any]:
    """A queue's tags."""
    tags = queue_row(context, request["QueueUrl"]).tags
    return {"Tags": tags} if tags else {}


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags beyond AWS's limits."""
    if len(tags) > MAX_TAGS:
        raise InvalidParameterValue("Too many tags added for queue. Maximum allowed number of tags is 50.")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or key.lower().startswith("aws:"):
            raise InvalidParameterValue(f"Tag key '{key}' is invalid: 1 to 128 characters, not beginning with aws:.")
        if len(value) > 256:
            raise InvalidParameterValue(f"The value of tag '{key}' is longer than 256 characters.")
