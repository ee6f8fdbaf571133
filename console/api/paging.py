"""Lists a page at a time: ``?limit=`` and ``?next=``; an answer that is not the last says where it goes on.

The list itself is the body, as ever; where the next page begins is in the header ``X-Simfra-Next``, and ready to be
followed in ``Link``.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

MAX_PAGE = 1000
#: How far into a list pages go.
MAX_PLACE = 10_000_000

PAGE_PARAMETERS = [
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"Members on a page, at most and by default {MAX_PAGE}."),
    OpenApiParameter("next", OpenApiTypes.INT, description="The header X-Simfra-Next of the page before."),
    OpenApiParameter(
        "X-Simfra-Next", OpenApiTypes.STR, OpenApiParameter.HEADER, response=[200], description="Where it goes on."
    ),
]


class PageQuery(serializers.Serializer[Any]):
    """Which page."""

    limit = serializers.IntegerField(default=MAX_PAGE, min_value=1, max_value=MAX_PAGE)
    next = serializers.IntegerField(default=0, min_value=0, max_value=MAX_PLACE)


def page(
    request: Request, rows: QuerySet[Any] | Sequence[Any], describe: Callable[[Any], Any] = lambda row: row
) -> Response:
    """The page that a request asks for. ``rows`` are in a lasting order."""
    asked = PageQuery(data=request.query_params)
    asked.is_valid(raise_exception=True)
    first, limit = asked.validated_data["next"], asked.validated_data["limit"]
    found = list(rows[first : first + limit + 1])
    response = Response([describe(row) for row in found[:limit]])
    if len(found) > limit:
        following = str(first + limit)
        query = request.query_params.copy()
        query["next"] = following
        response["X-Simfra-Next"] = following
        response["Link"] = f'<{request.path}?{query.urlencode()}>; rel="next"'
    return response
