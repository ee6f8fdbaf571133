"""Queues: create, find, list, describe, change, purge, delete."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_rows
from aws_api.services.sqs.attributes import (
    changed_attributes,
    check_same,
    dead_letter_target,
    describe_attributes,
    new_attributes,
)
from aws_api.services.sqs.errors import InvalidParameterValue, PurgeQueueInProgress, invalid_value
from aws_api.services.sqs.models import Deduplication, DeletedQueue, Message, Queue
from aws_api.services.sqs.operations.tags import check_tags
from aws_api.services.sqs.queues import find_queue, forget_on_commit, queue_row, queue_url
from aws_api.services.sqs.service import sqs
from aws_api.services.sqs.shapes import (
    CreateQueueRequest,
    DeleteQueueRequest,
    GetQueueAttributesRequest,
    GetQueueUrlRequest,
    InvalidAttributeValue,
    ListDeadLetterSourceQueuesRequest,
    ListQueuesRequest,
    PurgeQueueRequest,
    QueueDeletedRecently,
    QueueDoesNotExist,
    SetQueueAttributesRequest,
)

MAX_QUEUES_PER_PAGE = 1000
PURGE_INTERVAL = timedelta(seconds=60)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo")


@sqs.operation
def create_queue(context: Context, request: CreateQueueRequest) -> dict[str, Any]:
    """Create a queue, or find the one of this name that has the same attributes. Raises QueueNameExists."""
    name, asked = request["QueueName"], _asked(request)
    is_fifo = asked.get("FifoQueue") == "true"
    _check_name(name, is_fifo=is_fifo)
    tags = request.get("tags") or {}
    check_tags(tags)
    now = context.clock.now()
    row = Queue(
        account_id=context.account_id,
        region=context.region,
        name=name,
        is_fifo=is_fifo,
        document=new_attributes(name, asked),
        tags=tags,
        created_at=now,
        modified_at=now,
    )
    row.dead_letter_target_arn = dead_letter_target(row, row.document)
    existing = Queue.objects.filter(account_id=context.account_id, region=context.region, name=name)
    if not existing.exists():
        _check_not_deleted_recently(row)
        Queue.objects.bulk_create([row], ignore_conflicts=True)  # somebody may create it at this moment
    found = existing.get()
    check_same(found, asked)
    forget_on_commit(found)
    return {"QueueUrl": queue_url(context, context.account_id, name)}


@sqs.operation
async def get_queue_url(context: Context, request: GetQueueUrlRequest) -> dict[str, Any]:
    """The URL of a queue by its name."""
    account_id = request.get("QueueOwnerAWSAccountId") or context.account_id
    url = queue_url(context, account_id, request["QueueName"])
    await find_queue(context, url)
    return {"QueueUrl": url}


@sqs.operation
def list_queues(context: Context, request: ListQueuesRequest) -> dict[str, Any]:
    """The URLs of the account's queues, by name."""
    limit = request.get("MaxResults")
    if limit is not None and not 1 <= limit <= MAX_QUEUES_PER_PAGE:
        raise invalid_value(limit, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
    rows = Queue.objects.filter(
        account_id=context.account_id,
        region=context.region,
        name__startswith=request.get("QueueNamePrefix") or "",
    )
    page, token = page_of_rows(
        rows, by="name", token=request.get("NextToken"), limit=limit or MAX_QUEUES_PER_PAGE, error=_bad_token
    )
    answer: dict[str, Any] = {}
    if page:
        answer["QueueUrls"] = [queue_url(context, row.account_id, row.name) for row in page]
    if token and limit:  # AWS pages only for who asked for pages
        answer["NextToken"] = token
    return answer


@sqs.operation
def delete_queue(context: Context, request: DeleteQueueRequest) -> None:
    """Delete a queue with its messages, whatever they are doing."""
    row = queue_row(context, request["QueueUrl"], lock=True)
    queue_id = row.pk
    forget_on_commit(row)
    if settings.SIMFRA_SQS_DELETION_COOL_DOWN_S:
        DeletedQueue.objects.update_or_create(
            account_id=row.account_id,
            region=row.region,
            name=row.name,
            defaults={"deleted_at": context.clock.now()},
        )
    row.delete()
    _delete_contents(queue_id)
    # A send that read the row before this commit may commit after it.
    transaction.on_commit(lambda: _delete_contents(queue_id))


@sqs.operation
def get_queue_attributes(context: Context, request: GetQueueAttributesRequest) -> dict[str, Any]:
    """A queue's attributes; without names, none."""
    row = queue_row(context, request["QueueUrl"])
    attributes = describe_attributes(row, request.get("AttributeNames") or (), context.clock)
    return {"Attributes": attributes} if attributes else {}


@sqs.operation
def set_queue_attributes(context: Context, request: SetQueueAttributesRequest) -> None:
    """Set some of a queue's attributes; they hold at once."""
    row = queue_row(context, request["QueueUrl"], lock=True)
    asked = _asked(request)
    row.document = changed_attributes(row, asked)
    if "RedrivePolicy" in asked:
        row.dead_letter_target_arn = dead_letter_target(row, row.document)
    row.modified_at = context.clock.now()
    row.save(update_fields=["document", "dead_letter_target_arn", "modified_at"])
    forget_on_commit(row)


@sqs.operation
def purge_queue(context: Context, request: PurgeQueueRequest) -> None:
    """Delete a queue's messages, those in flight too. Raises PurgeQueueInProgress within 60 seconds of the last."""
    row = queue_row(context, request["QueueUrl"], lock=True)
    now = context.clock.now()
    if row.purged_at is not None and now - row.purged_at < PURGE_INTERVAL:
        raise PurgeQueueInProgress(f"Only one PurgeQueue operation on {row.name} is allowed every 60 seconds.")
    row.purged_at = now
    row.save(update_fields=["purged_at"])
    Message.objects.filter(queue_id=row.pk).delete()


@sqs.operation
def list_dead_letter_source_queues(context: Context, request: ListDeadLetterSourceQueuesRequest) -> dict[str, Any]:
    """The URLs of the queues whose redrive policy names this one."""
    limit = request.get("MaxResults")
    if limit is not None and not 1 <= limit <= MAX_QUEUES_PER_PAGE:
        raise invalid_value(limit, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
    row = queue_row(context, request["QueueUrl"])
    page, token = page_of_rows(
        Queue.objects.filter(dead_letter_target_arn=row.arn),
        by="name",
        token=request.get("NextToken"),
        limit=limit or MAX_QUEUES_PER_PAGE,
        error=_bad_token,
    )
    answer: dict[str, Any] = {"queueUrls": [queue_url(context, source.account_id, source.name) for source in page]}
    if token and limit:
        answer["NextToken"] = token
    return answer


def _asked(request: Mapping[str, Any]) -> Mapping[str, str]:
    """The attributes to set; their names are checked in SQS's own words."""
    return request.get("Attributes") or {}


def _check_name(name: str, *, is_fifo: bool) -> None:
    if name == "":
        raise QueueDoesNotExist("Queue name cannot be empty")
    if is_fifo and not _FIFO_NAME.fullmatch(name):
        raise InvalidParameterValue(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with "
            ".fifo suffix and be 1 to 80 in length."
        )
    if not is_fifo and not _NAME.fullmatch(name):
        raise InvalidParameterValue(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )


def _check_not_deleted_recently(row: Queue) -> None:
    cool_down_s = settings.SIMFRA_SQS_DELETION_COOL_DOWN_S
    since = row.created_at - timedelta(seconds=cool_down_s)
    names = DeletedQueue.objects.filter(account_id=row.account_id, region=row.region, name=row.name)
    if cool_down_s and names.filter(deleted_at__gt=since).exists():
        raise QueueDeletedRecently(
            f"You must wait {cool_down_s} seconds after deleting a queue before you can create another with the same "
            "name."
        )


def _delete_contents(queue_id: int) -> None:
    Message.objects.filter(queue_id=queue_id).delete()
    Deduplication.objects.filter(queue_id=queue_id).delete()


def _bad_token(message: str) -> InvalidAttributeValue:
    return InvalidAttributeValue(f"Invalid value for the parameter NextToken. {message}")
