"""Queue attributes: which there are, what they may be, and what a queue says of itself.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from django.db.models import Count, Q

from aws_api.core.clock import Clock
from aws_api.services.sqs.errors import invalid_value
from aws_api.services.sqs.models import Message, Queue
from aws_api.services.sqs.queues import key_of_arn
from aws_api.services.sqs.shapes import InvalidAttributeName, InvalidAttributeValue, QueueNameExists

MAX_RECEIVE_COUNT = 1000
MAX_SOURCE_QUEUES = 10

_RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}
_CHOICES = {
    "SqsManagedSseEnabled": ("true", "false"),
    "FifoQueue": ("true", "false"),
    "ContentBasedDeduplication": ("true", "false"),
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
_FIFO_ONLY = ("FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")
#: An empty value takes these away.
_REMOVABLE = ("Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId")
_SETTABLE = frozenset({*_RANGES, *_CHOICES, *_REMOVABLE})

_DEFAULTS = {
    "VisibilityTimeout": "30",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "DelaySeconds": "0",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
}
_FIFO_DEFAULTS = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}
_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_READABLE = _SETTABLE | {"All", "QueueArn", "CreatedTimestamp", "LastModifiedTimestamp", *_COUNTS}


def new_attributes(name: str, asked: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a queue to create, checked. FifoQueue must agree with the name."""
    _check_values(asked, is_fifo=name.endswith(".fifo"))
    return merge_attributes({}, asked)


def changed_attributes(row: Queue, asked: Mapping[str, str]) -> dict[str, str]:
    """A queue's attributes with some set anew, checked."""
    if "FifoQueue" in asked and (asked["FifoQueue"] == "true") != row.is_fifo:
        raise InvalidAttributeName("Unknown Attribute FifoQueue.")
    _check_values(asked, is_fifo=row.is_fifo)
    return merge_attributes(row.document, asked)


def merge_attributes(kept: Mapping[str, str], asked: Mapping[str, str]) -> dict[str, str]:
    """``kept`` overridden by ``asked``; an empty policy takes the policy away, one kind of encryption the other."""
    merged = {**kept, **asked}
    if asked.get("KmsMasterKeyId"):
        merged["SqsManagedSseEnabled"] = "false"
    elif asked.get("SqsManagedSseEnabled") == "true":
        merged.pop("KmsMasterKeyId", None)
    limit, scope = merged.get("FifoThroughputLimit"), merged.get("DeduplicationScope")
    if limit == "perMessageGroupId" and scope != "messageGroup":
        raise InvalidAttributeValue(
            "Invalid value for the parameter FifoThroughputLimit. Reason: perMessageGroupId is allowed only when the "
            "value for DeduplicationScope is messageGroup."
        )
    return {name: value for name, value in merged.items() if value != "" or name not in _REMOVABLE}


def check_same(row: Queue, asked: Mapping[str, str]) -> None:
    """Raise QueueNameExists where a queue that exists differs from what a CreateQueue asks for."""
    existing = _described_settings(row)
    for name, value in asked.items():
        if not _is_same(existing.get(name, ""), value):
            raise QueueNameExists(
                f"A queue already exists with the same name and a different value for attribute {name}"
            )


def dead_letter_target(row: Queue, attributes: Mapping[str, str]) -> str:
    """The ARN in a redrive policy, empty without one. Raises where the target cannot take ``row``'s messages."""
    text = attributes.get("RedrivePolicy")
    if not text:
        return ""
    arn: str = orjson.loads(text)["deadLetterTargetArn"]
    key = key_of_arn(arn)
    assert key is not None  # checked with the values
    target = Queue.objects.filter(account_id=key[0], region=key[1], name=key[2]).first()
    if target is None or key[:2] != (row.account_id, row.region):
        raise invalid_value(text, "RedrivePolicy", "Dead letter target does not exist.")
    if target.is_fifo != row.is_fifo:
        raise invalid_value(text, "RedrivePolicy", "Dead-letter queue must be same type of queue as the source.")
    if not _allows_source(target, row.arn):
        raise invalid_value(text, "RedrivePolicy", f"Dead letter queue does not allow redrive from {row.arn}.")
    return arn


def describe_attributes(row: Queue, names: Iterable[str], clock: Clock) -> dict[str, str]:
    """The attributes asked for, as GetQueueAttributes answers them."""
    wanted = set(names)
    for name in wanted - _READABLE:
        raise InvalidAttributeName(f"Unknown Attribute {name}.")
    described = {
        "QueueArn": row.arn,
        "CreatedTimestamp": str(int(row.created_at.timestamp())),
        "LastModifiedTimestamp": str(int(row.modified_at.timestamp())),
        **_described_settings(row),
    }
    if "All" in wanted or wanted.intersection(_COUNTS):
        described.update(_counts(row, clock.epoch_ms(), int(described["MessageRetentionPeriod"]) * 1000))
    return described if "All" in wanted else {name: value for name, value in described.items() if name in wanted}


