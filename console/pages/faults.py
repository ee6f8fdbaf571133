"""Faults: what is made to fail on purpose in the account, with how often it hit; making and removing such rules."""

from typing import Any

import orjson
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe
from rest_framework.exceptions import APIException

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.faults import in_force, remove_faults
from aws_api.core.models import Fault
from console.api.faults import create, describe, is_of_calls
from console.fault_forms import FaultForm, checked
from console.navigation import Group, Link
from console.scope import Scope, scope_of


@require_safe
def faults(request: HttpRequest) -> HttpResponse:
    """The faults of the account in the region, and a form for another."""
    return _page(request, FaultForm(scope_of(request.session)))


@require_POST
def make(request: HttpRequest) -> HttpResponse:
    """Make a fault; refused, the page says why and keeps what was typed."""
    form = FaultForm(scope_of(request.session), request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    try:
        wanted, problem = checked(form.wanted())
        if not problem:
            create(wanted)
    except (ValueError, APIException) as refusal:
        problem = str(refusal)
    return _page(request, form, problem=problem, status=400) if problem else redirect("faults")


@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Remove one fault, or all that are shown."""
    rows = _shown(scope_of(request.session))
    wanted = request.POST.get("fault", "")
    remove_faults(rows.filter(fault_id=wanted) if wanted else rows)
    return redirect("faults")


def faults_context(scope: Scope) -> dict[str, Any]:
    """What the list shows."""
    return {"faults": [_described(row) for row in _shown(scope)]}


def _shown(scope: Scope) -> "QuerySet[Fault]":
    here = Q(region="") | Q(region=scope.region)
    return in_force(SYSTEM_CLOCK.now()).filter(here, account_id=scope.account_id).order_by("-pk")


def _described(row: Fault) -> dict[str, Any]:
    shown = describe(row)
    about = {name: value for name, value in shown["scope"].items() if name != "accountId"}
    members = {name: value for name, value in shown["effect"].items() if name != "type"}
    return {
        **shown,
        "about": ", ".join(f"{name} {value}" for name, value in about.items()) or "everything",
        "members": ", ".join(f"{name} {value}" for name, value in members.items()),
        "is_of_calls": is_of_calls(row),
    }


def _page(request: HttpRequest, form: FaultForm, *, problem: str = "", status: int = 200) -> HttpResponse:
    scope = scope_of(request.session)
    example = {"scope": {"accountId": scope.account_id, "service": "sqs"}, "effect": {"type": "throttle"}, "times": 1}
    context = {"form": form, "problem": problem, "example": orjson.dumps(example).decode(), **faults_context(scope)}
    return render(request, "console/faults/list.html", context, status=status)


urlpatterns = [
    path("faults/", faults, name="faults"),
    path("faults/make", make, name="make-fault"),
    path("faults/remove", remove, name="remove-fault"),
]
NAVIGATION = [Link(group=Group.SIMFRA, title="Faults", url_name="faults", order=40)]
