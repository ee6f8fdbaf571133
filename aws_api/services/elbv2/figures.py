"""What load balancers carried, by minute: kept as it is reported, read as CloudWatch's metrics.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from django.db import transaction

from aws_api.core.clock import SHARED_CLOCK
from aws_api.core.metric_sources import MetricMinute, MetricQuery
from aws_api.services.elbv2.models import LoadBalancer, Target, TargetGroup, TargetState, TrafficMinute

NAMESPACES = {"AWS/ApplicationELB": "application", "AWS/NetworkELB": "network"}
KEPT = timedelta(hours=3)
MAX_FORGOTTEN = 5000
_SECONDS_A_MINUTE = 60
#: Metrics that are how something is, not how often something was.
_HOSTS = {"HealthyHostCount": TargetState.HEALTHY, "UnHealthyHostCount": TargetState.UNHEALTHY}
#: Metrics of time, whose samples are requests.
_TIMES = ("TargetResponseTime",)


def add_traffic(load_balancer: LoadBalancer, minute: int, by_group: Mapping[str, Mapping[str, float]]) -> None:
    """Add figures to those of a minute since 1970; keys are target groups' ARN suffixes, ``""`` for all.

    They are kept by the clock that people may move, as alarms ask for them.
    """
    setting, real_s = SHARED_CLOCK.setting, minute * _SECONDS_A_MINUTE
    shown = datetime.fromtimestamp(setting.at(real_s) if setting else real_s, UTC)
    at = shown.replace(second=0, microsecond=0)
    with transaction.atomic():
        for group, added in by_group.items():
            row, _ = TrafficMinute.objects.select_for_update().get_or_create(
                load_balancer=load_balancer, target_group=group, minute=at
            )
            names = row.figures.keys() | added.keys()
            row.figures = {name: row.figures.get(name, 0) + added.get(name, 0) for name in names}
            row.save(update_fields=["figures"])


def forget_old_traffic() -> None:
    """Delete what nobody asks for any more."""
    old = TrafficMinute.objects.filter(minute__lt=SHARED_CLOCK.now() - KEPT).order_by("minute")[:MAX_FORGOTTEN]
    TrafficMinute.objects.filter(pk__in=old.values("pk")).delete()


def suffix(arn: str) -> str:
    """What the dimensions LoadBalancer and TargetGroup call a resource: ``app/name/id``, ``targetgroup/name/id``."""
    return arn.rpartition(":")[2].removeprefix("loadbalancer/")


class TrafficMetrics:
    """Metrics of load balancers of one type."""

    def __init__(self, type_: str) -> None:
        self._type = type_

    def read(self, query: MetricQuery) -> Iterable[MetricMinute]:
        group_suffix = query.dimensions.get("TargetGroup", "")
        load_balancer = self._load_balancer(query)
        if load_balancer is None:
            return []
        if query.name in _HOSTS:
            return _hosts(query, group_suffix)
        rows = TrafficMinute.objects.filter(
            load_balancer=load_balancer, target_group=group_suffix, minute__gte=query.start, minute__lt=query.end
        )
        name = "RequestCount" if query.name == "RequestCountPerTarget" else query.name
        divisor = _target_count(query, group_suffix) if query.name == "RequestCountPerTarget" else 1
        return [
            _minute(row, name, divisor)
            for row in rows.order_by("minute")
            if name in row.figures or name == "RequestCount"
        ]

    def _load_balancer(self, query: MetricQuery) -> LoadBalancer | None:
        rows = LoadBalancer.objects.filter(
            account_id=query.account_id, region=query.region, type=self._type, desired_deleted=False
        )
        if wanted := query.dimensions.get("LoadBalancer"):
            return rows.filter(arn__endswith=f":loadbalancer/{wanted}").first()
        group = _group(query, query.dimensions.get("TargetGroup", ""))
        return rows.filter(listeners__rules__target_groups=group).first() if group else None


def _group(query: MetricQuery, group_suffix: str) -> TargetGroup | None:
    rows = TargetGroup.objects.filter(account_id=query.account_id, region=query.region)
    return rows.filter(arn__endswith=f":{group_suffix}").first() if group_suffix else None


def _target_count(query: MetricQuery, group_suffix: str) -> int:
    group = _group(query, group_suffix)
    healthy = group.targets.filter(draining_since=None, last_state=TargetState.HEALTHY).count() if group else 0
    return max(1, healthy)


def _hosts(query: MetricQuery, group_suffix: str) -> Iterable[MetricMinute]:
    """As they are now: their number in the past is not kept."""
    group = _group(query, group_suffix)
    if group is None:
        return []
    found = Target.objects.filter(group=group, draining_since=None, last_state=_HOSTS[query.name]).count()
    minute = (query.end - timedelta(microseconds=1)).replace(second=0, microsecond=0)
    return [MetricMinute(minute=minute, sum=found, count=1, minimum=found, maximum=found)]


def _minute(row: TrafficMinute, name: str, divisor: int) -> MetricMinute:
    total = row.figures.get(name, 0) / divisor
    count = row.figures.get("RequestCount", 0) if name in _TIMES else 1
    average = total / count if count else 0.0
    return MetricMinute(minute=row.minute, sum=total, count=count, minimum=average, maximum=average)