def _described_settings(row: Queue) -> dict[str, str]:
    described = {**_DEFAULTS}
    if row.is_fifo:
        described.update(_FIFO_DEFAULTS, FifoQueue="true")
    described.update(row.document)
    if "KmsMasterKeyId" in described:
        described.setdefault("KmsDataKeyReusePeriodSeconds", "300")
    return described


def _counts(row: Queue, now_ms: int, retention_ms: int) -> dict[str, str]:
    later, received = Q(visible_at_ms__gt=now_ms), Q(receipt__isnull=False)
    counts = Message.objects.filter(queue_id=row.pk, sent_at_ms__gt=now_ms - retention_ms).aggregate(
        visible=Count("pk", filter=~later),
        in_flight=Count("pk", filter=later & received),
        delayed=Count("pk", filter=later & ~received),
    )
    return {name: str(counts[state]) for name, state in zip(_COUNTS, ("visible", "in_flight", "delayed"), strict=True)}


def _is_same(existing: str, asked: str) -> bool:
    if existing == asked:
        return True
    try:
        return bool(orjson.loads(existing) == orjson.loads(asked))
    except orjson.JSONDecodeError:
        return False


def _check_values(asked: Mapping[str, str], *, is_fifo: bool) -> None:
    for name, value in asked.items():
        if name not in _SETTABLE:
            raise InvalidAttributeName(f"Unknown Attribute {name}.")
        if name in _FIFO_ONLY and not is_fifo:
            reason = "" if name == "FifoQueue" else f" You can specify the {name} only when FifoQueue is set to true."
            raise InvalidAttributeName(f"Unknown Attribute {name}.{reason}")
        check = _CHECKS.get(name)
        if name in _RANGES:
            _check_range(name, value)
        elif name in _CHOICES and value not in _CHOICES[name]:
            raise InvalidAttributeValue(f"Invalid value for the parameter {name}.")
        elif check is not None and value:
            check(value)
    if asked.get("KmsMasterKeyId") and asked.get("SqsManagedSseEnabled") == "true":
        raise InvalidAttributeName(
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS "
            "SSE."
        )


def _check_range(name: str, value: str) -> None:
    low, high = _RANGES[name]
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and low <= int(value) <= high):
        raise InvalidAttributeValue(f"Invalid value for the parameter {name}.")


def _check_policy(value: str) -> None:
    try:
        policy = orjson.loads(value)
    except orjson.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise InvalidAttributeValue("Invalid value for the parameter Policy.")


def _check_redrive_policy(value: str) -> None:
    def refusal(reason: str) -> Exception:
        return invalid_value(value, "RedrivePolicy", reason)

    policy = _json_map(value, "RedrivePolicy")
    if not set(policy) <= {"deadLetterTargetArn", "maxReceiveCount"}:
        raise refusal("Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].")
    for name in ("maxReceiveCount", "deadLetterTargetArn"):
        if name not in policy:
            raise refusal(f"Redrive policy does not contain mandatory attribute: {name}.")
    count = str(policy["maxReceiveCount"])
    if not (count.isascii() and count.isdigit() and len(count) <= 4 and 1 <= int(count) <= MAX_RECEIVE_COUNT):
        raise refusal(f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both inclusive.")
    arn = policy["deadLetterTargetArn"]
    if not isinstance(arn, str) or key_of_arn(arn) is None:
        raise refusal("Invalid value for deadLetterTargetArn.")


def _check_redrive_allow_policy(value: str) -> None:
    policy = _json_map(value, "RedriveAllowPolicy")
    permission, sources = policy.get("redrivePermission"), policy.get("sourceQueueArns")
    if permission not in ("allowAll", "denyAll", "byQueue") or not set(policy) <= {
        "redrivePermission",
        "sourceQueueArns",
    }:
        raise invalid_value(value, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy.")
    is_list = isinstance(sources, list) and all(isinstance(arn, str) for arn in sources)
    if permission == "byQueue" and not (is_list and sources and len(sources) <= MAX_SOURCE_QUEUES):
        raise invalid_value(value, "RedriveAllowPolicy", "sourceQueueArns must name 1 to 10 queues with byQueue.")
    if permission != "byQueue" and sources is not None:
        raise invalid_value(value, "RedriveAllowPolicy", "sourceQueueArns is allowed with byQueue only.")


def _json_map(value: str, parameter: str) -> dict[str, Any]:
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        raise invalid_value(value, parameter, "Redrive policy is not a valid JSON map.")
    return parsed


def _allows_source(target: Queue, source_arn: str) -> bool:
    policy = orjson.loads(target.document.get("RedriveAllowPolicy", "{}"))
    permission = policy.get("redrivePermission", "allowAll")
    return permission == "allowAll" or (permission == "byQueue" and source_arn in policy["sourceQueueArns"])


_CHECKS: Mapping[str, Callable[[str], None]] = {
    "Policy": _check_policy,
    "RedrivePolicy": _check_redrive_policy,
    "RedriveAllowPolicy": _check_redrive_allow_policy,
}
