"""Metrics that say how something is now, and have no past but what was looked at: the lengths of queues.

One is taken when it is read, at most once a minute. Alarms read theirs every minute, so that what somebody watches has
a history, and what nobody watches costs nothing.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from aws_api.core.clock import SHARED_CLOCK
from aws_api.core.context import internal_context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import invoke
from aws_api.services.cloudwatch.models import MetricPoint
from aws_api.services.cloudwatch.points import of_values, period_start
from aws_api.services.cloudwatch.recording import MINUTE_S, MetricName, NewPoint, record

Gauge = Callable[[str, str, Mapping[str, str], str], float | None]

_QUEUE_ATTRIBUTES = {
    "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}


def take_gauge(account_id: str, region: str, metric: MetricName, until: datetime) -> None:
    """Keep how a metric is now, where it is a gauge, the present is asked for, and this minute has none yet."""
    gauge = _GAUGES.get(metric.namespace)
    now = SHARED_CLOCK.now()
    if gauge is None or until < now - timedelta(seconds=MINUTE_S):
        return
    minute = period_start(now, MINUTE_S)
    there = MetricPoint.objects.filter(
        metric__account_id=account_id,
        metric__region=region,
        metric__namespace=metric.namespace,
        metric__name=metric.name,
        metric__dimensions_key=metric.dimensions_key,
        resolution_s=MINUTE_S,
        at=minute,
    )
    if there.exists():
        return
    value = gauge(account_id, region, dict(metric.dimensions), metric.name)
    if value is not None:
        record(account_id, region, [NewPoint(metric=metric, at=now, unit="Count", points=of_values({value: 1.0}))])


def _queue(account_id: str, region: str, dimensions: Mapping[str, str], name: str) -> float | None:
    attribute = _QUEUE_ATTRIBUTES.get(name)
    if attribute is None or dimensions.keys() != {"QueueName"}:
        return None
    context = internal_context(account_id, region)
    try:
        url = invoke(context, "sqs", "GetQueueUrl", {"QueueName": dimensions["QueueName"]})["QueueUrl"]
        asked = {"QueueUrl": url, "AttributeNames": [attribute]}
        return float(invoke(context, "sqs", "GetQueueAttributes", asked)["Attributes"][attribute])
    except AwsError:
        # A queue that is not there has no length.
        return None


_GAUGES: Mapping[str, Gauge] = {"AWS/SQS": _queue}
