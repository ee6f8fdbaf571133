"""Statistic sets: what is known of the values of a metric in a period, and the statistics of it. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import copysign, floor, log, log1p

#: Different values that a set keeps; of more, those within FINEST of each other are one, then of twice that.
MAX_VALUES = 150
STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
FINEST = 0.01
#: Each is twice as coarse as the one before: after so many two numbers stand for all.
_MAX_ROUNDS = 32
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


@dataclass(frozen=True, kw_only=True)
class PointSet:
    """A statistic set. ``values`` maps a value to how often it was measured; None where that is not known."""

    sum: float
    count: float
    minimum: float
    maximum: float
    values: Mapping[float, float] | None = None


def of_values(values: Mapping[float, float]) -> PointSet:
    """The set of values and how often each was measured."""
    return PointSet(
        sum=sum(value * times for value, times in values.items()),
        count=sum(values.values()),
        minimum=min(values),
        maximum=max(values),
        values=_thinned(values),
    )


def merged(sets: Iterable[PointSet]) -> PointSet | None:
    """All of them as one; None of none."""
    found = [each for each in sets if each.count > 0]
    if not found:
        return None
    values: dict[float, float] | None = {}
    for each in found:
        if each.values is None or values is None:
            values = None
            continue
        for value, times in each.values.items():
            values[value] = values.get(value, 0) + times
    return PointSet(
        sum=sum(each.sum for each in found),
        count=sum(each.count for each in found),
        minimum=min(each.minimum for each in found),
        maximum=max(each.maximum for each in found),
        values=None if values is None else _thinned(values),
    )


def is_statistic(name: str) -> bool:
    """Whether a name is a statistic or a percentile."""
    return name in STATISTICS or _PERCENTILE.fullmatch(name) is not None


def statistic(points: PointSet, name: str) -> float | None:
    """A statistic (``Average``, ``p99.9``) of a set; None where the set does not know it."""
    match name:
        case "SampleCount":
            return points.count
        case "Sum":
            return points.sum
        case "Minimum":
            return points.minimum
        case "Maximum":
            return points.maximum
        case "Average":
            return points.sum / points.count
    match = _PERCENTILE.fullmatch(name)
    assert match is not None, f"{name} is no statistic"
    return _percentile(points, float(match[1]))


def period_start(at: datetime, period_s: int) -> datetime:
    """When the period began that a moment is in."""
    seconds = floor(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % period_s, UTC)


def _percentile(points: PointSet, percent: float) -> float | None:
    """Interpolated between the closest ranks. Of a statistic set it is known where all of its values are the same."""
    if points.values is None:
        return points.minimum if points.minimum == points.maximum else None
    ordered = sorted(points.values.items())
    rank = percent / 100 * (points.count - 1)
    passed, before = 0.0, ordered[0][0]
    for value, times in ordered:
        if passed + times - 1 >= rank:
            share = min(1.0, max(0.0, rank - (passed - 1)))
            return before + (value - before) * share
        passed, before = passed + times, value
    return points.maximum


def _thinned(values: Mapping[float, float]) -> Mapping[float, float]:
    """The values, or so few that stand for them: each within a percent of its own, where that is few enough."""
    found, width = values, FINEST
    for _ in range(_MAX_ROUNDS):
        if len(found) <= MAX_VALUES:
            break
        found, width = _on_grid(values, width), 2 * width
    return found


def _on_grid(values: Mapping[float, float], width: float) -> dict[float, float]:
    found: dict[float, float] = {}
    for value, times in values.items():
        size = abs(value)
        near = copysign((1 + width) ** round(log(size) / log1p(width)), value) if size else 0.0
        found[near] = found.get(near, 0) + times
    return found
