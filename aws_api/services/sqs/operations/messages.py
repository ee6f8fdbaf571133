"""Messages: send, receive, delete, change their visibility. All async, on the statements of store.py and fifo.py."""

from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any

from aws_api.core.clock import Clock
from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.ids import new_uuid
from aws_api.services.sqs import fifo
from aws_api.services.sqs.batches import check_entries, failed_entry, results
from aws_api.services.sqs.errors import InvalidParameterValue, MissingParameter, OverLimit, invalid_value
from aws_api.services.sqs.messages import (
    MAX_DELAY_S,
    check_contents,
    check_fifo_id,
    describe,
    digests,
    pack_attributes,
    sequence_number,
    size_bytes,
    wanted_system_attributes,
)
from aws_api.services.sqs.queues import QueueSettings, find_queue, find_queue_by_key, forget
from aws_api.services.sqs.receipts import Receipt, parse_handle
from aws_api.services.sqs.service import sqs
from aws_api.services.sqs.shapes import (
    BatchRequestTooLong,
    ChangeMessageVisibilityBatchRequest,
    ChangeMessageVisibilityRequest,
    DeleteMessageBatchRequest,
    DeleteMessageRequest,
    MessageNotInflight,
    QueueDoesNotExist,
    ReceiveMessageRequest,
    SendMessageBatchRequest,
    SendMessageRequest,
)
from aws_api.services.sqs.store import MessageRow, NewMessage, Receive, VisibilityChange, message_store
from aws_api.services.sqs.waiting import waiting_room

MAX_BATCH_BYTES = 1_048_576
MAX_MESSAGES = 10
MAX_WAIT_S = 20
MAX_VISIBILITY_TIMEOUT_S = 43_200


@sqs.operation
async def send_message(context: Context, request: SendMessageRequest) -> dict[str, Any]:
    """Keep a message; once answered it is committed."""
    queue = await find_queue(context, request["QueueUrl"])
    message = _new_message(context, queue, request)
    (sent,) = await _send(context, queue, request["QueueUrl"], [message])
    return {**sent, **digests(request)}


@sqs.operation
async def send_message_batch(context: Context, request: SendMessageBatchRequest) -> dict[str, Any]:
    """Keep up to ten messages; those that are not right fail alone."""
    queue = await find_queue(context, request["QueueUrl"])
    entries = request["Entries"]
    check_entries(entries, "SendMessageBatchRequestEntry")
    total = sum(map(size_bytes, entries))
    if total > MAX_BATCH_BYTES:
        raise BatchRequestTooLong(
            f"Batch requests cannot be longer than {MAX_BATCH_BYTES} bytes. You have sent {total} bytes."
        )
    failed: list[dict[str, Any]] = []
    accepted: list[tuple[Mapping[str, Any], NewMessage]] = []
    for entry in entries:
        try:
            accepted.append((entry, _new_message(context, queue, entry)))
        except AwsError as error:
            failed.append(failed_entry(entry["Id"], error))
    if not accepted:
        return results([], failed)
    sent = await _send(context, queue, request["QueueUrl"], [message for _, message in accepted])
    successful = [
        {"Id": entry["Id"], **answer, **digests(entry)} for (entry, _), answer in zip(accepted, sent, strict=True)
    ]
    return results(successful, failed)


