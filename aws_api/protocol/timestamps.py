"""The three timestamp formats of AWS, read and written. Everything read is an aware datetime in UTC."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,12})?([eE][+-]?\d{1,2})?", re.ASCII)


def read_timestamp(value: object) -> datetime:
    """A timestamp in any of the formats, because clients differ; ``ValueError`` where it is none."""
    if isinstance(value, str):
        if _NUMBER.fullmatch(value):
            return _from_epoch(float(value))
        if "," in value:
            return _in_utc(parsedate_to_datetime(value))
        return _in_utc(datetime.fromisoformat(value))
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_epoch(value)
    raise ValueError(f"not a timestamp: {value!r}")


def _from_epoch(seconds: float) -> datetime:
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def write_epoch(value: datetime) -> int | float:
    """Seconds since 1970, whole where they are, else to the millisecond as AWS answers."""
    milliseconds = (value - EPOCH) // timedelta(milliseconds=1)
    return milliseconds / 1000 if milliseconds % 1000 else milliseconds // 1000


def write_iso8601(value: datetime) -> str:
    """``2026-01-31T12:00:00Z``, with milliseconds where there are any."""
    utc = value.astimezone(UTC)
    text = utc.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    milliseconds = utc.microsecond // 1000
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"


def write_iso8601_milliseconds(value: datetime) -> str:
    """``2026-01-31T12:00:00.000Z``: EC2 always tells milliseconds."""
    utc = value.astimezone(UTC)
    return f"{utc.strftime('%Y-%m-%dT%H:%M:%S').rjust(19, '0')}.{utc.microsecond // 1000:03d}Z"


def write_rfc822(value: datetime) -> str:
    """``Sat, 31 Jan 2026 12:00:00 GMT``: the form of HTTP headers, to the second."""
    return format_datetime(value.astimezone(UTC), usegmt=True)


WRITERS: dict[str, Callable[[datetime], str | int | float]] = {
    "unixtimestamp": write_epoch,
    "iso8601": write_iso8601,
    "iso8601milliseconds": write_iso8601_milliseconds,
    "rfc822": write_rfc822,
}


def writer_for(timestamp_format: str) -> Callable[[datetime], str | int | float]:
    """The writer of a format as the model spells it (``unixTimestamp``, ``iso8601``, ``rfc822``) or EC2's."""
    return WRITERS[timestamp_format.lower()]
