"""Rotation schedules: what may be stored, and when the next rotation would be. Pure.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aws_api.services.secretsmanager.shapes import InvalidParameterException

MAX_DAYS = 1000
_RATE = re.compile(r"rate\((?P<number>[1-9][0-9]{0,3}) (?P<unit>hour|day)s?\)\Z")
_CRON = re.compile(r"cron\((?:\S+ ){5}\S+\)\Z")
_DURATION = re.compile(r"[1-9][0-9]?h\Z")


def check_rules(rules: Mapping[str, Any]) -> None:
    """Raise InvalidParameterException where the rules are no schedule."""
    days, expression = rules.get("AutomaticallyAfterDays"), rules.get("ScheduleExpression")
    if (days is None) == (expression is None):
        raise InvalidParameterException(
            "Specify exactly one of AutomaticallyAfterDays and ScheduleExpression in RotationRules."
        )
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise InvalidParameterException(f"AutomaticallyAfterDays must be between 1 and {MAX_DAYS}.")
    if expression is not None and not _RATE.match(expression) and not _CRON.match(expression):
        raise InvalidParameterException(f"Invalid ScheduleExpression: {expression}")
    duration = rules.get("Duration")
    if duration is not None and not _DURATION.match(duration):
        raise InvalidParameterException(f"Invalid Duration: {duration}")


def next_rotation(rules: Mapping[str, Any] | None, started_at: datetime | None, now: datetime) -> datetime | None:
    """When a secret would be rotated next; None where only a calendar (cron) could say."""
    period = _period(rules or {})
    if period is None or started_at is None:
        return None
    return started_at + period * (max(now - started_at, timedelta()) // period + 1)


def _period(rules: Mapping[str, Any]) -> timedelta | None:
    if days := rules.get("AutomaticallyAfterDays"):
        return timedelta(days=days)
    match = _RATE.match(rules.get("ScheduleExpression", ""))
    if match is None:
        return None
    number = int(match["number"])
    return timedelta(hours=number) if match["unit"] == "hour" else timedelta(days=number)
