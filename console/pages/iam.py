"""IAM: users, groups, roles and policies; what was decided lately, and whether somebody may do something."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import redis
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_safe

from aws_api.core.errors import AwsError
from console.calls import Call, worded
from console.navigation import Group, Link
from console.pages.principals import (
    KINDS,
    Answered,
    PolicyShown,
    decisions_of,
    document,
    policies_of,
    policy_document,
    principal,
    simulate,
)
from console.scope import Scope, scope_of

ROWS_ON_A_PAGE = 50
MAX_ASKED = 50


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The account's roles: where people go first."""
    return redirect("iam-list", "roles")


@require_safe
def listed(request: HttpRequest, kind: str) -> HttpResponse:
    """The account's users, groups, roles or policies, a page at a time."""
    operation, member, name = _kind(kind)
    wanted: dict[str, Any] = {"MaxItems": ROWS_ON_A_PAGE}
    if kind == "policies":
        wanted["Scope"] = "All" if request.GET.get("scope") == "All" else "Local"
    call = Call("iam", operation, wanted)
    marker, problem = request.GET.get("marker", ""), ""
    found: Mapping[str, Any] = {}
    try:
        found = Call("iam", operation, {**wanted, "Marker": marker} if marker else wanted).make(
            scope_of(request.session)
        )
    except AwsError as error:
        problem = worded(error)
    context = {
        "kind": kind,
        "kinds": KINDS,
        "rows": [{"name": shape[name], **shape} for shape in found.get(member, ())],
        "policy_scope": wanted.get("Scope", ""),
        "marker": marker,
        "next": found.get("Marker", ""),
        "problem": problem,
        "command": call.command,
    }
    return render(request, "console/iam/list.html", context)


@require_safe
def shown(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """A user, group or role with its policies, what was decided about it, and the simulator's answer if asked."""
    if kind not in ("users", "groups", "roles"):
        raise Http404(f"IAM has no {kind}.")
    scope = scope_of(request.session)
    try:
        shape, policies = principal(scope, kind, name), policies_of(scope, kind, name)
    except AwsError as error:
        raise Http404(error.message) from error
    answers, problem, simulated = _simulated(scope, shape["Arn"], policies, request.GET)
    singular = KINDS[kind][2].removesuffix("Name")
    context = {
        "kind": kind,
        "name": name,
        "shape": {key: value for key, value in shape.items() if key != "AssumeRolePolicyDocument"},
        "arn": shape["Arn"],
        "trust": _pretty(document(shape["AssumeRolePolicyDocument"])) if kind == "roles" else "",
        "policies": policies,
        "decisions": _decisions(scope.account_id, shape["Arn"]) if kind != "groups" else (),
        "asked": request.GET,
        "answers": answers,
        "problem": problem,
        "simulated": simulated,
        "command": Call("iam", f"Get{singular}", {f"{singular}Name": name}).command,
    }
    return render(request, "console/iam/principal.html", context)


@require_safe
def policy(request: HttpRequest) -> HttpResponse:
    """The managed policy ``?arn=``: its versions, its document, and who has it."""
    scope, arn = scope_of(request.session), request.GET.get("arn", "")
    call = Call("iam", "GetPolicy", {"PolicyArn": arn})
    try:
        shape = call.make(scope)["Policy"]
        version = request.GET.get("version") or shape["DefaultVersionId"]
        text = _pretty(policy_document(scope, arn, version))
        versions = scope.call("iam", "ListPolicyVersions", PolicyArn=arn)["Versions"]
        entities = scope.call("iam", "ListEntitiesForPolicy", PolicyArn=arn)
    except AwsError as error:
        raise Http404(error.message) from error
    holders = {
        kind: [each[KINDS[kind][2]] for each in entities[member]]
        for kind, member in (("users", "PolicyUsers"), ("groups", "PolicyGroups"), ("roles", "PolicyRoles"))
    }
    context = {
        "shape": shape,
        "version": version,
        "versions": versions,
        "text": text,
        "holders": holders,
        "command": call.command,
    }
    return render(request, "console/iam/policy.html", context)


def _simulated(
    scope: Scope, arn: str, policies: Sequence[PolicyShown], asked: Mapping[str, str]
) -> tuple[list[Answered], str, str]:
    """The simulator's answers, or why there are none, and the command that asks the same."""
    actions = asked.get("actions", "").replace(",", " ").split()[:MAX_ASKED]
    if not actions:
        return [], "", ""
    wanted: dict[str, Any] = {"PolicySourceArn": arn, "ActionNames": actions}
    if resources := asked.get("resources", "").replace(",", " ").split()[:MAX_ASKED]:
        wanted["ResourceArns"] = resources
    try:
        if entries := _context_entries(asked.get("context", "")):
            wanted["ContextEntries"] = entries
        call = Call("iam", "SimulatePrincipalPolicy", wanted)
        return simulate(scope, call, policies), "", call.command
    except ValueError as error:
        return [], str(error), ""
    except AwsError as error:
        return [], worded(error), ""


def _context_entries(text: str) -> list[dict[str, Any]]:
    """``{"aws:SourceIp": "10.0.0.1"}`` as the simulator takes it. Raises ValueError."""
    if not text.strip():
        return []
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"The condition keys are no JSON: {error}") from error
    if not isinstance(given, dict):
        raise ValueError('The condition keys are a JSON object: {"aws:SourceIp": "10.0.0.1"}.')
    return [
        {
            "ContextKeyName": name,
            "ContextKeyValues": [str(each) for each in (value if isinstance(value, list) else [value])],
            "ContextKeyType": "stringList" if isinstance(value, list) else "string",
        }
        for name, value in given.items()
    ]


def _decisions(account_id: str, arn: str) -> list[Mapping[str, Any]]:
    try:
        found = decisions_of(account_id, arn)
    except (redis.ConnectionError, redis.TimeoutError):
        return []  # while Valkey is away: the rest of the page needs it not
    return [{**each, "at": datetime.fromisoformat(each["started"])} for each in found]


def _kind(kind: str) -> tuple[str, str, str]:
    if kind not in KINDS:
        raise Http404(f"IAM has no {kind}.")
    return KINDS[kind]


def _pretty(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


urlpatterns = [
    path("iam/", overview, name="iam"),
    path("iam/policy", policy, name="iam-policy"),
    path("iam/<str:kind>/", listed, name="iam-list"),
    path("iam/<str:kind>/<str:name>", shown, name="iam-principal"),
]
NAVIGATION = [Link(group=Group.IDENTITY, title="IAM", url_name="iam", order=10)]
