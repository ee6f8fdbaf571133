"""KMS's pages: Limit and Marker in, Truncated and NextMarker out."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from aws_api.core.pagination import page_of_list, page_of_rows
from aws_api.services.kms.shapes import InvalidMarkerException

Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")


def page(
    rows: QuerySet[Row], *, by: str, request: Mapping[str, Any], default_limit: int
) -> tuple[list[Row], dict[str, Any]]:
    """One page of rows in the order of a unique column, and the members that say whether there is more."""
    limit = request.get("Limit") or default_limit
    found, marker = page_of_rows(rows, by=by, token=request.get("Marker"), limit=limit, error=InvalidMarkerException)
    return found, _end(marker)


def page_of_items(
    items: Sequence[Item], *, request: Mapping[str, Any], default_limit: int
) -> tuple[list[Item], dict[str, Any]]:
    """The same of a computed list."""
    limit = request.get("Limit") or default_limit
    found, marker = page_of_list(items, token=request.get("Marker"), limit=limit, error=InvalidMarkerException)
    return found, _end(marker)


def _end(marker: str | None) -> dict[str, Any]:
    return {"Truncated": False} if marker is None else {"Truncated": True, "NextMarker": marker}
