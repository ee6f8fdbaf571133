"""Message move tasks: redrive from a dead-letter queue.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

import base64
import binascii
from functools import partial
from typing import Any

import orjson
from django.db import IntegrityError, transaction

from aws_api.core.context import Context
from aws_api.services.sqs.errors import InvalidParameterValue, ResourceNotFoundException, invalid_value
from aws_api.services.sqs.models import Message, MoveTask, Queue
from aws_api.services.sqs.moves import MAX_PER_SECOND, start_moving
from aws_api.services.sqs.queues import key_of_arn
from aws_api.services.sqs.service import sqs
from aws_api.services.sqs.shapes import (
    CancelMessageMoveTaskRequest,
    ListMessageMoveTasksRequest,
    StartMessageMoveTaskRequest,
)

MAX_RESULTS = 10

_ACTIVE = (MoveTask.Status.RUNNING, MoveTask.Status.CANCELLING)


@sqs.operation
def start_message_move_task(context: Context, request: StartMessageMoveTaskRequest) -> dict[str, Any]:
    """Begin to move a dead-letter queue's messages to a queue, or each back to where it came from."""
    source = _queue(context, request["SourceArn"], "SourceArn")
    destination_arn = request.get("DestinationArn") or ""
    if destination_arn:
        _queue(context, destination_arn, "DestinationArn")
    rate = request.get("MaxNumberOfMessagesPerSecond")
    if rate is not None and not 1 <= rate <= MAX_PER_SECOND:
        raise invalid_value(rate, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
    if not Queue.objects.filter(dead_letter_target_arn=source.arn).exists():
        raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
    now_ms = context.clock.epoch_ms()
    task = MoveTask(
        source_arn=source.arn,
        destination_arn=destination_arn,
        messages_per_second=rate,
        to_move=Message.objects.filter(queue_id=source.pk, visible_at_ms__lte=now_ms).count(),
        started_at_ms=now_ms,
    )
    try:
        with transaction.atomic():
            task.save(force_insert=True)
    except IntegrityError as error:
        raise InvalidParameterValue(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        ) from error
    transaction.on_commit(partial(start_moving, task.id, context.clock))
    return {"TaskHandle": _handle(task)}


@sqs.operation
def cancel_message_move_task(context: Context, request: CancelMessageMoveTaskRequest) -> dict[str, Any]:
    """Ask a running task to stop; what it moved stays moved."""
    task_id, source_arn = _parse_handle(request["TaskHandle"])
    _queue(context, source_arn, "SourceArn")
    task = MoveTask.objects.filter(id=task_id, source_arn=source_arn).first()
    if task is None:
        raise ResourceNotFoundException("Task does not exist.")
    running = MoveTask.objects.filter(id=task_id, status=MoveTask.Status.RUNNING)
    if not running.update(status=MoveTask.Status.CANCELLING):
        raise InvalidParameterValue("Only active tasks can be cancelled.")
    return {"ApproximateNumberOfMessagesMoved": task.moved}


@sqs.operation
def list_message_move_tasks(context: Context, request: ListMessageMoveTasksRequest) -> dict[str, Any]:
    """A dead-letter queue's latest tasks, the newest first."""
    limit = request.get("MaxResults", 1)
    if not 1 <= limit <= MAX_RESULTS:
        raise invalid_value(limit, "MaxResults", "Must be between 1 and 10, if provided.")
    source = _queue(context, request["SourceArn"], "SourceArn")
    tasks = list(MoveTask.objects.filter(source_arn=source.arn).order_by("-started_at_ms", "id")[:limit])
    for task in tasks:
        if task.status in _ACTIVE and task.leased_until_ms <= context.clock.epoch_ms():
            transaction.on_commit(partial(start_moving, task.id, context.clock))
    return {"Results": [_describe(task) for task in tasks]}


def _describe(task: MoveTask) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Status": task.status,
        "SourceArn": task.source_arn,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": task.started_at_ms,
    }
    if task.status == MoveTask.Status.RUNNING:
        described["TaskHandle"] = _handle(task)
    if task.destination_arn:
        described["DestinationArn"] = task.destination_arn
    if task.messages_per_second is not None:
        described["MaxNumberOfMessagesPerSecond"] = task.messages_per_second
    if task.failure_reason:
        described["FailureReason"] = task.failure_reason
    return described


def _queue(context: Context, arn: str, parameter: str) -> Queue:
    """The caller's own queue of an ARN."""
    key = key_of_arn(arn)
    if key is None:
        raise invalid_value(arn, parameter, "It is not the ARN of a queue.")
    account_id, region, name = key
    row = Queue.objects.filter(account_id=account_id, region=region, name=name).first()
    if row is None or (account_id, region) != (context.account_id, context.region):
        raise ResourceNotFoundException(f"The resource that you specified for the {parameter} parameter doesn't exist.")
    return row


def _handle(task: MoveTask) -> str:
    return base64.b64encode(orjson.dumps({"taskId": task.id, "sourceArn": task.source_arn})).decode()


def _parse_handle(handle: str) -> tuple[str, str]:
    try:
        parts = orjson.loads(base64.b64decode(handle, validate=True))
        return str(parts["taskId"]), str(parts["sourceArn"])
    except (ValueError, binascii.Error, KeyError, TypeError) as error:
        raise InvalidParameterValue("Value for parameter TaskHandle is invalid.") from error
