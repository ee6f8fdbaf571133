"""How much capacity is wanted, and when it may be had."""

from datetime import UTC, datetime, timedelta

import pytest

from aws_api.services.application_autoscaling.cooldowns import LastScaling, cooled_capacity
from aws_api.services.application_autoscaling.step_scaling import StepsOverlap, check_steps
from aws_api.services.application_autoscaling.step_scaling import wanted_capacity as stepped
from aws_api.services.application_autoscaling.target_tracking import alarms_of, wanted_capacity

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("current", "values", "is_high", "wanted"),
    [
        (2, (60.0, 75.0), True, 3),
        (2, (100.0,), True, 4),
        (1, (51.0,), True, 2),
        (3, (50.0,), True, 3),
        (4, (10.0, 20.0, 10.0), False, 2),
        (4, (0.0,), False, 0),
        (4, (44.0,), False, 4),
        (0, (100.0,), True, 0),
        (5, (), True, 5),
    ],
)
def test_out_in_proportion_and_in_with_care(
    current: int, values: tuple[float, ...], is_high: bool, wanted: int
) -> None:
    assert wanted_capacity(current, values, 50.0, is_high=is_high) == wanted


@pytest.mark.parametrize(
    ("seconds_ago", "was_out", "wanted", "got"),
    [
        (400, True, {4: 6}, 6),
        # What was added counts: from 2 only 3 were wanted.
        (10, True, {4: 6, 2: 3}, 4),
        (10, True, {4: 12, 2: 6}, 6),
        (10, True, {4: 2}, 4),
        (10, False, {4: 2}, 4),
        (10, False, {4: 5}, 5),
    ],
)
def test_cooldowns(seconds_ago: int, was_out: bool, wanted: dict[int, int], got: int) -> None:
    last = LastScaling(at=NOW - timedelta(seconds=seconds_ago), from_capacity=2, was_out=was_out, cooldown_s=300)
    assert cooled_capacity(4, wanted.__getitem__, last, NOW) == got


@pytest.mark.parametrize(
    ("kind", "adjustment", "least", "current", "wanted"),
    [
        ("ChangeInCapacity", 2, 0, 3, 5),
        ("ChangeInCapacity", -5, 0, 3, 0),
        ("ExactCapacity", 7, 0, 3, 7),
        ("PercentChangeInCapacity", 50, 0, 3, 4),
        ("PercentChangeInCapacity", 10, 0, 3, 4),
        ("PercentChangeInCapacity", -10, 0, 3, 2),
        ("PercentChangeInCapacity", 10, 2, 3, 5),
    ],
)
def test_steps(kind: str, adjustment: int, least: int, current: int, wanted: int) -> None:
    step = {"ScalingAdjustment": adjustment, "MetricIntervalLowerBound": 0.0}
    configuration = {"AdjustmentType": kind, "StepAdjustments": [step], "MinAdjustmentMagnitude": least}
    assert stepped(current, configuration, 5) == wanted


def test_the_step_is_the_one_for_the_breach() -> None:
    steps = [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 3},
    ]
    configuration = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps}
    check_steps(configuration)
    assert [stepped(1, configuration, breach) for breach in (-1, 0, 9.9, 10, 500)] == [1, 2, 2, 4, 4]


@pytest.mark.parametrize("bounds", [((0, 10), (5, 20)), ((0, 10), (15, 20)), ((5, 5),), ((None, None),)])
def test_steps_that_do_not_fit_are_refused(bounds: tuple[tuple[float | None, float | None], ...]) -> None:
    steps = []
    for lower, upper in bounds:
        told = {"MetricIntervalLowerBound": lower, "MetricIntervalUpperBound": upper}
        steps.append({"ScalingAdjustment": 1, **{name: value for name, value in told.items() if value is not None}})
    with pytest.raises(StepsOverlap):
        check_steps({"StepAdjustments": steps})


def test_the_alarms_are_aws_own() -> None:
    configuration = {
        "TargetValue": 75.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    }
    high, low = alarms_of("arn", configuration, "service/default/web", ("1", "2"))
    assert high["AlarmName"] == "TargetTracking-service/default/web-AlarmHigh-1"
    assert (high["EvaluationPeriods"], high["Threshold"]) == (3, 75.0)
    assert (low["EvaluationPeriods"], low["Threshold"]) == (15, 67.5)
    assert high["Dimensions"] == [
        {"Name": "ClusterName", "Value": "default"},
        {"Name": "ServiceName", "Value": "web"},
    ]
    assert len(alarms_of("arn", {**configuration, "DisableScaleIn": True}, "service/default/web", ("1", "2"))) == 1
