"""The admin API's errors: ``{"error": "..."}``."""

from typing import Any

from django.db import DataError
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from aws_api.core.errors import AwsError


class Problem(serializers.Serializer[Any]):
    """Why a request was refused."""

    error = serializers.CharField()


def as_error_member(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's answer to an exception, in the shape of the admin API."""
    if isinstance(error, AwsError):
        error = ValidationError(f"{error.code}: {error.message}")
    elif isinstance(error, DataError | UnicodeEncodeError):
        # A NUL, half a character, a number that no column takes: valid JSON, and nothing that is stored.
        error = ValidationError("A value has a character that no text may have, or is larger than its column.")
    response = exception_handler(error, context)
    if response is not None:
        response.data = {"error": "; ".join(_sentences(response.data))}
    return response


def _sentences(data: Any, place: str = "") -> list[str]:
    """DRF's nested lists of problems as sentences, each with the member that it is about: ``queue.messages: ...``."""
    if isinstance(data, dict):
        members = [(_inner(place, name), value) for name, value in data.items()]
        return [sentence for inner, value in members for sentence in _sentences(value, inner)]
    if isinstance(data, list):
        return [sentence for value in data for sentence in _sentences(value, place)]
    return [f"{place}: {data}" if place else str(data)]


def _inner(place: str, name: str) -> str:
    if name in ("detail", "non_field_errors"):
        return place
    return f"{place}.{name}" if place else name