@sqs.operation
async def receive_message(context: Context, request: ReceiveMessageRequest) -> dict[str, Any]:
    """Take up to ten messages into flight, waiting for the first where asked to."""
    queue = await find_queue(context, request["QueueUrl"])
    wanted = request.get("MaxNumberOfMessages", 1)
    if not 1 <= wanted <= MAX_MESSAGES:
        raise invalid_value(wanted, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
    wait_s = request.get("WaitTimeSeconds", queue.wait_s)
    if not 0 <= wait_s <= MAX_WAIT_S:
        raise invalid_value(wait_s, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
    visibility_s = request.get("VisibilityTimeout", queue.visibility_timeout_s)
    _check_visibility_timeout(visibility_s)
    system_attributes = wanted_system_attributes(
        request.get("AttributeNames"), request.get("MessageSystemAttributeNames")
    )
    attempt = partial(
        _attempt, context.clock, queue, wanted, visibility_s, _attempt_id(queue, request), is_long_poll=wait_s > 0
    )
    rows = await attempt()
    if not rows and wait_s:
        rows = await waiting_room().wait(queue.id, attempt, wait_s, context)
    if not rows:
        return {}
    names = tuple(request.get("MessageAttributeNames") or ())
    return {"Messages": [describe(row, system_attributes, names) for row in rows]}


@sqs.operation
async def delete_message(context: Context, request: DeleteMessageRequest) -> None:
    """Delete a received message. Deleting twice, or by an older receive's handle, is answered the same."""
    queue = await find_queue(context, request["QueueUrl"])
    receipt = parse_handle(request["ReceiptHandle"], queue.id)
    if queue.is_fifo:
        await _delete_from_fifo(context, receipt, request["ReceiptHandle"])
    else:
        await message_store().delete([receipt])


@sqs.operation
async def delete_message_batch(context: Context, request: DeleteMessageBatchRequest) -> dict[str, Any]:
    """Delete up to ten received messages."""
    queue = await find_queue(context, request["QueueUrl"])
    entries = request["Entries"]
    check_entries(entries, "DeleteMessageBatchRequestEntry")
    successful, failed, receipts = [], [], []
    for entry in entries:
        try:
            receipt = parse_handle(entry["ReceiptHandle"], queue.id)
            if queue.is_fifo:
                await _delete_from_fifo(context, receipt, entry["ReceiptHandle"])
        except AwsError as error:
            failed.append(failed_entry(entry["Id"], error))
            continue
        receipts.append(receipt)
        successful.append({"Id": entry["Id"]})
    if receipts and not queue.is_fifo:
        await message_store().delete(receipts)
    return results(successful, failed)


@sqs.operation
async def change_message_visibility(context: Context, request: ChangeMessageVisibilityRequest) -> None:
    """Let a message in flight be visible again at another time, counted from now."""
    queue = await find_queue(context, request["QueueUrl"])
    change = _visibility_change(context, queue, request)
    (outcome,) = await message_store().change_visibility([change])
    if error := _visibility_error(outcome, request["ReceiptHandle"]):
        raise error


@sqs.operation
async def change_message_visibility_batch(
    context: Context, request: ChangeMessageVisibilityBatchRequest
) -> dict[str, Any]:
    """The same for up to ten messages."""
    queue = await find_queue(context, request["QueueUrl"])
    entries = request["Entries"]
    check_entries(entries, "ChangeMessageVisibilityBatchRequestEntry")
    successful, failed = [], []
    accepted: list[tuple[Mapping[str, Any], VisibilityChange]] = []
    for entry in entries:
        try:
            accepted.append((entry, _visibility_change(context, queue, entry)))
        except AwsError as error:
            failed.append(failed_entry(entry["Id"], error))
    outcomes = await message_store().change_visibility([change for _, change in accepted]) if accepted else []
    for (changed, _), outcome in zip(accepted, outcomes, strict=True):
        if refusal := _visibility_error(outcome, changed["ReceiptHandle"]):
            failed.append(failed_entry(changed["Id"], refusal))
        else:
            successful.append({"Id": changed["Id"]})
    return results(successful, failed)


def _new_message(context: Context, queue: QueueSettings, entry: Mapping[str, Any]) -> NewMessage:
    """The message of a request or a batch's entry, checked."""
    check_contents(entry, queue)
    delay_s = entry.get("DelaySeconds")
    if delay_s is not None and not 0 <= delay_s <= MAX_DELAY_S:
        raise invalid_value(delay_s, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
    if queue.is_fifo and delay_s:
        reason = "The request include parameter that is not valid for this queue type."
        raise invalid_value(delay_s, "DelaySeconds", reason)
    now_ms = context.clock.epoch_ms()
    trace_header = (entry.get("MessageSystemAttributes") or {}).get("AWSTraceHeader")
    return NewMessage(
        queue_id=queue.id,
        visible_at_ms=now_ms + 1000 * (queue.delay_s if delay_s is None or queue.is_fifo else delay_s),
        sent_at_ms=now_ms,
        message_id=new_uuid(),
        sender_id=context.principal.user_id,
        body=entry["MessageBody"],
        attributes=pack_attributes(entry.get("MessageAttributes")),
        trace_header=trace_header["StringValue"] if trace_header else None,
        group_id=_group_id(queue, entry),
        deduplication_id=_deduplication_id(queue, entry),
    )


def _group_id(queue: QueueSettings, entry: Mapping[str, Any]) -> str | None:
    group_id: str | None = entry.get("MessageGroupId")
    if group_id is not None:
        check_fifo_id(group_id, "MessageGroupId")
    elif queue.is_fifo:
        raise MissingParameter("The request must contain the parameter MessageGroupId.")
    return group_id


def _deduplication_id(queue: QueueSettings, entry: Mapping[str, Any]) -> str | None:
    deduplication_id: str | None = entry.get("MessageDeduplicationId")
    if not queue.is_fifo:
        if deduplication_id is not None:
            reason = "The request includes a parameter that is not valid for this queue type."
            raise invalid_value(deduplication_id, "MessageDeduplicationId", reason)
        return None
    if deduplication_id is not None:
        check_fifo_id(deduplication_id, "MessageDeduplicationId")
        return deduplication_id
    if not queue.deduplicates_content:
        raise InvalidParameterValue(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
            "explicitly"
        )
    return sha256(entry["MessageBody"].encode()).hexdigest()


async def _send(
    context: Context, queue: QueueSettings, queue_url: str, messages: Sequence[NewMessage]
) -> list[dict[str, Any]]:
    """The MessageId, and for FIFO queues the SequenceNumber, of each message kept."""
    answers = await _keep(queue, messages)
    if answers is None:
        # Deleted, and perhaps created again, by another process whose word has not reached this one.
        await forget(queue)
        renewed = await find_queue(context, queue_url)
        moved = [_moved(message, renewed.id) for message in messages]
        answers = await _keep(renewed, moved)
    if answers is None:
        raise QueueDoesNotExist("The specified queue does not exist.")
    return answers


async def _keep(queue: QueueSettings, messages: Sequence[NewMessage]) -> list[dict[str, Any]] | None:
    if queue.is_fifo:
        sent = await fifo.send(queue, messages)
        if sent is None:
            return None
        return [{"MessageId": one.message_id, "SequenceNumber": sequence_number(one.sequence)} for one in sent]
    if not await message_store().send(messages):
        return None
    return [{"MessageId": message.message_id} for message in messages]


def _moved(message: NewMessage, queue_id: int) -> NewMessage:
    return NewMessage(**{name: getattr(message, name) for name in NewMessage.__slots__} | {"queue_id": queue_id})


def _attempt_id(queue: QueueSettings, request: Mapping[str, Any]) -> str | None:
    attempt_id: str | None = request.get("ReceiveRequestAttemptId") or None
    if attempt_id is not None:
        if not queue.is_fifo:
            reason = "The request includes a parameter that is not valid for this queue type."
            raise invalid_value(attempt_id, "ReceiveRequestAttemptId", reason)
        check_fifo_id(attempt_id, "ReceiveRequestAttemptId")
    return attempt_id


async def _attempt(
    clock: Clock, queue: QueueSettings, wanted: int, visibility_s: int, attempt_id: str | None, *, is_long_poll: bool
) -> Sequence[MessageRow]:
    """Receive once, now."""
    now_ms = clock.epoch_ms()
    burial = await find_queue_by_key(queue.dead_letter_key) if queue.dead_letter_key else None
    receive = Receive(
        queue=queue,
        wanted=wanted,
        visibility_ms=visibility_s * 1000,
        now_ms=now_ms,
        dead_letter_queue_id=burial.id if burial else None,
        attempt_id=attempt_id,
    )
    if not await message_store().has_room_in_flight(queue.id, now_ms):
        # A long poll, and any receive from a FIFO queue, just finds nothing at this limit.
        if is_long_poll or queue.is_fifo:
            return []
        raise OverLimit("The maximum number of in flight messages is reached.")
    if queue.is_fifo:
        return await fifo.receive(receive)
    return await message_store().receive(receive)


async def _delete_from_fifo(context: Context, receipt: Receipt, handle: str) -> None:
    if not await fifo.delete(receipt, context.clock.epoch_ms()):
        raise invalid_value(handle, "ReceiptHandle", "The receipt handle has expired.")


def _check_visibility_timeout(timeout_s: int) -> None:
    if not 0 <= timeout_s <= MAX_VISIBILITY_TIMEOUT_S:
        raise invalid_value(timeout_s, "VisibilityTimeout", "VisibilityTimeout must be between 0 and 43200.")


def _visibility_change(context: Context, queue: QueueSettings, entry: Mapping[str, Any]) -> VisibilityChange:
    receipt = parse_handle(entry["ReceiptHandle"], queue.id)
    timeout_s = entry.get("VisibilityTimeout", queue.visibility_timeout_s)
    _check_visibility_timeout(timeout_s)
    now_ms = context.clock.epoch_ms()
    if (now_ms - receipt.received_at_ms) // 1000 + timeout_s > MAX_VISIBILITY_TIMEOUT_S:
        reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
        raise invalid_value(timeout_s, "VisibilityTimeout", reason)
    return VisibilityChange(receipt=receipt, now_ms=now_ms, visible_at_ms=now_ms + timeout_s * 1000)


def _visibility_error(outcome: str, handle: str) -> AwsError | None:
    if outcome == "changed":
        return None
    reason = "Message does not exist or is not available for visibility timeout change."
    if outcome == "not in flight":
        return MessageNotInflight(f"Value {handle} for parameter ReceiptHandle is invalid. Reason: {reason}")
    return invalid_value(handle, "ReceiptHandle", reason)
