"""Statistic sets and percentiles."""

import pytest

from aws_api.services.cloudwatch.points import MAX_VALUES, PointSet, merged, of_values, statistic


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SampleCount", 4),
        ("Sum", 10),
        ("Average", 2.5),
        ("Minimum", 1),
        ("Maximum", 4),
        ("p0", 1),
        ("p50", 2.5),
        ("p100", 4),
        ("p90", 3.7),
    ],
)
def test_statistics_of_values(name: str, value: float) -> None:
    points = of_values({1.0: 1, 2.0: 1, 3.0: 1, 4.0: 1})
    assert statistic(points, name) == pytest.approx(value)


def test_counts_are_as_many_values() -> None:
    assert statistic(of_values({1.0: 98, 100.0: 2}), "p50") == 1
    assert statistic(of_values({1.0: 98, 100.0: 2}), "p99") == 100


def test_a_statistic_set_knows_no_percentile_but_of_equal_values() -> None:
    assert statistic(PointSet(sum=10, count=2, minimum=4, maximum=6), "p50") is None
    assert statistic(PointSet(sum=10, count=2, minimum=5, maximum=5), "p50") == 5


def test_many_values_are_kept_within_a_percent() -> None:
    points = of_values({1 + number / 1000: 1.0 for number in range(1000)})
    assert points.values is not None
    assert len(points.values) <= MAX_VALUES
    assert statistic(points, "p50") == pytest.approx(1.5, rel=0.01)
    assert statistic(points, "Maximum") == 1.999


def test_values_of_any_size_are_few_once_they_are_kept() -> None:
    values = {sign * 10.0**exponent: 1.0 for exponent in range(-150, 150) for sign in (-1, 1)}
    points = merged([of_values(values), of_values({5.0: 1})])
    assert points is not None
    assert points.values is not None
    assert len(points.values) <= MAX_VALUES
    assert points.count == 601
