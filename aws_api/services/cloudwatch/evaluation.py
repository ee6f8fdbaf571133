"""What state an alarm is in by its datapoints. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aws_api.services.cloudwatch.models import StateValue

#: Periods before those that are judged in which a datapoint stands in for one that is missing.
SPARE_PERIODS = 2
_OPERATORS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
OPERATORS = tuple(_OPERATORS)
_SHOWN_AS = "%d/%m/%y %H:%M:%S"

#: A datapoint: when its period began, and its value.
_Point = tuple[datetime, float]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """When an alarm fires."""

    operator: str
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data: str = "missing"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The state that the datapoints make, why, and which of them were judged, oldest first."""

    state: StateValue
    reason: str
    judged: tuple[_Point, ...] = ()


def judge(condition: Condition, values: Sequence[tuple[datetime, float | None]], before: StateValue) -> Verdict:
    """Judge the values of the last periods, oldest first: as many as are evaluated, and SPARE_PERIODS before those."""
    real = [(at, value) for at, value in values if value is not None]
    wanted = condition.evaluation_periods
    judged = tuple(real[-wanted:])
    # How many periods ago the first of those that are judged began: what is missing since then is not bad yet.
    age = next((len(values) - place for place, each in enumerate(values) if judged and each[0] == judged[0][0]), 0)
    state = _state(condition, judged, age, before)
    return Verdict(state=state, reason=_reason(condition, judged, state, before), judged=judged)


def breaches(condition: Condition, value: float) -> bool:
    """Whether a value is on the wrong side of the threshold."""
    return _OPERATORS[condition.operator][0](value, condition.threshold)


def _state(condition: Condition, judged: Sequence[_Point], age: int, before: StateValue) -> StateValue:
    breaching = len(_breaching(condition, judged))
    missing = condition.evaluation_periods - len(judged)
    needed, treatment = condition.datapoints_to_alarm, condition.treat_missing_data
    if breaching >= needed:
        return StateValue.ALARM
    if treatment == "breaching":
        return StateValue.ALARM if breaching + missing >= needed else StateValue.OK
    if treatment == "notBreaching" or breaching < len(judged):
        return StateValue.OK
    if treatment == "ignore":
        return before
    if not judged:
        return StateValue.INSUFFICIENT_DATA
    # Only breaching ones, too few: an alarm as soon as the oldest is so old that all after it would have been enough.
    return StateValue.ALARM if age >= needed else before


def _breaching(condition: Condition, judged: Sequence[_Point]) -> list[_Point]:
    return [each for each in judged if breaches(condition, each[1])]


def _reason(condition: Condition, judged: Sequence[_Point], state: StateValue, before: StateValue) -> str:
    breaching = _breaching(condition, judged)
    missing = condition.evaluation_periods - len(judged)
    if state is StateValue.INSUFFICIENT_DATA:
        count = condition.evaluation_periods
        return f"Insufficient Data: {count} datapoint{'s were' if count > 1 else ' was'} unknown."
    words = _OPERATORS[condition.operator][1]
    is_alarm = state is StateValue.ALARM
    if not judged:
        periods = condition.evaluation_periods
        how = {"breaching": "Breaching", "notBreaching": "NonBreaching"}.get(condition.treat_missing_data, "Missing")
        return (
            f"Threshold Crossed: no datapoints were received for {periods} period{'s' if periods > 1 else ''} and "
            f"{missing} missing datapoint{'s were' if missing > 1 else ' was'} treated as [{how}]."
        )
    shown = breaching if is_alarm and breaching else [each for each in judged if each not in breaching] or judged
    listed = ", ".join(f"{value} ({at.strftime(_SHOWN_AS)})" for at, value in reversed(shown))
    minimum = condition.datapoints_to_alarm
    if not is_alarm:
        minimum = condition.evaluation_periods - condition.datapoints_to_alarm + 1
    other = before if before is not state else (StateValue.OK if is_alarm else StateValue.ALARM)
    return (
        f"Threshold Crossed: {len(shown)} out of the last {condition.evaluation_periods} datapoints [{listed}] "
        f"{'were' if len(shown) > 1 else 'was'} {'' if is_alarm else 'not '}{words} the threshold "
        f"({float(condition.threshold)}) (minimum {minimum} datapoint{'s' if minimum > 1 else ''} for "
        f"{other.value} -> {state.value} transition)."
    )
