"""Load balancers: listeners and their rules in words, target groups with live health, host addresses, figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.errors import AwsError
from aws_api.core.host_ports import PublishedPort, published, published_by
from aws_api.services.elbv2.models import LoadBalancer, TrafficMinute
from aws_api.services.elbv2.names import names_of
from console.navigation import Group, Link
from console.pages.services import TargetHealth
from console.plots import Line, Plot
from console.rules_in_words import actions_in_words, conditions_in_words
from console.scope import Scope, scope_of

ROWS_ON_A_PAGE = 50
MAX_RULES = 200
#: How far back figures are shown.
FIGURES_OF = timedelta(minutes=60)
_CODES = ("HTTPCode_Target_2XX_Count", "HTTPCode_Target_3XX_Count", "HTTPCode_Target_4XX_Count")
_FAULTS = ("HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count")


@dataclass(frozen=True, kw_only=True)
class HostAddress:
    """A listener on this machine; ``url`` is empty where no browser understands it."""

    text: str
    url: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class ListenerShown:
    """A listener with its rules in words, the first that matches first."""

    shape: Mapping[str, Any]
    addresses: Sequence[HostAddress]
    rules: Sequence[tuple[str, Sequence[str], Sequence[str]]]


@require_safe
def load_balancers(request: HttpRequest) -> HttpResponse:
    """The scope's load balancers, page by page."""
    rows = _rows(scope_of(request.session)).order_by("name")
    page = Paginator(rows, ROWS_ON_A_PAGE).get_page(request.GET.get("page"))
    ports = published_by(row.arn for row in page)
    found = [(row, [_address(port, "") for port in ports.get(row.arn, ())]) for row in page]
    return render(request, "console/load_balancers.html", {"page": page, "found": found})


@require_safe
def load_balancer(request: HttpRequest, name: str) -> HttpResponse:
    """One load balancer."""
    return render(request, "console/load_balancer.html", load_balancer_context(scope_of(request.session), name))


def load_balancer_context(scope: Scope, name: str) -> dict[str, Any]:
    """What the page and what goes live of it show. Raises Http404."""
    row = _rows(scope).filter(name=name).first()
    if row is None:
        raise Http404(f"There is no load balancer {name} in this account and region.")
    groups = scope.call("elbv2", "DescribeTargetGroups", LoadBalancerArn=row.arn)["TargetGroups"]
    return {
        "row": row,
        "names": names_of(row),
        "listeners": _listeners(scope, row, {each["TargetGroupArn"]: each["TargetGroupName"] for each in groups}),
        "target_groups": [_health(scope, each) for each in groups],
        "plots": plots_of(row),
    }


def plots_of(row: LoadBalancer) -> list[Plot]:
    """Requests and what was answered, by minute."""
    since = SYSTEM_CLOCK.now() - FIGURES_OF
    minutes = TrafficMinute.objects.filter(load_balancer=row, target_group="", minute__gte=since).order_by("minute")
    figures = [(minute.minute.timestamp(), minute.figures) for minute in minutes]

    def line(title: str, names: Iterable[str]) -> Line:
        return Line(name=title, points=[(at, sum(each.get(name, 0) for name in names)) for at, each in figures])

    waits = "No traffic in the last hour."
    if row.type == "network":
        flows = [line("New flows", ["NewFlowCount"])]
        return [Plot(id="plot-flows", title="Connections a minute", unit="", lines=flows, shape="bars", waits=waits)]
    answered = [line("Fine", _CODES[:2]), line("4XX", _CODES[2:]), line("5XX", _FAULTS)]
    times = [
        (at, each["TargetResponseTime"] / each["RequestCount"] if each.get("RequestCount") else None)
        for at, each in figures
        if "TargetResponseTime" in each
    ]
    return [
        Plot(id="plot-requests", title="Answers a minute", unit="", lines=answered, shape="steps", waits=waits),
        Plot(
            id="plot-times",
            title="Response time of targets, average",
            unit="seconds",
            lines=[Line(name="Average", points=times)],
            waits=waits,
        ),
    ]


def _rows(scope: Scope) -> Any:
    rows = LoadBalancer.objects.filter(account_id=scope.account_id, region=scope.region, desired_deleted=False)
    return rows.prefetch_related("listeners")


def _listeners(scope: Scope, row: LoadBalancer, group_names: Mapping[str, str]) -> list[ListenerShown]:
    ports = published(row.arn)
    shapes = scope.call("elbv2", "DescribeListeners", LoadBalancerArn=row.arn)["Listeners"]
    return [
        ListenerShown(
            shape=shape,
            addresses=[_address(port, shape["Protocol"]) for port in ports if port.target.port == shape["Port"]],
            rules=_rules(scope, shape["ListenerArn"], group_names),
        )
        for shape in sorted(shapes, key=lambda each: each["Port"])
    ]


def _rules(
    scope: Scope, listener_arn: str, group_names: Mapping[str, str]
) -> list[tuple[str, Sequence[str], Sequence[str]]]:
    rules = scope.call("elbv2", "DescribeRules", ListenerArn=listener_arn, PageSize=MAX_RULES)["Rules"]
    rules = sorted(rules, key=lambda rule: (rule["IsDefault"], int(rule["Priority"]) if not rule["IsDefault"] else 0))
    return [
        (rule["Priority"], conditions_in_words(rule["Conditions"]), actions_in_words(rule["Actions"], group_names))
        for rule in rules
    ]


def _health(scope: Scope, group: Mapping[str, Any]) -> TargetHealth:
    arn, name = group["TargetGroupArn"], group["TargetGroupName"]
    kind = f"{group['Protocol']}:{group['Port']}, {group['TargetType']}"
    try:
        found = scope.call("elbv2", "DescribeTargetHealth", TargetGroupArn=arn)["TargetHealthDescriptions"]
    except AwsError as error:
        return TargetHealth(arn=arn, name=name, container=kind, problem=error.message)
    return TargetHealth(arn=arn, name=name, container=kind, targets=found)


def _address(port: PublishedPort, protocol: str) -> HostAddress:
    if not port.local_port:
        return HostAddress(text=f"port {port.target.port}", problem=port.failure or "in a moment")
    host = "localhost" if port.local_address in ("0.0.0.0", "127.0.0.1", "") else port.local_address
    text = f"{host}:{port.local_port}"
    scheme = {"HTTP": "http", "HTTPS": "https"}.get(protocol)
    return HostAddress(text=f"{scheme}://{text}" if scheme else text, url=f"{scheme}://{text}/" if scheme else "")


urlpatterns = [
    path("load-balancers/", load_balancers, name="load-balancers"),
    path("load-balancers/<str:name>/", load_balancer, name="load-balancer"),
]
NAVIGATION = [Link(group=Group.NETWORK, title="Load balancers", url_name="load-balancers", order=10)]
