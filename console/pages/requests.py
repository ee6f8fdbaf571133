"""What was asked of the AWS endpoint lately: filtered, one with its decisions, and each as the CLI's command."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import redis
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from aws_api.core.execution import run_on_loop
from aws_api.gateway.records import KEPT, latest
from aws_api.protocol.models import has_operation, service_names
from aws_api.services.iam.explanations import explain
from console.calls import Call
from console.navigation import Group, Link
from console.requests import RequestFilter
from console.scope import Scope, scope_of

ROWS_ON_A_PAGE = 100
FILTERS = ("service", "operation", "status", "principal")


@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """The account's latest requests that match the filters, newest first."""
    return render(request, "console/requests/list.html", requests_context(scope_of(request.session), request.GET))


@require_safe
def one(request: HttpRequest, request_id: str) -> HttpResponse:
    """One of the account's requests."""
    found = next((each for each in _of_account(scope_of(request.session)) if each["id"] == request_id), None)
    if found is None:
        raise Http404(f"None of the last {KEPT} requests has the id {request_id} and is this account's.")
    decisions = [
        {**each, "missing": _pretty(each["missing"]) if each["missing"] else ""} for each in explain(found["decisions"])
    ]
    context = {
        "record": _with_time(found),
        "decisions": decisions,
        "parameters": _pretty(found["parameters"]) if found["parameters"] is not None else "",
        "command": command_of(found),
    }
    return render(request, "console/requests/request.html", context)


def requests_context(scope: Scope, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the list shows."""
    service, operation, status, principal = (asked.get(name, "").strip() for name in FILTERS)
    wanted = RequestFilter(service=service, operation=operation, status=status, principal=principal)
    words = asked.get("q", "").lower().split()
    problem, found = "", []
    try:
        of_account = _of_account(scope)
        found = [each for each in wanted.of(of_account) if all(word in _text(each) for word in words)]
    except (redis.ConnectionError, redis.TimeoutError):
        problem = "Valkey, which keeps the latest requests, is away."
    page = Paginator(found, ROWS_ON_A_PAGE).get_page(asked.get("page"))
    return {
        "records": [_with_time(record) for record in page],
        "page": page,
        "kept_query": {name: value for name in (*FILTERS, "q") if (value := asked.get(name, ""))},
        "count": len(found),
        "services": sorted({record["service"] for record in found if record["service"]}),
        "asked": asked,
        "problem": problem,
        "kept": KEPT,
    }


def command_of(record: Mapping[str, Any]) -> str:
    """The request as the CLI's command; empty where the record has no parameters, or names no operation."""
    service, operation, parameters = record["service"], record["operation"], record["parameters"]
    if parameters is None or service not in service_names() or not has_operation(service, operation):
        return ""
    return Call(service, operation, parameters).command


def _of_account(scope: Scope) -> list[Mapping[str, Any]]:
    return [record for record in run_on_loop(latest()) if record["account_id"] == scope.account_id]


def _with_time(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, "at": datetime.fromisoformat(record["started"]), "is_bad": (record["status"] or 0) >= 400}


def _text(record: Mapping[str, Any]) -> str:
    return orjson.dumps(record).decode().lower()


def _pretty(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


urlpatterns = [
    path("requests/", requests, name="requests"),
    path("requests/<str:request_id>", one, name="request"),
]
NAVIGATION = [Link(group=Group.OBSERVE, title="Requests", url_name="requests", order=20)]
