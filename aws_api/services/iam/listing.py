"""Lists as IAM pages them: Marker, MaxItems, IsTruncated."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from aws_api.core.errors import AwsError
from aws_api.core.pagination import page_of_list, page_of_rows
from aws_api.services.iam.errors import ValidationError

DEFAULT_MAX_ITEMS = 100

Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")


def list_rows(
    request: Mapping[str, Any], member: str, rows: QuerySet[Row], describe: Callable[[Row], Any], *, by: str = "name"
) -> Any:
    """One page of rows, described, as the whole response; ``by`` is unique among the rows."""
    page, marker = page_of_rows(rows, by=by, token=request.get("Marker"), limit=_limit(request), error=_bad_marker)
    return _response(member, [describe(row) for row in page], marker)


def list_items(request: Mapping[str, Any], member: str, items: Sequence[Item], describe: Callable[[Item], Any]) -> Any:
    """One page of a computed list, as the whole response."""
    page, marker = page_of_list(items, token=request.get("Marker"), limit=_limit(request), error=_bad_marker)
    return _response(member, [describe(item) for item in page], marker)


def _limit(request: Mapping[str, Any]) -> int:
    return int(request.get("MaxItems") or DEFAULT_MAX_ITEMS)


def _bad_marker(_message: str) -> AwsError:
    return ValidationError("Invalid Marker.")


def _response(member: str, items: list[Any], marker: str | None) -> dict[str, Any]:
    response: dict[str, Any] = {member: items, "IsTruncated": marker is not None}
    if marker is not None:
        response["Marker"] = marker
    return response
