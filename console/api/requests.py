"""GET /_simfra/debug/requests: what was asked of the AWS endpoint lately."""

from typing import Any

from django.urls import path
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.execution import run_on_loop
from aws_api.gateway.records import KEPT, latest

FILTERS = ("service", "operation", "account_id", "region", "status")


class RequestsView(APIView):
    """The last requests of every process, newest first; each member of FILTERS narrows them, ``limit`` cuts them."""

    def get(self, request: Request) -> Response:
        wanted = {name: request.query_params[name] for name in FILTERS if name in request.query_params}
        limit = request.query_params.get("limit", "")
        found = [
            record
            for record in run_on_loop(latest())
            if all(str(record.get(name)) == value for name, value in wanted.items())
        ]
        return Response(found[: int(limit) if limit.isdigit() else KEPT])


class RequestView(APIView):
    """One of the last requests, by its id."""

    def get(self, _request: Request, request_id: str) -> Response:
        found: dict[str, Any] | None = next(
            (dict(record) for record in run_on_loop(latest()) if record["id"] == request_id), None
        )
        if found is None:
            raise NotFound(f"None of the last {KEPT} requests has the id {request_id}.")
        return Response(found)


urlpatterns = [
    path("_simfra/debug/requests", RequestsView.as_view()),
    path("_simfra/debug/requests/<str:request_id>", RequestView.as_view()),
]
