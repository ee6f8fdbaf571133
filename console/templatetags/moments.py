"""Times that AWS's shapes tell as numbers."""

from datetime import UTC, datetime
from typing import Any

from django import template

register = template.Library()


@register.filter
def from_ms(value: Any) -> datetime | None:
    """Milliseconds since 1970 as a time; nothing stays nothing."""
    return None if value in (None, "") else datetime.fromtimestamp(int(value) / 1000, UTC)


@register.filter
def from_s(value: Any) -> datetime | None:
    """Seconds since 1970 as a time; nothing stays nothing."""
    return None if value in (None, "") else datetime.fromtimestamp(int(value), UTC)
