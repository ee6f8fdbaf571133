"""CloudWatch: metrics plotted over time, alarms with their history, and their states set by hand for tests."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from aws_api.core.errors import AwsError
from console.calls import Call, worded
from console.navigation import Group, Link
from console.plots import Line, Plot, points_of
from console.scope import Scope, scope_of

ALARMS_ON_A_PAGE = 50
HISTORY = 50
MAX_PLOTTED = 6
STATISTICS = ("Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p99")
PERIODS = (1, 10, 60, 300, 3600)
RANGES = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1), "6h": timedelta(hours=6), "1d": timedelta(days=1)}
STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The scope's metrics, and a plot of those that were chosen."""
    scope, asked = scope_of(request.session), request.GET
    wanted: dict[str, Any] = {}
    if namespace := asked.get("namespace", "").strip():
        wanted["Namespace"] = namespace
    call, problem, plot = Call("cloudwatch", "ListMetrics", wanted), "", None
    found: Mapping[str, Any] = {}
    chosen = asked.getlist("m")[:MAX_PLOTTED]
    try:
        token = asked.get("marker", "")
        found = Call("cloudwatch", "ListMetrics", {**wanted, "NextToken": token} if token else wanted).make(scope)
        plot = metrics_plot(scope, chosen, asked) if chosen else None
    except AwsError as error:
        problem = worded(error)
    except ValueError as error:
        problem = str(error)
    context = {
        "metrics": [_choice(metric, chosen) for metric in found.get("Metrics", ())],
        "asked": asked,
        "statistics": STATISTICS,
        "periods": PERIODS,
        "ranges": tuple(RANGES),
        "plot": plot,
        "next": found.get("NextToken", ""),
        "problem": problem,
        "command": call.command,
    }
    return render(request, "console/metrics/list.html", context)


@require_safe
def alarms(request: HttpRequest) -> HttpResponse:
    """The scope's alarms with their states, a page at a time."""
    context = alarms_context(scope_of(request.session), request.GET)
    return render(request, "console/metrics/alarms.html", context)


@require_safe
def alarm(request: HttpRequest, name: str) -> HttpResponse:
    """An alarm: its state and why, its definition, its history."""
    return _alarm(request, name)


@require_POST
def set_state(request: HttpRequest, name: str) -> HttpResponse:
    """Set an alarm's state until it is evaluated again: for tests."""
    wanted = {
        "AlarmName": name,
        "StateValue": request.POST.get("state", ""),
        "StateReason": request.POST.get("reason", "").strip() or "Set in the console",
    }
    try:
        Call("cloudwatch", "SetAlarmState", wanted).make(scope_of(request.session))
    except AwsError as error:
        return _alarm(request, name, problem=worded(error), status=400)
    return redirect("alarm", name)


def alarms_context(scope: Scope, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the list shows."""
    wanted: dict[str, Any] = {"MaxRecords": ALARMS_ON_A_PAGE, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    if asked.get("state") in STATES:
        wanted["StateValue"] = asked["state"]
    call, token, problem = Call("cloudwatch", "DescribeAlarms", wanted), asked.get("marker", ""), ""
    found: Mapping[str, Any] = {}
    try:
        found = Call("cloudwatch", "DescribeAlarms", {**wanted, "NextToken": token} if token else wanted).make(scope)
    except AwsError as error:
        problem = worded(error)
    return {
        "alarms": [*found.get("MetricAlarms", ()), *found.get("CompositeAlarms", ())],
        "states": STATES,
        "state": asked.get("state", ""),
        "token": token,
        "next": found.get("NextToken", ""),
        "problem": problem,
        "command": call.command,
    }


def alarm_context(scope: Scope, name: str) -> dict[str, Any]:
    """What an alarm's page shows. Raises Http404 where there is none."""
    call = Call("cloudwatch", "DescribeAlarms", {"AlarmNames": [name], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]})
    answer = call.make(scope)
    found = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
    if not found:
        raise Http404(f"There is no alarm {name} in this account and region.")
    asked = {"AlarmName": name, "MaxRecords": HISTORY, "ScanBy": "TimestampDescending"}
    history = scope.call("cloudwatch", "DescribeAlarmHistory", **asked)["AlarmHistoryItems"]
    return {"alarm": found[0], "history": history, "states": STATES, "command": call.command}


def metrics_plot(scope: Scope, chosen: Sequence[str], asked: Mapping[str, str]) -> Plot:
    """The chosen metrics over time. Raises AwsError, ValueError for what is no metric."""
    statistic = asked.get("statistic", "") if asked.get("statistic", "") in STATISTICS else STATISTICS[0]
    period = int(asked["period"]) if asked.get("period", "") in map(str, PERIODS) else 60
    span = RANGES.get(asked.get("range", ""), RANGES["1h"])
    metrics = [_metric(text) for text in chosen]
    now = scope.context.clock.now()
    queries = [
        {"Id": f"m{place}", "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}}
        for place, metric in enumerate(metrics)
    ]
    wanted = {
        "MetricDataQueries": queries,
        "StartTime": now - span,
        "EndTime": now + timedelta(seconds=period),
        "ScanBy": "TimestampAscending",
    }
    results = {
        each["Id"]: each for each in Call("cloudwatch", "GetMetricData", wanted).make(scope)["MetricDataResults"]
    }
    lines = [
        Line(
            name=_title(metric),
            points=points_of(zip(results[f"m{place}"]["Timestamps"], results[f"m{place}"]["Values"], strict=True)),
        )
        for place, metric in enumerate(metrics)
    ]
    waits = "There are no figures in this time."
    return Plot(id="metrics-plot", title=f"{statistic} over {period} s", unit="", lines=lines, waits=waits)


def _alarm(request: HttpRequest, name: str, *, problem: str = "", status: int = 200) -> HttpResponse:
    try:
        context = alarm_context(scope_of(request.session), name)
    except AwsError as error:
        raise Http404(error.message) from error
    typed = request.POST if problem else {}
    return render(request, "console/metrics/alarm.html", {**context, "problem": problem, "typed": typed}, status=status)


def _choice(metric: Mapping[str, Any], chosen: Sequence[str]) -> dict[str, Any]:
    key = orjson.dumps({name: metric[name] for name in ("Namespace", "MetricName", "Dimensions")}).decode()
    return {"key": key, "shape": metric, "is_chosen": key in chosen}


def _metric(text: str) -> dict[str, Any]:
    try:
        given = orjson.loads(text)
        return {name: given[name] for name in ("Namespace", "MetricName", "Dimensions")}
    except (orjson.JSONDecodeError, TypeError, KeyError) as error:
        raise ValueError("What was chosen is no metric.") from error


def _title(metric: Mapping[str, Any]) -> str:
    return " ".join([metric["MetricName"], *(str(dimension.get("Value", "")) for dimension in metric["Dimensions"])])


urlpatterns = [
    path("metrics/", metrics, name="metrics"),
    path("alarms/", alarms, name="alarms"),
    path("alarms/<path:name>/state", set_state, name="set-alarm-state"),
    path("alarms/<path:name>", alarm, name="alarm"),
]
NAVIGATION = [
    Link(group=Group.OBSERVE, title="Metrics", url_name="metrics", order=30),
    Link(group=Group.OBSERVE, title="Alarms", url_name="alarms", order=31),
]
