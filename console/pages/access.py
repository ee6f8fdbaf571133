"""Who was refused what lately and which statement was missing; per principal, the least policy for its real calls."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import redis
from django.db.models import Max, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from aws_api.core.decisions import decisions_without_request
from aws_api.core.execution import run_on_loop
from aws_api.gateway.records import latest
from aws_api.services.iam.explanations import denials
from aws_api.services.iam.models import UsedAction
from aws_api.services.iam.suggestions import suggest
from console.navigation import Group, Link
from console.scope import scope_of

MAX_DENIALS = 100
MAX_PRINCIPALS = 100


@require_safe
def access(request: HttpRequest) -> HttpResponse:
    """The account's latest denials and its principals; ``?principal=`` shows one's suggested policy."""
    account_id = scope_of(request.session).account_id
    uses = UsedAction.objects.filter(account_id=account_id)
    principals = uses.values("principal_arn").annotate(calls=Sum("calls"), last_at=Max("last_at")).order_by("-last_at")
    chosen = request.GET.get("principal", "")
    return render(
        request,
        "console/access.html",
        {
            "denials": _denials(account_id),
            "principals": principals[:MAX_PRINCIPALS],
            "chosen": chosen,
            "suggestion": _suggestion(chosen) if uses.filter(principal_arn=chosen).exists() else None,
        },
    )


def _denials(account_id: str) -> Sequence[Mapping[str, Any]]:
    """None while Valkey is away: the rest of the page needs it not."""
    try:
        found = denials(account_id, run_on_loop(latest()), run_on_loop(decisions_without_request()), MAX_DENIALS)
    except (redis.ConnectionError, redis.TimeoutError):
        return ()
    return [
        {**each, "at": datetime.fromisoformat(each["started"]), "missing": _json(each["missing"])} for each in found
    ]


def _suggestion(principal_arn: str) -> Mapping[str, Any]:
    suggestion = suggest(principal_arn)
    return {"policy": _json(suggestion.policy), "missing": _json(suggestion.missing), "calls": suggestion.calls}


def _json(value: Any) -> str:
    return "" if value is None else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


urlpatterns = [path("access/", access, name="access")]

NAVIGATION = [Link(group=Group.IDENTITY, title="Access", url_name="access", order=0)]
