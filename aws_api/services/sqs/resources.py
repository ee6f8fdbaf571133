"""What the console lists of SQS."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.sqs.attributes import describe_attributes
from aws_api.services.sqs.models import Queue

#: Whoever has more asks the API.
MAX_LISTED = 10_000
#: What a row says by itself: a search over everything counts nobody's messages.
_SETTINGS = (
    "QueueArn",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "VisibilityTimeout",
    "MessageRetentionPeriod",
    "MaximumMessageSize",
    "DelaySeconds",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "FifoQueue",
)


def _queues(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = Queue.objects.filter(account_id=account_id, region=region).order_by("name")[:MAX_LISTED]
    return [{"QueueName": row.name, **describe_attributes(row, _SETTINGS, SYSTEM_CLOCK)} for row in rows]


register_resource_type(
    ResourceType(
        service="sqs",
        name="queue",
        plural="Queues",
        columns=("QueueName", "VisibilityTimeout", "MessageRetentionPeriod", "QueueArn"),
        list=_queues,
        command="aws sqs get-queue-url --queue-name {QueueName}",
    )
)
