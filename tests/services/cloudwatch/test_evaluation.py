"""What state datapoints make, from AWS's own tables of missing data."""

from datetime import UTC, datetime, timedelta

import pytest

from aws_api.services.cloudwatch.evaluation import Condition, judge
from aws_api.services.cloudwatch.models import StateValue

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
SHORT = {"OK": StateValue.OK, "ALARM": StateValue.ALARM, "none": StateValue.INSUFFICIENT_DATA}


def values(text: str) -> list[tuple[datetime, float | None]]:
    """``0 - X``: a good value, none, and one that breaches; oldest first."""
    known = {"0": 1.0, "X": 9.0, "-": None}
    return [(START + timedelta(minutes=place), known[mark]) for place, mark in enumerate(text.split())]


TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


@pytest.mark.parametrize(
    ("text", "needed", "expected"),
    [
        ("0 - X - X", 3, "OK OK OK OK"),
        ("- - - - 0", 3, "OK OK OK OK"),
        ("- - - - -", 3, "none retained ALARM OK"),
        ("0 X X - X", 3, "ALARM ALARM ALARM ALARM"),
        ("- - X - -", 3, "ALARM retained ALARM OK"),
        ("0 - X - X", 2, "ALARM ALARM ALARM ALARM"),
        ("0 0 X 0 X", 2, "ALARM ALARM ALARM ALARM"),
        ("0 - X - -", 2, "OK OK ALARM OK"),
        ("- - - - 0", 2, "OK OK ALARM OK"),
        ("- - - X -", 2, "ALARM retained ALARM OK"),
        # One that is too new to be an alarm by itself.
        ("- - - - X", 3, "retained retained ALARM OK"),
    ],
)
def test_missing_data_as_aws_has_it(text: str, needed: int, expected: str) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html"""
    for treatment, said in zip(TREATMENTS, expected.split(), strict=True):
        condition = Condition(
            operator="GreaterThanThreshold",
            threshold=5,
            evaluation_periods=3,
            datapoints_to_alarm=needed,
            treat_missing_data=treatment,
        )
        for before in StateValue:
            state = judge(condition, values(text), before).state
            assert state == (before if said == "retained" else SHORT[said]), (treatment, before)


@pytest.mark.parametrize(
    ("operator", "value", "fires"),
    [
        ("GreaterThanThreshold", 5, False),
        ("GreaterThanThreshold", 5.1, True),
        ("GreaterThanOrEqualToThreshold", 5, True),
        ("LessThanThreshold", 5, False),
        ("LessThanThreshold", 4, True),
        ("LessThanOrEqualToThreshold", 5, True),
    ],
)
def test_operators(operator: str, value: float, fires: bool) -> None:
    condition = Condition(operator=operator, threshold=5, evaluation_periods=1, datapoints_to_alarm=1)
    verdict = judge(condition, [(START, value)], StateValue.OK)
    assert verdict.state == (StateValue.ALARM if fires else StateValue.OK)


def test_reasons_read_as_on_aws() -> None:
    condition = Condition(operator="GreaterThanThreshold", threshold=80, evaluation_periods=1, datapoints_to_alarm=1)
    fired = judge(condition, [(START, 95.0)], StateValue.OK)
    assert fired.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [95.0 (05/01/26 12:00:00)] was greater than the threshold "
        "(80.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    nothing = judge(condition, [(START, None)], StateValue.OK)
    assert nothing.reason == "Insufficient Data: 1 datapoint was unknown."
