"""How log lines are shown."""

from datetime import UTC, datetime

from django import template

register = template.Library()


@register.filter
def clock_time(at_ns: int) -> str:
    """Nanoseconds since 1970 as ``12:34:56.789``, UTC."""
    return f"{datetime.fromtimestamp(at_ns / 1e9, UTC):%H:%M:%S.%f}"[:-3]
