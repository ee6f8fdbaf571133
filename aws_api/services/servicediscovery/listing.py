"""Cloud Map's pages and filters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from aws_api.core.pagination import page_of_rows
from aws_api.services.servicediscovery.shapes import InvalidInput

Row = TypeVar("Row", bound=Model)

#: What a filter looks at: a column, or a condition made of its values.
Column = str | Callable[[Sequence[str]], Q]

MAX_RESULTS = 100


def page(rows: "QuerySet[Row]", request: Mapping[str, Any], *, by: str) -> tuple[list[Row], dict[str, str]]:
    """One page of rows, and the member that says where the next one begins."""
    limit = request.get("MaxResults") or MAX_RESULTS
    found, token = page_of_rows(rows, by=by, token=request.get("NextToken"), limit=limit, error=InvalidInput)
    return found, {"NextToken": token} if token else {}


def owner_filter(values: Sequence[str]) -> Q:
    """RESOURCE_OWNER: what is here is the caller's own, nothing is shared from other accounts."""
    return Q() if "SELF" in values else Q(pk__in=())


def filtered(
    rows: "QuerySet[Row]", filters: Sequence[Mapping[str, Any]], columns: Mapping[str, Column]
) -> "QuerySet[Row]":
    """Rows that all filters let through; ``columns`` says what each filter's name looks at."""
    for given in filters:
        column, values = columns[given["Name"]], given["Values"]
        if callable(column):
            rows = rows.filter(column(values))
            continue
        match given.get("Condition", "EQ"):
            case "EQ" if len(values) == 1:
                rows = rows.filter(**{column: values[0]})
            case "EQ":
                raise InvalidInput("Filter condition EQ takes one value")
            case "BEGINS_WITH":
                rows = rows.filter(**{f"{column}__startswith": values[0]})
            case "BETWEEN":
                raise InvalidInput(f"Filter condition BETWEEN is not supported for {given['Name']}")
            case _:
                rows = rows.filter(**{f"{column}__in": values})
    return rows
