"""Schedules of scheduled actions: ``at(...)``, ``rate(...)`` and ``cron(...)`` in a time zone. Pure.

https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
"""

import calendar
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Days that are looked through for the next one of a cron expression: the 29th of February comes every eight years.
MAX_DAYS = 366 * 9
_FORM = re.compile(r"(at|rate|cron)\(([^()]*)\)")
_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_FIELDS = 6


class ScheduleError(ValueError):
    """The schedule is none; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When something is to be done. ``next_after(moment)`` is None where it never is again."""

    next_after: Callable[[datetime], datetime | None]


def parse(text: str, zone_name: str = "UTC", start: datetime | None = None) -> Schedule:
    """Understand a schedule; rates count from ``start``. Raises ScheduleError."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ScheduleError(f"Invalid schedule expression. Details: {text} is not at(), rate() or cron().")
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ScheduleError(f"Invalid timezone: {zone_name}") from error
    kind, inner = match[1], match[2].strip()
    if kind == "at":
        return _at(inner, zone)
    return _rate(inner, start) if kind == "rate" else _cron(inner, zone)


def _at(text: str, zone: ZoneInfo) -> Schedule:
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
    except ValueError as error:
        raise ScheduleError("Invalid schedule expression. Details: at(yyyy-mm-ddThh:mm:ss) is expected.") from error
    return Schedule(next_after=lambda after: moment if moment > after else None)


def _rate(text: str, start: datetime | None) -> Schedule:
    number, _, unit = text.partition(" ")
    size_s = _UNITS.get(unit.strip().removesuffix("s"))
    if not number.isdigit() or int(number) < 1 or size_s is None:
        raise ScheduleError("Invalid schedule expression. Details: rate(value minutes|hours|days) is expected.")
    every = timedelta(seconds=int(number) * size_s)

    def next_after(after: datetime) -> datetime:
        first = start or after
        if after < first:
            return first
        return first + every * ((after - first) // every + 1)

    return Schedule(next_after=next_after)


def _cron(text: str, zone: ZoneInfo) -> Schedule:
    fields = text.upper().split()
    if len(fields) != _FIELDS:
        raise ScheduleError("Invalid schedule expression. Details: cron has six fields.")
    try:
        minutes, hours = _numbers(fields[0], 0, 59), _numbers(fields[1], 0, 23)
        months = set(_numbers(fields[3], 1, 12, _MONTHS))
        years = set(_numbers(fields[5], 1970, 2199))
        is_day = _days(fields[2], fields[4])
    except (ValueError, KeyError) as error:
        raise ScheduleError(f"Invalid schedule expression. Details: {text} is no cron expression.") from error

    def next_after(after: datetime) -> datetime | None:
        local = after.astimezone(zone)
        for number in range(MAX_DAYS):
            day = local.date() + timedelta(days=number)
            if day.month not in months or day.year not in years or not is_day(day):
                continue
            for hour in hours:
                for minute in minutes:
                    moment = datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
                    if moment > after:
                        return moment
        return None

    return Schedule(next_after=next_after)


def _numbers(field: str, least: int, most: int, names: dict[str, int] | None = None) -> Sequence[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            first, last = least, most
        else:
            low, _, high = span.partition("-")
            first = _number(low, names)
            last = _number(high, names) if high else (most if step else first)
        if not least <= first <= last <= most or (step and int(step) < 1):
            raise ValueError(field)
        found.update(range(first, last + 1, int(step or 1)))
    return sorted(found)


def _number(text: str, names: dict[str, int] | None) -> int:
    return names[text] if names and text in names else int(text)


def _days(of_month: str, of_week: str) -> Callable[[date], bool]:
    """Whether a day is one: by its number or by its weekday, of which one is ``?``."""
    if "?" not in (of_month, of_week) and "*" not in (of_month, of_week):
        raise ValueError("one of day-of-month and day-of-week is ?")
    by_month, by_week = _of_month(of_month), _of_week(of_week)
    return lambda day: by_month(day) and by_week(day)


def _of_month(field: str) -> Callable[[date], bool]:
    if field == "L":
        return lambda day: day.day == _length(day)
    if field.endswith("W"):
        wanted = int(field[:-1])
        return lambda day: day == _nearest_weekday(day, wanted)
    numbers = set(_numbers(field, 1, 31))
    return lambda day: day.day in numbers


def _of_week(field: str) -> Callable[[date], bool]:
    if "#" in field:
        weekday, _, place = field.partition("#")
        wanted, nth = _number(weekday, _WEEKDAYS), int(place)
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == nth
    if field.endswith("L"):
        wanted = _number(field[:-1] or "7", _WEEKDAYS)
        return lambda day: _weekday(day) == wanted and day.day + 7 > _length(day)
    numbers = set(_numbers(field, 1, 7, _WEEKDAYS))
    return lambda day: _weekday(day) in numbers


def _weekday(day: date) -> int:
    """1 is Sunday."""
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> date:
    """The weekday of the day's month that is nearest to a number of it."""
    found = day.replace(day=min(wanted, _length(day)))
    if found.isoweekday() == 6:
        return found - timedelta(days=1) if found.day > 1 else found + timedelta(days=2)
    if found.isoweekday() == 7:
        return found + timedelta(days=1) if found.day < _length(found) else found - timedelta(days=2)
    return found
