"""MetricDataQueries: metrics and expressions over them, as GetMetricData, alarms and scaling policies give them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aws_api.services.cloudwatch.metric_math import MathError, Series, Terms, Value, evaluate
from aws_api.services.cloudwatch.points import is_statistic, period_start, statistic
from aws_api.services.cloudwatch.reading import Reading, read
from aws_api.services.cloudwatch.recording import MetricName

MAX_QUERIES = 500
MAX_MOMENTS = 100_800
DEFAULT_PERIOD_S = 300

Shape = Mapping[str, Any]


class QueryError(ValueError):
    """The queries make no sense; the message is CloudWatch's."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """Of whose metrics, from ``start`` on and before ``end``."""

    account_id: str
    region: str
    start: datetime
    end: datetime


@dataclass(kw_only=True)
class Queries:
    """Queries of one window, each worked out once."""

    window: Window
    shapes: Sequence[Shape]
    _values: dict[str, Value] = field(default_factory=dict)
    _under_way: set[str] = field(default_factory=set)

    def series(self, query_id: str) -> Series:
        """What a query comes to; a number is there at each moment. Raises QueryError, MathError."""
        value = self._value(query_id)
        return dict.fromkeys(self._moments(), value) if isinstance(value, float) else value

    def check(self) -> None:
        """Raise QueryError where ids are not those of queries, or a statistic is none; MathError for an expression."""
        ids = [shape["Id"] for shape in self.shapes]
        if len(set(ids)) != len(ids):
            raise QueryError("The values for parameter id in MetricDataQueries are not unique.")
        for shape in self.shapes:
            if ("MetricStat" in shape) == ("Expression" in shape):
                raise QueryError("Exactly one of MetricStat or Expression must be specified for each MetricDataQuery.")
            stat = shape.get("MetricStat", {}).get("Stat")
            if stat is not None and not is_statistic(stat):
                raise QueryError(f"The value {stat} for parameter Stat is not supported.")

    def period_s(self) -> int:
        """The smallest period of the metrics."""
        periods = [shape["MetricStat"]["Period"] for shape in self.shapes if "MetricStat" in shape]
        own = [shape["Period"] for shape in self.shapes if shape.get("Period")]
        return int(min(periods or own or [DEFAULT_PERIOD_S]))

    def _value(self, query_id: str) -> Value:
        if query_id not in self._values:
            if query_id in self._under_way:
                raise MathError(f"Error in expression: '{query_id}' refers to itself")
            self._under_way.add(query_id)
            self._values[query_id] = self._worked_out(self._shape(query_id))
        return self._values[query_id]

    def _worked_out(self, shape: Shape) -> Value:
        if "MetricStat" in shape:
            return metric_series(self.window, shape["MetricStat"])
        metrics = [each["Id"] for each in self.shapes if "MetricStat" in each]
        return evaluate(shape["Expression"], Terms(value_of=self._value, metric_ids=metrics, moments=self._moments()))

    def _shape(self, query_id: str) -> Shape:
        for shape in self.shapes:
            if shape["Id"] == query_id:
                return shape
        raise MathError(f"Error in expression: undefined variable '{query_id}'")

    def _moments(self) -> list[datetime]:
        period_s = self.period_s()
        first = period_start(self.window.start, period_s)
        count = min(int((self.window.end - first).total_seconds() + period_s - 1) // period_s, MAX_MOMENTS)
        return [first + timedelta(seconds=period_s * number) for number in range(count)]


def metric_series(window: Window, stat: Shape) -> Series:
    """The series of a MetricStat."""
    metric = stat["Metric"]
    name = metric_name(metric.get("Namespace", ""), metric.get("MetricName", ""), metric.get("Dimensions"))
    reading = Reading(
        account_id=window.account_id,
        region=window.region,
        metric=name,
        period_s=stat["Period"],
        start=window.start,
        end=window.end,
        unit=stat.get("Unit", ""),
    )
    found = ((at, statistic(points, stat["Stat"])) for at, points in read(reading).items())
    return {at: value for at, value in found if value is not None}


def metric_name(namespace: str, name: str, dimensions: Sequence[Shape] | None) -> MetricName:
    """The metric of AWS's three members."""
    return MetricName.of(namespace, name, {each["Name"]: each["Value"] for each in dimensions or ()})
