"""Keeping what was put: each point is added to that of its minute, and of its second where it is of high resolution."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from django.db import transaction

from aws_api.core.clock import SHARED_CLOCK
from aws_api.core.metric_recording import Measurement
from aws_api.services.cloudwatch.models import Metric, MetricPoint
from aws_api.services.cloudwatch.points import PointSet, merged, of_values, period_start

MINUTE_S = 60
#: How long points are kept, by their resolution in seconds.
KEPT = {1: timedelta(hours=3), MINUTE_S: timedelta(days=15)}
KEPT_METRICS = timedelta(days=15)
MAX_FORGOTTEN = 10_000


@dataclass(frozen=True, kw_only=True)
class MetricName:
    """What tells a metric from others of an account and region."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> "MetricName":
        return cls(namespace=namespace, name=name, dimensions=tuple(sorted(dimensions.items())))

    @property
    def dimensions_key(self) -> str:
        return hashlib.sha256(orjson.dumps(self.dimensions)).hexdigest()


@dataclass(frozen=True, kw_only=True)
class NewPoint:
    """Something that was put of a metric."""

    metric: MetricName
    at: datetime
    unit: str
    points: PointSet
    is_high_resolution: bool = False


def record(account_id: str, region: str, new: Iterable[NewPoint]) -> None:
    """Add points to those that are kept."""
    by_place: dict[tuple[MetricName, int, datetime, str], list[PointSet]] = {}
    for each in new:
        for resolution_s in (1, MINUTE_S) if each.is_high_resolution else (MINUTE_S,):
            place = (each.metric, resolution_s, period_start(each.at, resolution_s), each.unit)
            by_place.setdefault(place, []).append(each.points)
    if not by_place:
        return
    with transaction.atomic():
        metrics = _metrics(account_id, region, {name for name, *_ in by_place})
        _add(
            {
                (metrics[name].pk, resolution_s, at, unit): points
                for (name, resolution_s, at, unit), sets in by_place.items()
                if (points := merged(sets)) is not None
            }
        )


def record_measurements(measurements: Sequence[Measurement]) -> None:
    """Keep what Simfra measured of its own resources."""
    by_scope: dict[tuple[str, str], list[NewPoint]] = {}
    for each in measurements:
        by_scope.setdefault((each.account_id, each.region), []).append(
            NewPoint(
                metric=MetricName.of(each.namespace, each.name, each.dimensions),
                at=each.at,
                unit=each.unit,
                points=of_values({each.value: 1.0}),
            )
        )
    for (account_id, region), points in by_scope.items():
        record(account_id, region, points)


def point_set(row: MetricPoint) -> PointSet:
    """A row's statistic set."""
    values = None if row.values is None else {float(value): times for value, times in row.values.items()}
    return PointSet(sum=row.sum, count=row.count, minimum=row.minimum, maximum=row.maximum, values=values)


def forget_old_metrics(_now: datetime) -> None:
    """Delete what is too old, by the clock that points were put by."""
    now = SHARED_CLOCK.now()
    for resolution_s, kept in KEPT.items():
        old = MetricPoint.objects.filter(resolution_s=resolution_s, at__lt=now - kept).order_by("at")
        MetricPoint.objects.filter(pk__in=old.values("pk")[:MAX_FORGOTTEN]).delete()
    unused = Metric.objects.filter(last_put_at__lt=now - KEPT_METRICS).order_by("last_put_at")
    Metric.objects.filter(pk__in=unused.values("pk")[:MAX_FORGOTTEN]).delete()


def _metrics(account_id: str, region: str, names: set[MetricName]) -> dict[MetricName, Metric]:
    """The rows of metrics; those that are new are made."""
    hour = SHARED_CLOCK.now().replace(minute=0, second=0, microsecond=0)
    found = _found(account_id, region, names)
    if missing := names - found.keys():
        Metric.objects.bulk_create(
            (
                Metric(
                    account_id=account_id,
                    region=region,
                    namespace=name.namespace,
                    name=name.name,
                    dimensions=dict(name.dimensions),
                    dimensions_key=name.dimensions_key,
                    last_put_at=hour,
                )
                for name in sorted(missing, key=repr)
            ),
            ignore_conflicts=True,
        )
        found |= _found(account_id, region, missing)
    stale = [row.pk for row in found.values() if row.last_put_at != hour]
    Metric.objects.filter(pk__in=stale).update(last_put_at=hour)
    return found


def _found(account_id: str, region: str, names: set[MetricName]) -> dict[MetricName, Metric]:
    rows = Metric.objects.filter(
        account_id=account_id,
        region=region,
        namespace__in={name.namespace for name in names},
        name__in={name.name for name in names},
        dimensions_key__in={name.dimensions_key for name in names},
    )
    found = {MetricName.of(row.namespace, row.name, row.dimensions): row for row in rows}
    return {name: row for name, row in found.items() if name in names}


def _add(added: Mapping[tuple[int, int, datetime, str], PointSet]) -> None:
    """Add each to what is there of its place; rows are locked in one order, so that two puts never wait in a ring."""
    keys = sorted(added)
    empty = [
        MetricPoint(metric_id=metric, resolution_s=resolution_s, at=at, unit=unit, sum=0, count=0, minimum=0, maximum=0)
        for metric, resolution_s, at, unit in keys
    ]
    MetricPoint.objects.bulk_create(empty, ignore_conflicts=True)
    rows = MetricPoint.objects.select_for_update().filter(
        metric_id__in={key[0] for key in keys}, at__in={key[2] for key in keys}
    )
    changed = []
    for row in rows.order_by("pk"):
        points = added.get((row.metric_id, row.resolution_s, row.at, row.unit))
        if points is None:
            continue
        total = merged((point_set(row), points))
        assert total is not None, "what is added is not empty"
        row.sum, row.count, row.minimum, row.maximum = total.sum, total.count, total.minimum, total.maximum
        row.values = None if total.values is None else {repr(value): times for value, times in total.values.items()}
        changed.append(row)
    MetricPoint.objects.bulk_update(changed, ["sum", "count", "minimum", "maximum", "values"])
