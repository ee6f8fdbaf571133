"""What the console lists of CloudWatch."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.cloudwatch import describe
from aws_api.services.cloudwatch.models import Alarm, Metric

MAX_LISTED = 1000


def _alarms(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = Alarm.objects.filter(account_id=account_id, region=region).order_by("name")[:MAX_LISTED]
    return [describe.composite_alarm(row) if row.is_composite else describe.metric_alarm(row) for row in rows]


def _metrics(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = Metric.objects.filter(account_id=account_id, region=region).order_by("namespace", "name", "pk")
    return [
        {
            "Metric": " ".join([row.namespace, row.name, *(f"{key}={row.dimensions[key]}" for key in row.dimensions)]),
            "Namespace": row.namespace,
            "MetricName": row.name,
            "Dimensions": row.dimensions,
        }
        for row in rows[:MAX_LISTED]
    ]


register_resource_type(
    ResourceType(
        service="cloudwatch",
        name="alarm",
        plural="Alarms",
        columns=("AlarmName", "StateValue", "StateReason", "StateUpdatedTimestamp"),
        command="aws cloudwatch describe-alarms --alarm-names {AlarmName}",
        list=_alarms,
    )
)
register_resource_type(
    ResourceType(
        service="cloudwatch",
        name="metric",
        plural="Metrics",
        columns=("Namespace", "MetricName", "Dimensions"),
        identity="Metric",
        command="aws cloudwatch list-metrics --namespace {Namespace} --metric-name {MetricName}",
        list=_metrics,
    )
)
