"""What every Describe operation does with its rows: page by page, told by ARNs or names, oldest first."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from aws_api.core.pagination import page_of_rows
from aws_api.services.elbv2.errors import ValidationError

Row = TypeVar("Row", bound=Model)

DEFAULT_PAGE = 400


def page(request: Mapping[str, Any], rows: "QuerySet[Row]") -> tuple[list[Row], dict[str, str]]:
    """A page of rows, and the member that continues it, where there are more."""
    found, marker = page_of_rows(
        rows,
        by="id",
        token=request.get("Marker"),
        limit=request.get("PageSize") or DEFAULT_PAGE,
        error=lambda _: ValidationError("The marker is not valid"),
    )
    return found, {"NextMarker": marker} if marker else {}
