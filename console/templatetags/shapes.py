"""AWS shapes on pages: times as times, ARNs to copy, structures as JSON."""

import json
from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

register = template.Library()


@register.filter
def member(value: Any) -> str | SafeString:
    """A member's value for a reader."""
    if value is None or value == "":
        return "—"
    if isinstance(value, datetime):
        shown = localtime(value).strftime("%Y-%m-%d %H:%M:%S")
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), shown)
    if isinstance(value, str) and value.startswith("arn:"):
        return format_html('<button class="copy" type="button" data-copy="{}">{}</button>', value, value)
    if isinstance(value, (dict, list, tuple)):
        return format_html("<pre>{}</pre>", json.dumps(value, indent=2, default=str))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
