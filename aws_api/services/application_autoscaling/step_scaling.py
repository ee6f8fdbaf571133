"""Step scaling: the adjustment for how far a metric is beyond its alarm's threshold. Pure.

https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-step-scaling-policies.html
"""

from collections.abc import Mapping
from itertools import pairwise
from math import inf, trunc
from typing import Any

Shape = Mapping[str, Any]


class StepsOverlap(ValueError):
    """The step adjustments make no sense together; the message is AWS's."""


def wanted_capacity(current: int, configuration: Shape, breach: float) -> int:
    """The capacity after the step for a metric that is ``breach`` above its threshold (negative: below)."""
    step = _step(configuration, breach)
    if step is None:
        return current
    adjustment = step["ScalingAdjustment"]
    match configuration["AdjustmentType"]:
        case "ExactCapacity":
            return max(int(adjustment), 0)
        case "PercentChangeInCapacity":
            change = _whole(current * adjustment / 100)
            least = configuration.get("MinAdjustmentMagnitude", 0)
            if change and abs(change) < least:
                change = least if change > 0 else -least
            return max(current + change, 0)
    return max(current + int(adjustment), 0)


def check_steps(configuration: Shape) -> None:
    """Raise StepsOverlap where steps overlap, leave a gap, or have no bound where they need one."""
    bounds = sorted(map(_bounds, configuration.get("StepAdjustments", ())))
    if not bounds:
        raise StepsOverlap("At least one StepAdjustment must be specified.")
    for lower, upper in bounds:
        if lower >= upper:
            raise StepsOverlap("MetricIntervalLowerBound must be less than the MetricIntervalUpperBound")
        if (lower, upper) == (-inf, inf):
            raise StepsOverlap("At least one of the bounds must be specified for each StepAdjustment.")
    for (_, upper), (lower, _) in pairwise(bounds):
        if upper > lower:
            raise StepsOverlap("StepAdjustment intervals can't overlap")
        if upper < lower:
            raise StepsOverlap("There can't be a gap between StepAdjustment intervals")


def _step(configuration: Shape, breach: float) -> Shape | None:
    """The step in whose interval the breach is; above the threshold its lower bound belongs to it, below the upper."""
    for step in configuration["StepAdjustments"]:
        lower, upper = _bounds(step)
        if lower <= breach < upper if breach >= 0 else lower < breach <= upper:
            found: Shape = step
            return found
    return None


def _bounds(step: Shape) -> tuple[float, float]:
    return step.get("MetricIntervalLowerBound", -inf), step.get("MetricIntervalUpperBound", inf)


def _whole(change: float) -> int:
    """Towards nothing, but never nothing."""
    if 0 < abs(change) < 1:
        return 1 if change > 0 else -1
    return trunc(change)
