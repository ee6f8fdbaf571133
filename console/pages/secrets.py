"""Secrets: values hidden until somebody asks for one, versions with their stages, create, put, delete and restore."""

import base64
import logging
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aws_api.core.errors import AwsError
from console.calls import Call, worded
from console.navigation import Group, Link
from console.scope import Scope, scope_of

SECRETS_ON_A_PAGE = 50
VERSIONS = 100
_DONE = {
    "created": "The secret was created.",
    "put": "The secret has a new version.",
    "deleted": "The secret is deleted when its recovery window ends; until then it can be restored.",
    "restored": "The secret was restored.",
}

_log = logging.getLogger(__name__)


@require_http_methods(["GET", "HEAD", "POST"])
def secrets(request: HttpRequest) -> HttpResponse:
    """The scope's secrets, without values; posted, one is created."""
    if request.method != "POST":
        return _list(request)
    scope = scope_of(request.session)
    wanted: dict[str, Any] = {
        "Name": request.POST.get("name", "").strip(),
        "SecretString": request.POST.get("value", ""),
    }
    if description := request.POST.get("description", "").strip():
        wanted["Description"] = description
    try:
        created = Call("secretsmanager", "CreateSecret", wanted).make(scope)
    except AwsError as error:
        return _list(request, problem=worded(error), status=400)
    return redirect(f"{reverse('secret', args=[created['Name']])}?done=created")


@require_safe
def secret(request: HttpRequest, name: str) -> HttpResponse:
    """A secret and its versions, without values."""
    return _shown(request, name, done=_DONE.get(request.GET.get("done", ""), ""))


@require_POST
def reveal(request: HttpRequest, name: str) -> HttpResponse:
    """Show a version's value to who asks for it. That it was asked for is logged."""
    scope = scope_of(request.session)
    wanted = {"SecretId": name}
    if version := request.POST.get("version", ""):
        wanted["VersionId"] = version
    call = Call("secretsmanager", "GetSecretValue", wanted)
    try:
        answer = call.make(scope)
    except AwsError as error:
        return _shown(request, name, problem=worded(error), status=400)
    _log.info("the console shows the secret %s, version %s", answer["ARN"], answer["VersionId"])
    blob = answer.get("SecretBinary")
    value = {
        "version": answer["VersionId"],
        "text": answer.get("SecretString", ""),
        "binary": base64.b64encode(blob).decode() if blob is not None else "",
        "command": call.command,
    }
    return _shown(request, name, value=value)


@require_POST
def put(request: HttpRequest, name: str) -> HttpResponse:
    """Give a secret a new version."""
    wanted = {"SecretString": request.POST.get("value", "")}
    return _act(request, name, "PutSecretValue", wanted, done="put")


@require_POST
def delete(request: HttpRequest, name: str) -> HttpResponse:
    """Delete a secret, after a recovery window or at once."""
    if request.POST.get("days") != "0":
        days = request.POST.get("days", "30")
        wanted: dict[str, Any] = {"RecoveryWindowInDays": int(days) if days.isdecimal() and len(days) < 4 else 30}
        return _act(request, name, "DeleteSecret", wanted, done="deleted")
    scope = scope_of(request.session)
    try:
        forced = {"SecretId": name, "ForceDeleteWithoutRecovery": True}
        Call("secretsmanager", "DeleteSecret", forced).make(scope)
    except AwsError as error:
        return _shown(request, name, problem=worded(error), status=400)
    return redirect("secrets")


@require_POST
def restore(request: HttpRequest, name: str) -> HttpResponse:
    """Take a deletion back."""
    return _act(request, name, "RestoreSecret", {}, done="restored")


def _list(request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    scope = scope_of(request.session)
    wanted: dict[str, Any] = {"MaxResults": SECRETS_ON_A_PAGE, "IncludePlannedDeletion": True}
    if words := request.GET.get("q", "").strip():
        wanted["Filters"] = [{"Key": "name", "Values": [words]}]
    call = Call("secretsmanager", "ListSecrets", wanted)
    found: Mapping[str, Any] = {"SecretList": []}
    token = request.GET.get("marker", "")
    try:
        found = Call("secretsmanager", "ListSecrets", {**wanted, "NextToken": token} if token else wanted).make(scope)
    except AwsError as error:
        problem = problem or worded(error)
    context = {
        "secrets": found["SecretList"],
        "words": words,
        "token": token,
        "next": found.get("NextToken", ""),
        "problem": problem,
        "typed": request.POST,
        "command": call.command,
    }
    return render(request, "console/secrets/list.html", context, status=status)


def _shown(
    request: HttpRequest,
    name: str,
    *,
    done: str = "",
    problem: str = "",
    value: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    scope = scope_of(request.session)
    described = _describe(scope, name)
    listing = {"SecretId": name, "IncludeDeprecated": True, "MaxResults": VERSIONS}
    context = {
        "secret": described,
        "versions": scope.call("secretsmanager", "ListSecretVersionIds", **listing)["Versions"],
        "value": value,
        "done": done,
        "problem": problem,
        "typed": request.POST,
        "command": Call("secretsmanager", "DescribeSecret", {"SecretId": name}).command,
    }
    answer = render(request, "console/secrets/secret.html", context, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _act(request: HttpRequest, name: str, operation: str, wanted: Mapping[str, Any], *, done: str) -> HttpResponse:
    try:
        Call("secretsmanager", operation, {"SecretId": name, **wanted}).make(scope_of(request.session))
    except AwsError as error:
        return _shown(request, name, problem=worded(error), status=400)
    return redirect(f"{reverse('secret', args=[name])}?done={done}")


def _describe(scope: Scope, name: str) -> Mapping[str, Any]:
    try:
        return scope.call("secretsmanager", "DescribeSecret", SecretId=name)
    except AwsError as error:
        raise Http404(error.message) from error


# A name may have slashes, so what is done to a secret comes before its name.
urlpatterns = [
    path("secrets/", secrets, name="secrets"),
    path("secrets/of/<path:name>", secret, name="secret"),
    path("secrets/reveal/<path:name>", reveal, name="reveal-secret"),
    path("secrets/put/<path:name>", put, name="put-secret"),
    path("secrets/delete/<path:name>", delete, name="delete-secret"),
    path("secrets/restore/<path:name>", restore, name="restore-secret"),
]
NAVIGATION = [Link(group=Group.DATA, title="Secrets", url_name="secrets", order=20)]
