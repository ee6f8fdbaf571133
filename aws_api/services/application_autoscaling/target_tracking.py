"""Target tracking: the alarms of a policy, and the capacity at which its metric would be what it should. Pure.

https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

#: Minutes in a row above the target before more is wanted, and below it before less is.
HIGH_PERIODS = 3
LOW_PERIODS = 15
PERIOD_S = 60
#: Less is wanted only well below the target, so that capacity does not swing.
LOW_SHARE = 0.9
_SERVICE_METRICS = {
    "ECSServiceAverageCPUUtilization": "CPUUtilization",
    "ECSServiceAverageMemoryUtilization": "MemoryUtilization",
}
REQUESTS_PER_TARGET = "ALBRequestCountPerTarget"
#: Differences that come of counting in binary fractions.
_SLACK = 1e-9

Shape = Mapping[str, Any]


class UnknownMetric(ValueError):
    """The policy's metric is none that services of ECS are scaled by; the message is AWS's."""


def wanted_capacity(current: int, values: Sequence[float], target_value: float, *, is_high: bool) -> int:
    """The capacity that brings the metric to its target.

    More is wanted in proportion to the latest value, less to the largest one that was seen: out fast, in with care.
    """
    if not values or target_value <= 0:
        return current
    value = values[-1] if is_high else max(values)
    wanted = ceil(current * value / target_value - _SLACK)
    return max(current, wanted) if is_high else min(current, wanted)


def metric_of(configuration: Shape, resource_id: str) -> dict[str, Any]:
    """The members of a metric alarm that name the policy's metric. Raises UnknownMetric."""
    if custom := configuration.get("CustomizedMetricSpecification"):
        return _custom(custom)
    specification = configuration["PredefinedMetricSpecification"]
    kind = specification["PredefinedMetricType"]
    if kind in _SERVICE_METRICS:
        _, cluster, service = resource_id.split("/")
        dimensions = {"ClusterName": cluster, "ServiceName": service}
        return _metric("AWS/ECS", _SERVICE_METRICS[kind], dimensions, "Average")
    if kind == REQUESTS_PER_TARGET:
        label = specification.get("ResourceLabel", "")
        balancer, _, group = label.partition("/targetgroup/")
        if not balancer.startswith("app/") or not group:
            raise UnknownMetric(
                "You must specify a valid resource label for the ALBRequestCountPerTarget metric: "
                "app/<load-balancer-name>/<load-balancer-id>/targetgroup/<target-group-name>/<target-group-id>"
            )
        dimensions = {"LoadBalancer": balancer, "TargetGroup": f"targetgroup/{group}"}
        return _metric("AWS/ApplicationELB", "RequestCountPerTarget", dimensions, "Sum")
    raise UnknownMetric(f"Invalid PredefinedMetricType: {kind} is not valid for the service namespace ecs.")


def alarms_of(policy_arn: str, configuration: Shape, resource_id: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """PutMetricAlarm's requests of a policy: that for more, and that for less where it may be less."""
    metric, target = metric_of(configuration, resource_id), configuration["TargetValue"]
    common = {
        **metric,
        "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy_arn}.",
        "ActionsEnabled": True,
        "AlarmActions": [policy_arn],
    }
    high = {
        **common,
        "AlarmName": f"TargetTracking-{resource_id}-AlarmHigh-{ids[0]}",
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": target,
        "EvaluationPeriods": HIGH_PERIODS,
    }
    low = {
        **common,
        "AlarmName": f"TargetTracking-{resource_id}-AlarmLow-{ids[1]}",
        "ComparisonOperator": "LessThanThreshold",
        "Threshold": target * LOW_SHARE,
        "EvaluationPeriods": LOW_PERIODS,
    }
    return [high] if configuration.get("DisableScaleIn") else [high, low]


def is_low(alarm_name: str) -> bool:
    """Whether an alarm of a policy is the one for less."""
    return "-AlarmLow-" in alarm_name


def _custom(specification: Shape) -> dict[str, Any]:
    if metrics := specification.get("Metrics"):
        return {"Metrics": [_query(query) for query in metrics]}
    for required in ("MetricName", "Namespace", "Statistic"):
        if required not in specification:
            raise UnknownMetric(f"{required} is required for a customized metric specification.")
    dimensions = {each["Name"]: each["Value"] for each in specification.get("Dimensions", ())}
    metric = _metric(specification["Namespace"], specification["MetricName"], dimensions, specification["Statistic"])
    return {**metric, "Unit": specification["Unit"]} if "Unit" in specification else metric


def _query(query: Shape) -> dict[str, Any]:
    if "MetricStat" not in query:
        return dict(query)
    return {**query, "MetricStat": {**query["MetricStat"], "Period": PERIOD_S}}


def _metric(namespace: str, name: str, dimensions: Mapping[str, str], statistic: str) -> dict[str, Any]:
    return {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in sorted(dimensions.items())],
        "Statistic": statistic,
        "Period": PERIOD_S,
    }
