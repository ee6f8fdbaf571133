"""Pagination tokens: opaque to clients, readable by every gateway process, and refused when damaged."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson
from django.db.models import Model, QuerySet

from aws_api.core.errors import AwsError

Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")


class BadToken(ValueError):
    """The token was not made by us; the caller raises its service's word for it."""


def encode_token(position: Any) -> str:
    """A position (JSON-like) as an opaque token."""
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode()


def decode_token(token: str) -> Any:
    """The position in a token. Raises BadToken."""
    try:
        return orjson.loads(base64.urlsafe_b64decode(token.encode("ascii")))
    except (ValueError, binascii.Error) as error:
        raise BadToken("Invalid token") from error


def page_of_rows(
    rows: QuerySet[Row], *, by: str, token: str | None, limit: int, error: Callable[[str], AwsError]
) -> tuple[list[Row], str | None]:
    """One page of a queryset in the order of the unique column ``by``, and the next page's token (None at the end).

    ``error(message)`` makes the service's own error for a token that is not ours.
    """
    if token:
        try:
            rows = rows.filter(**{f"{by}__gt": decode_token(token)})
        except BadToken as damaged:
            raise error(str(damaged)) from damaged
    page = list(rows.order_by(by)[: limit + 1])
    if len(page) <= limit:
        return page, None
    return page[:limit], encode_token(getattr(page[limit - 1], by))


def page_of_list(
    items: Sequence[Item], *, token: str | None, limit: int, error: Callable[[str], AwsError]
) -> tuple[list[Item], str | None]:
    """One page of a computed list; the token is an offset."""
    start = 0
    if token:
        try:
            start = int(decode_token(token))
        except (BadToken, TypeError, ValueError) as damaged:
            raise error("Invalid token") from damaged
    end = start + limit
    return list(items[start:end]), encode_token(end) if end < len(items) else None
