"""When schedules are due."""

from datetime import UTC, datetime

import pytest

from aws_api.services.application_autoscaling.schedules import ScheduleError, parse

#: A Monday.
NOW = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("at(2026-01-05T13:00:00)", "UTC", "2026-01-05T13:00"),
        ("at(2026-01-05T13:00:00)", "America/New_York", "2026-01-05T18:00"),
        ("at(2026-01-05T12:00:00)", "UTC", None),
        ("rate(5 minutes)", "UTC", "2026-01-05T12:35"),
        ("rate(1 hour)", "UTC", "2026-01-05T13:30"),
        ("cron(0 10 * * ? *)", "UTC", "2026-01-06T10:00"),
        ("cron(0 18 ? * MON-FRI *)", "Europe/Berlin", "2026-01-05T17:00"),
        ("cron(0/15 * * * ? *)", "UTC", "2026-01-05T12:45"),
        ("cron(0 0 1 * ? *)", "UTC", "2026-02-01T00:00"),
        ("cron(0 0 L * ? *)", "UTC", "2026-01-31T00:00"),
        ("cron(0 0 3W * ? *)", "UTC", "2026-02-03T00:00"),
        ("cron(0 0 ? * 6#2 *)", "UTC", "2026-01-09T00:00"),
        ("cron(0 0 ? * 6L *)", "UTC", "2026-01-30T00:00"),
        ("cron(0 0 29 FEB ? *)", "UTC", "2028-02-29T00:00"),
        ("cron(0 0 1 1 ? 2020)", "UTC", None),
    ],
)
def test_a_schedule_is_due_next(text: str, zone: str, expected: str | None) -> None:
    found = parse(text, zone).next_after(NOW)
    assert (found.strftime("%Y-%m-%dT%H:%M") if found else None) == expected


@pytest.mark.parametrize(
    "text", ["", "daily", "at(tomorrow)", "rate(0 minutes)", "rate(5 years)", "cron(0 10 * *)", "cron(99 1 * * ? *)"]
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse(text)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ScheduleError, match="timezone"):
        parse("cron(0 10 * * ? *)", "Mars/Olympus")
