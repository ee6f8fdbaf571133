"""CloudWatch Logs: groups, streams, a search over streams and time, and a live tail; the way there from a task."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from aws_api.core.errors import AwsError
from console.calls import Call, worded
from console.navigation import Group, Link
from console.scope import Scope, scope_of

GROUPS_ON_A_PAGE = 50
STREAMS_ON_A_PAGE = 50
EVENTS_ON_A_PAGE = 100
#: How far back a search goes, by what people choose.
RANGES = {
    "15m": ("15 minutes", timedelta(minutes=15)),
    "1h": ("an hour", timedelta(hours=1)),
    "1d": ("a day", timedelta(days=1)),
    "7d": ("a week", timedelta(days=7)),
    "all": ("everything", None),
}
DEFAULT_RANGE = "1h"


@require_safe
def groups(request: HttpRequest) -> HttpResponse:
    """The scope's log groups whose name has the words, a page at a time."""
    wanted: dict[str, Any] = {"limit": GROUPS_ON_A_PAGE}
    if words := request.GET.get("q", "").strip():
        wanted["logGroupNamePattern"] = words
    call = Call("logs", "DescribeLogGroups", wanted)
    found, problem = _paged(request, call)
    context = {
        "groups": found.get("logGroups", ()),
        "words": words,
        "token": request.GET.get("marker", ""),
        "next": found.get("nextToken", ""),
        "problem": problem,
        "command": call.command,
    }
    return render(request, "console/logs/groups.html", context)


@require_safe
def group(request: HttpRequest) -> HttpResponse:
    """The group ``?name=``: its streams, and what a search over them finds."""
    scope, asked = scope_of(request.session), request.GET
    name = asked.get("name", "")
    described = _group(scope, name)
    wanted = {"logGroupName": name, "orderBy": "LastEventTime", "descending": True, "limit": STREAMS_ON_A_PAGE}
    streams = scope.call("logs", "DescribeLogStreams", **wanted)["logStreams"]
    call, problem = None, ""
    found: Mapping[str, Any] = {}
    try:
        call = _search(scope, name, asked)
        found, problem = _paged(request, call)
    except ValueError as error:
        problem = str(error)
    context = {
        "group": described,
        "streams": streams,
        "asked": asked,
        "range": asked.get("range", DEFAULT_RANGE),
        "ranges": {key: words for key, (words, _) in RANGES.items()},
        "events": found.get("events", ()),
        "next_query": _following(asked, found.get("nextToken", "")),
        "first_query": _following(asked, "", is_first=True) if asked.get("marker") else "",
        "problem": problem,
        "command": call.command if call else "",
    }
    return render(request, "console/logs/group.html", context)


@require_safe
def stream(request: HttpRequest) -> HttpResponse:
    """The stream ``?stream=`` of the group ``?name=``: its latest events, and pages in both directions."""
    scope = scope_of(request.session)
    name, stream_name = request.GET.get("name", ""), request.GET.get("stream", "")
    wanted: dict[str, Any] = {"logGroupName": name, "logStreamName": stream_name, "limit": EVENTS_ON_A_PAGE}
    call = Call("logs", "GetLogEvents", wanted)
    token = request.GET.get("marker", "")
    try:
        found = Call("logs", "GetLogEvents", {**wanted, "nextToken": token} if token else wanted).make(scope)
    except AwsError as error:
        raise Http404(error.message) from error
    context = {
        "name": name,
        "stream": stream_name,
        "events": found["events"],
        "older": found["nextBackwardToken"],
        "newer": found["nextForwardToken"],
        "token": token,
        "command": call.command,
    }
    return render(request, "console/logs/stream.html", context)


@require_safe
def tail(request: HttpRequest) -> HttpResponse:
    """The live tail of the group ``?name=``, of events that match ``?pattern=``."""
    scope = scope_of(request.session)
    name, pattern = request.GET.get("name", ""), request.GET.get("pattern", "")
    _group(scope, name)
    command = f"aws logs tail {name} --follow" + (f" --filter-pattern '{pattern}'" if pattern else "")
    query = urlencode({"name": name, "pattern": pattern})
    return render(
        request, "console/logs/tail.html", {"name": name, "pattern": pattern, "tail_query": query, "command": command}
    )


