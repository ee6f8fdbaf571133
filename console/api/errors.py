"""The admin API's errors: ``{"error": "..."}``."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler


def as_error_member(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's answer to an exception, in the shape of the admin API."""
    response = exception_handler(error, context)
    if response is not None:
        detail = response.data.get("detail") if isinstance(response.data, dict) else None
        response.data = {"error": str(detail or response.data)}
    return response
