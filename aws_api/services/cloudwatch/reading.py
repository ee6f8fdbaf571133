"""Metrics as they are read: what clients put, and what services have of their own resources."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aws_api.core.metric_sources import MetricQuery, read_metric
from aws_api.services.cloudwatch.gauges import take_gauge
from aws_api.services.cloudwatch.models import MetricPoint
from aws_api.services.cloudwatch.points import PointSet, merged, period_start
from aws_api.services.cloudwatch.recording import MINUTE_S, MetricName, point_set

#: Points that one read goes through.
MAX_READ = 100_000


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Which metric of whom, in periods of so many seconds, from ``start`` on and before ``end``.

    ``unit`` is the one that is asked for; empty where any will do.
    """

    account_id: str
    region: str
    metric: MetricName
    period_s: int
    start: datetime
    end: datetime
    unit: str = ""


def read(reading: Reading) -> dict[datetime, PointSet]:
    """The statistic set of each period in which there is something, by when it began, oldest first."""
    by_period: dict[datetime, list[PointSet]] = {}
    for found in read_by_unit(reading).values():
        for at, points in found.items():
            by_period.setdefault(at, []).append(points)
    return _merged(by_period)


def read_by_unit(reading: Reading) -> dict[str, dict[datetime, PointSet]]:
    """The same, apart by unit."""
    by_unit: dict[str, dict[datetime, list[PointSet]]] = {}
    for unit, at, points in [*_kept(reading), *_measured(reading)]:
        if not reading.unit or unit == reading.unit:
            by_unit.setdefault(unit, {}).setdefault(period_start(at, reading.period_s), []).append(points)
    return {unit: _merged(found) for unit, found in sorted(by_unit.items())}


def unit_of(metric: str) -> str:
    """The unit of a metric that AWS's services publish."""
    if metric.endswith(("Utilization", "Percentage")):
        return "Percent"
    if metric.endswith(("Bytes", "Size")):
        return "Bytes"
    return "Seconds" if metric.endswith(("Time", "OldestMessage")) else "Count"


def _kept(reading: Reading) -> list[tuple[str, datetime, PointSet]]:
    take_gauge(reading.account_id, reading.region, reading.metric, reading.end)
    rows = MetricPoint.objects.filter(
        metric__account_id=reading.account_id,
        metric__region=reading.region,
        metric__namespace=reading.metric.namespace,
        metric__name=reading.metric.name,
        metric__dimensions_key=reading.metric.dimensions_key,
        resolution_s=1 if reading.period_s < MINUTE_S else MINUTE_S,
        at__gte=period_start(reading.start, reading.period_s),
        at__lt=reading.end,
    )
    return [(row.unit, row.at, point_set(row)) for row in rows.order_by("-at")[:MAX_READ]]


def _measured(reading: Reading) -> list[tuple[str, datetime, PointSet]]:
    metric = reading.metric
    query = MetricQuery(
        account_id=reading.account_id,
        region=reading.region,
        name=metric.name,
        dimensions=dict(metric.dimensions),
        start=max(period_start(reading.start, reading.period_s), reading.end - timedelta(days=15)),
        end=reading.end,
    )
    return [
        (
            unit_of(metric.name),
            each.minute,
            PointSet(sum=each.sum, count=each.count, minimum=each.minimum, maximum=each.maximum),
        )
        for each in read_metric(metric.namespace, query)
        if each.count
    ]


def _merged(by_period: Mapping[datetime, list[PointSet]]) -> dict[datetime, PointSet]:
    found = {at: merged(sets) for at, sets in sorted(by_period.items())}
    return {at: points for at, points in found.items() if points is not None}