@require_safe
def of_task(request: HttpRequest, cluster: str, task_id: str) -> HttpResponse:
    """From a task to the log streams of its containers; straight there where it is one."""
    scope = scope_of(request.session)
    try:
        streams = task_streams(scope, cluster, task_id)
    except AwsError as error:
        raise Http404(error.message) from error
    if len(streams) == 1:
        return redirect(f"{reverse('log-stream')}?{urlencode(streams[0][1])}")
    return render(request, "console/logs/task.html", {"streams": streams, "cluster": cluster, "task_id": task_id})


def task_streams(scope: Scope, cluster: str, task_id: str) -> list[tuple[str, dict[str, str]]]:
    """The containers of a task that log by awslogs, each with its group and stream. Raises AwsError."""
    tasks = scope.call("ecs", "DescribeTasks", cluster=cluster, tasks=[task_id])["tasks"]
    if not tasks:
        raise Http404(f"The cluster {cluster} has no task {task_id}.")
    wanted = {"taskDefinition": tasks[0]["taskDefinitionArn"]}
    definition = scope.call("ecs", "DescribeTaskDefinition", **wanted)["taskDefinition"]
    streams = []
    for container in definition["containerDefinitions"]:
        logging = container.get("logConfiguration") or {}
        options = logging.get("options") or {}
        if logging.get("logDriver") == "awslogs" and options.get("awslogs-stream-prefix"):
            name = f"{options['awslogs-stream-prefix']}/{container['name']}/{task_id}"
            streams.append((container["name"], {"name": options["awslogs-group"], "stream": name}))
    return streams


def _group(scope: Scope, name: str) -> Mapping[str, Any]:
    try:
        found = Call("logs", "DescribeLogGroups", {"logGroupNamePrefix": name, "limit": 1}).make(scope)["logGroups"]
    except AwsError as error:
        raise Http404(error.message) from error
    # By name, so the group itself comes before those whose names it begins.
    if not found or found[0]["logGroupName"] != name:
        raise Http404(f"There is no log group {name} in this account and region.")
    described: Mapping[str, Any] = found[0]
    return described


def _search(scope: Scope, name: str, asked: Mapping[str, str]) -> Call:
    """FilterLogEvents as the form asks for it. Raises ValueError for a time that is none."""
    wanted: dict[str, Any] = {"logGroupName": name, "limit": EVENTS_ON_A_PAGE}
    if pattern := asked.get("pattern", "").strip():
        wanted["filterPattern"] = pattern
    if prefix := asked.get("stream", "").strip():
        wanted["logStreamNamePrefix"] = prefix
    _, back = RANGES.get(asked.get("range", DEFAULT_RANGE), RANGES[DEFAULT_RANGE])
    if start := asked.get("from", "").strip():
        wanted["startTime"] = _ms(start)
    elif back is not None:
        wanted["startTime"] = scope.context.clock.epoch_ms() - int(back.total_seconds() * 1000)
    if end := asked.get("to", "").strip():
        wanted["endTime"] = _ms(end)
    return Call("logs", "FilterLogEvents", wanted)


def _ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no time: write one as 2026-01-31T12:00, UTC.") from error
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def _paged(request: HttpRequest, call: Call) -> tuple[Mapping[str, Any], str]:
    """What a call answers from ``?marker=`` on, and why it does not."""
    token = request.GET.get("marker", "")
    wanted = {**call.request, "nextToken": token} if token else call.request
    try:
        return Call(call.service, call.operation, wanted).make(scope_of(request.session)), ""
    except AwsError as error:
        return {}, worded(error)


def _following(asked: Any, token: str, *, is_first: bool = False) -> str:
    kept = {name: value for name, value in asked.dict().items() if name != "marker"}
    if token:
        return urlencode({**kept, "marker": token})
    return urlencode(kept) if is_first else ""


# Names of groups and streams have slashes, so they are asked for by ?name= and ?stream=.
urlpatterns = [
    path("logs/", groups, name="log-groups"),
    path("logs/group", group, name="log-group"),
    path("logs/stream", stream, name="log-stream"),
    path("logs/tail", tail, name="log-tail"),
    path("logs/of-task/<str:cluster>/<str:task_id>", of_task, name="task-logs"),
]
NAVIGATION = [Link(group=Group.OBSERVE, title="Logs", url_name="log-groups", order=10)]
