"""Expressions over metrics."""

from datetime import UTC, datetime, timedelta

import pytest

from aws_api.services.cloudwatch.metric_math import MathError, Terms, evaluate

FIRST = datetime(2026, 1, 5, 12, tzinfo=UTC)
MOMENTS = [FIRST + timedelta(minutes=number) for number in range(3)]
METRICS = {
    "m1": dict(zip(MOMENTS, (1.0, 2.0, 3.0), strict=True)),
    "m2": {MOMENTS[0]: 10.0, MOMENTS[2]: 0.0},
}
TERMS = Terms(value_of=METRICS.__getitem__, metric_ids=["m1", "m2"], moments=MOMENTS)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7.0),
        ("-(4 - 6) ^ 3", 8.0),
        ("SUM(m1)", 6.0),
        ("AVG(m1)", 2.0),
        ("MAX(m1) - MIN(m1)", 2.0),
        ("m1 * 2", [2.0, 4.0, 6.0]),
        ("m1 + m2", [11.0, None, 3.0]),
        ("m1 / m2", [0.1, None, None]),
        ("SUM([m1, m2])", [11.0, 2.0, 3.0]),
        ("AVG(METRICS())", [5.5, 2.0, 1.5]),
        ("FILL(m2, 7)", [10.0, 7.0, 0.0]),
        ("FILL(m2, REPEAT)", [10.0, 10.0, 0.0]),
        ("IF(m1 >= 2, m1, 0)", [0.0, 2.0, 3.0]),
        ("CEIL(m1 / 2)", [1.0, 1.0, 2.0]),
        ("m1 > 1 AND m1 < 3", [0.0, 1.0, 0.0]),
    ],
)
def test_an_expression_comes_to(expression: str, expected: float | list[float | None]) -> None:
    value = evaluate(expression, TERMS)
    if isinstance(expected, list):
        assert not isinstance(value, float)
        assert [value.get(at) for at in MOMENTS] == pytest.approx(expected)
    else:
        assert value == pytest.approx(expected)


@pytest.mark.parametrize("expression", ["", "1 +", "SEARCH('x')", "ANOMALY_DETECTION_BAND(m1)", "(m1", "m1 m2", "1/0"])
def test_what_cannot_be_worked_out_is_refused(expression: str) -> None:
    with pytest.raises(MathError):
        evaluate(expression, TERMS)


def test_nesting_has_a_limit() -> None:
    with pytest.raises(MathError, match="nested"):
        evaluate("(" * 1000 + "1" + ")" * 1000, TERMS)
