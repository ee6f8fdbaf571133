"""What every Describe operation does with its rows: by ids, or filtered and page by page."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet

from aws_api.core.errors import AwsError
from aws_api.core.pagination import BadToken, decode_token, encode_token, page_of_list
from aws_api.services.ec2.errors import (
    InvalidNextToken,
    InvalidParameterCombination,
    InvalidParameterValue,
    missing,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.models import Ec2Resource
from aws_api.services.ec2.store import narrowed

Resource = TypeVar("Resource", bound=Ec2Resource)
Shape = TypeVar("Shape", bound=Mapping[str, Any])

MIN_RESULTS, MAX_RESULTS = 5, 1000
_CHUNK = 500


class NextToken(TypedDict):
    """The member of an answer that has further pages; empty for one that has none."""

    NextToken: NotRequired[str]


def listed(
    request: Mapping[str, Any],
    rows: "QuerySet[Resource]",
    *,
    ids_member: str,
    filters: FilterTable,
    describe: Callable[[Resource], Shape],
) -> tuple[list[Shape], NextToken]:
    """The shapes that a Describe request asks for, oldest first, and the token of the page after these.

    Rows are told by ids (all must exist) or come in pages of at most 1000; filters hold in both cases.
    """
    wanted = filters.predicate(request.get("Filters"))
    if ids := request.get(ids_member):
        if request.get("MaxResults") is not None:
            member = ids_member[0].lower() + ids_member[1:]
            raise InvalidParameterCombination(f"The parameter {member} cannot be used with the parameter maxResults")
        return [shape for row in narrowed(rows, ids) if wanted(shape := _described(row, describe))], {}
    limit = _page_size(request)
    found: list[Shape] = []
    last = 0
    for row in rows.filter(pk__gt=_position(request)).order_by("pk").iterator(chunk_size=_CHUNK):
        try:
            shape = describe(row)
        except ObjectDoesNotExist:
            # What belongs to it is read after it, and was deleted with it meanwhile.
            continue
        if not wanted(shape):
            continue
        if len(found) == limit:
            return found, {"NextToken": encode_token(last)}
        found.append(shape)
        last = row.pk
    return found, {}


def listed_shapes(
    request: Mapping[str, Any], shapes: Iterable[Shape], *, filters: FilterTable, minimum: int = MIN_RESULTS
) -> tuple[list[Shape], NextToken]:
    """The same for shapes that are not one row each. ``minimum`` is the least that MaxResults may be."""
    wanted = filters.predicate(request.get("Filters"))
    matching: Sequence[Shape] = [shape for shape in shapes if wanted(shape)]
    page, token = page_of_list(
        matching, token=request.get("NextToken"), limit=_page_size(request, minimum), error=lambda _: _bad_token()
    )
    return page, {"NextToken": token} if token else {}


def _described(row: Resource, describe: Callable[[Resource], Shape]) -> Shape:
    try:
        return describe(row)
    except ObjectDoesNotExist:
        raise missing(row.kind, [row.resource_id]) from None


def _page_size(request: Mapping[str, Any], minimum: int = MIN_RESULTS) -> int:
    asked: int | None = request.get("MaxResults")
    if asked is None:
        return MAX_RESULTS
    if asked < minimum:
        raise InvalidParameterValue(
            f"Value ( {asked} ) for parameter maxResults is invalid. Expecting a value greater than {minimum}."
        )
    if asked > MAX_RESULTS:
        raise InvalidParameterValue(
            f"Value ( {asked} ) for parameter maxResults is invalid. "
            f"Expecting a value less than or equal to {MAX_RESULTS}."
        )
    return asked


def _position(request: Mapping[str, Any]) -> int:
    token = request.get("NextToken")
    if not token:
        return 0
    try:
        return int(decode_token(token))
    except (BadToken, TypeError, ValueError) as damaged:
        raise _bad_token() from damaged


def _bad_token() -> AwsError:
    return InvalidNextToken("The specified nextToken is not valid.")
