"""Parameters: browsed by their hierarchy, each with its history; secure ones hidden until somebody asks."""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aws_api.core.errors import AwsError
from console.calls import Call, worded
from console.navigation import Group, Link
from console.scope import Scope, scope_of

PARAMETERS_ON_A_PAGE = 50
HISTORY = 50
TYPES = ("String", "StringList", "SecureString")
#: Pages of AWS's that are read for one of ours; of more parameters below a path, the rest is found further down.
MAX_READ_PAGES = 40
_DONE = {"put": "The parameter was saved."}

_log = logging.getLogger(__name__)


@require_http_methods(["GET", "HEAD", "POST"])
def parameters(request: HttpRequest) -> HttpResponse:
    """The parameters and folders right below ``?path=``; posted, a parameter is created."""
    if request.method != "POST":
        return _list(request)
    wanted = _wanted(request.POST, request.POST.get("name", "").strip())
    try:
        Call("ssm", "PutParameter", wanted).make(scope_of(request.session))
    except AwsError as error:
        return _list(request, problem=worded(error), status=400)
    return redirect(f"{reverse('parameter')}?{urlencode({'name': wanted['Name'], 'done': 'put'})}")


@require_safe
def parameter(request: HttpRequest) -> HttpResponse:
    """The parameter ``?name=`` and its history."""
    return _shown(request, request.GET.get("name", ""), done=_DONE.get(request.GET.get("done", ""), ""))


@require_POST
def reveal(request: HttpRequest) -> HttpResponse:
    """Show a secure parameter's values to who asks for them. That it was asked for is logged."""
    name = request.POST.get("name", "")
    answer = _shown(request, name, reveals=True)
    _log.info("the console shows the parameter %s of %s", name, scope_of(request.session).account_id)
    return answer


@require_POST
def put(request: HttpRequest) -> HttpResponse:
    """Give a parameter another value."""
    name = request.POST.get("name", "")
    wanted = {**_wanted(request.POST, name), "Overwrite": True}
    try:
        Call("ssm", "PutParameter", wanted).make(scope_of(request.session))
    except AwsError as error:
        return _shown(request, name, problem=worded(error), status=400)
    return redirect(f"{reverse('parameter')}?{urlencode({'name': name, 'done': 'put'})}")


@require_POST
def delete(request: HttpRequest) -> HttpResponse:
    """Delete a parameter with its history."""
    name = request.POST.get("name", "")
    try:
        Call("ssm", "DeleteParameter", {"Name": name}).make(scope_of(request.session))
    except AwsError as error:
        return _shown(request, name, problem=worded(error), status=400)
    return redirect(f"{reverse('parameters')}?{urlencode({'path': name.rpartition('/')[0] or '/'})}")


def _list(request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    scope = scope_of(request.session)
    where = request.GET.get("path", "/").rstrip("/") or "/"
    call = _listing(where)
    found: list[Mapping[str, Any]] = []
    folders: list[str] = []
    try:
        found, folders = _below(scope, where, call)
    except AwsError as error:
        problem = problem or worded(error)
    context = {
        "page": Paginator(found, PARAMETERS_ON_A_PAGE).get_page(request.GET.get("page")),
        "folders": folders,
        "path": where,
        "crumbs": _crumbs(where),
        "types": TYPES,
        "typed": request.POST,
        "problem": problem,
        "command": call.command,
    }
    return render(request, "console/parameters/list.html", context, status=status)


def _listing(where: str) -> Call:
    """DescribeParameters of all that is below a path; names that do not begin with a slash are below the root alone."""
    wanted: dict[str, Any] = {"MaxResults": PARAMETERS_ON_A_PAGE}
    if where != "/":
        wanted["ParameterFilters"] = [{"Key": "Path", "Option": "Recursive", "Values": [where]}]
    return Call("ssm", "DescribeParameters", wanted)


def _below(scope: Scope, where: str, call: Call) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The parameters right below a path, and the paths right below it that have some. Raises AwsError."""
    prefix = f"{where.rstrip('/')}/"
    found: list[Mapping[str, Any]] = []
    folders: set[str] = set()
    wanted = dict(call.request)
    for _ in range(MAX_READ_PAGES):
        answer = Call(call.service, call.operation, wanted).make(scope)
        for each in answer["Parameters"]:
            first, slash, _ = each["Name"].removeprefix(prefix).partition("/")
            if slash:
                folders.add(prefix + first)
            else:
                found.append(each)
        if "NextToken" not in answer:
            break
        wanted["NextToken"] = answer["NextToken"]
    return found, sorted(folders)


def _shown(
    request: HttpRequest, name: str, *, done: str = "", problem: str = "", reveals: bool = False, status: int = 200
) -> HttpResponse:
    scope = scope_of(request.session)
    try:
        history = _history(scope, name, reveals=reveals)
    except AwsError as error:
        raise Http404(error.message) from error
    latest = history[0]
    context = {
        "name": name,
        "latest": latest,
        "history": history,
        "arn": f"arn:aws:ssm:{scope.region}:{scope.account_id}:parameter/{name.lstrip('/')}",
        "crumbs": _crumbs(name.rpartition("/")[0] or "/"),
        "is_secure": latest["Type"] == "SecureString",
        "reveals": reveals,
        "types": TYPES,
        "typed": request.POST if problem else {},
        "done": done,
        "problem": problem,
        "command": Call("ssm", "GetParameter", {"Name": name, "WithDecryption": True}).command,
    }
    answer = render(request, "console/parameters/parameter.html", context, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _history(scope: Scope, name: str, *, reveals: bool) -> list[Mapping[str, Any]]:
    """The latest versions, newest first. Raises AwsError where there is no such parameter."""
    found: list[Mapping[str, Any]] = []
    wanted: dict[str, Any] = {"Name": name, "WithDecryption": reveals, "MaxResults": HISTORY}
    while True:  # SSM keeps a hundred versions
        answer = Call("ssm", "GetParameterHistory", wanted).make(scope)
        found += answer["Parameters"]
        if "NextToken" not in answer:
            break
        wanted["NextToken"] = answer["NextToken"]
    return [_hidden(each, reveals=reveals) for each in sorted(found, key=lambda each: -each["Version"])]


def _hidden(version: Mapping[str, Any], *, reveals: bool) -> Mapping[str, Any]:
    return version if reveals or version["Type"] != "SecureString" else {**version, "Value": ""}


def _wanted(posted: Mapping[str, str], name: str) -> dict[str, Any]:
    wanted: dict[str, Any] = {"Name": name, "Value": posted.get("value", ""), "Type": posted.get("type", TYPES[0])}
    if description := posted.get("description", "").strip():
        wanted["Description"] = description
    return wanted


def _crumbs(where: str) -> list[tuple[str, str]]:
    """The path's parts, each with the path down to it."""
    parts = [part for part in where.split("/") if part]
    return [(part, "/" + "/".join(parts[: place + 1])) for place, part in enumerate(parts)]


# A name may have slashes and begin with one, so it is asked for by ?name=.
urlpatterns = [
    path("parameters/", parameters, name="parameters"),
    path("parameters/one", parameter, name="parameter"),
    path("parameters/reveal", reveal, name="reveal-parameter"),
    path("parameters/put", put, name="put-parameter"),
    path("parameters/delete", delete, name="delete-parameter"),
]
NAVIGATION = [Link(group=Group.DATA, title="Parameters", url_name="parameters", order=21)]
