"""ECS services: what each deployment runs, how far a rollout is, where traffic goes; and what can be done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from aws_api.core.errors import AwsError
from aws_api.services.ecs import describe_services
from aws_api.services.ecs.models import Service, ServiceStatus
from aws_api.services.ecs.scheduler.traffic_shift import STAGES
from console.navigation import Group, Link
from console.notices import attempted, say
from console.pages.tasks import TaskFilter, TaskRow, task_rows, tasks_of
from console.scope import Scope, scope_of
from console.usage_plots import usage_plots

SERVICE_KIND = "ecs.service"
SERVICES_ON_A_PAGE = 50
SHOWN_EVENTS = 15
SHOWN_DEPLOYMENTS = 5
MAX_COUNT = 5000
#: States of a service deployment that is not at its end.
UNDER_WAY = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")
_AWAITING = "AWAITING_ACTION"


@dataclass(frozen=True, kw_only=True)
class ServiceRow:
    """A service in a list."""

    name: str
    cluster: str
    status: str
    definition: str
    desired: int
    running: int
    pending: int
    rollout: str
    is_steady: bool


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A deployment or task set of a service, beside the others."""

    id: str
    status: str
    definition: str
    desired: int
    running: int
    pending: int
    failed: int
    rollout: str
    reason: str
    created_at: Any
    #: The share of production and of test traffic, where it is shifted.
    production_percent: float | None = None
    test_percent: float | None = None

    @property
    def family(self) -> str:
        return self.definition.partition(":")[0]

    @property
    def revision(self) -> str:
        return self.definition.partition(":")[2]


@dataclass(frozen=True, kw_only=True)
class TargetHealth:
    """The targets of one of the service's target groups; ``problem`` says why they are not known."""

    arn: str
    name: str
    container: str
    targets: Sequence[Mapping[str, Any]] = ()
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class ServicePage:
    """Everything that a service's page shows."""

    shape: Mapping[str, Any]
    cluster: str
    generations: Sequence[Generation]
    #: The service deployment under way, or the last one, as DescribeServiceDeployments answers it.
    process: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    target_groups: Sequence[TargetHealth]
    tasks: Sequence[TaskRow]
    task_count: int
    failures: Sequence[TaskRow] = field(default=())

    @property
    def name(self) -> str:
        return str(self.shape["serviceName"])

    @property
    def is_under_way(self) -> bool:
        return self.process.get("status") in UNDER_WAY

    @property
    def is_stoppable(self) -> bool:
        return self.process.get("status") in ("PENDING", "IN_PROGRESS")

    @property
    def waiting_hooks(self) -> list[Mapping[str, Any]]:
        """Hooks that wait for somebody to say whether the deployment goes on."""
        return [hook for hook in self.process.get("lifecycleHookDetails", ()) if hook["status"] == _AWAITING]

    @property
    def stages(self) -> list[tuple[str, str]]:
        """The stages that a shifting deployment passes, each with done, now or nothing."""
        now = self.process.get("lifecycleStage")
        names = [stage.value for stage in STAGES if stage.value != "PRE_PRODUCTION_TRAFFIC_SHIFT"]
        strategy = self.process.get("deploymentConfiguration", {}).get("strategy", "ROLLING")
        if now not in names or strategy == "ROLLING":
            return []
        place = names.index(now)
        is_over = not self.is_under_way
        return [
            (_words(name), "done" if index < place or is_over else "now" if index == place else "")
            for index, name in enumerate(names)
        ]

    @property
    def events(self) -> Sequence[Mapping[str, Any]]:
        return list(self.shape["events"])


@require_safe
def services(request: HttpRequest) -> HttpResponse:
    """The services of every cluster, page by page."""
    return render(
        request, "console/services.html", services_context(scope_of(request.session), request.GET.get("page"))
    )


def services_context(scope: Scope, page_number: str | None) -> dict[str, object]:
    """What the page and what goes live of it show."""
    page = Paginator(_rows(scope), SERVICES_ON_A_PAGE).get_page(page_number)
    return {"services": service_rows(page), "page": page}


@require_safe
def service(request: HttpRequest, cluster: str, name: str) -> HttpResponse:
    """A service with its deployments side by side, events, target health and tasks."""
    return render(request, "console/service.html", service_context(scope_of(request.session), cluster, name))


def service_context(scope: Scope, cluster: str, name: str) -> dict[str, object]:
    """What the page and what goes live of it show. Raises Http404."""
    page = find_service(scope, cluster, name)
    if page is None:
        raise Http404(f"The cluster {cluster} has no service {name} in this account and region.")
    return {"page": page, "cluster": cluster, "usage": usage_plots(), "shown_events": SHOWN_EVENTS}


@require_POST
def update(request: HttpRequest, cluster: str, name: str) -> HttpResponse:
    """Change how many tasks are wanted, or deploy anew."""
    scope = scope_of(request.session)
    if request.POST.get("forceNewDeployment"):
        changes: dict[str, Any] = {"forceNewDeployment": True}
        done = "A new deployment begins."
    else:
        text = request.POST.get("desiredCount", "").strip()
        if not text.isascii() or not text.isdigit() or int(text) > MAX_COUNT:
            say(request, f"The desired count is a number from 0 to {MAX_COUNT}.", is_bad=True)
            return redirect("service", cluster, name)
        changes, done = {"desiredCount": int(text)}, f"{name} is to run {text} tasks."

    def work() -> object:
        return scope.call("ecs", "UpdateService", cluster=cluster, service=name, **changes)

    return attempted(request, work, done, "service", cluster, name)


@require_POST
def stop_deployment(request: HttpRequest, cluster: str, name: str) -> HttpResponse:
    """Stop the deployment under way, or roll it back."""
    scope, arn, kind = scope_of(request.session), _deployment_arn(request), request.POST.get("stopType", "ROLLBACK")

    def work() -> object:
        return scope.call("ecs", "StopServiceDeployment", serviceDeploymentArn=arn, stopType=kind)

    done = "The deployment is going back." if kind == "ROLLBACK" else "The deployment is stopping."
    return attempted(request, work, done, "service", cluster, name)


@require_POST
def continue_deployment(request: HttpRequest, cluster: str, name: str) -> HttpResponse:
    """Answer a deployment that pauses."""
    scope, arn = scope_of(request.session), _deployment_arn(request)
    hook, action = request.POST.get("hookId", ""), request.POST.get("action", "CONTINUE")

    def work() -> object:
        asked = {"serviceDeploymentArn": arn, "hookId": hook, "action": action}
        return scope.call("ecs", "ContinueServiceDeployment", **asked)

    done = "The deployment goes on." if action == "CONTINUE" else "The deployment is going back."
    return attempted(request, work, done, "service", cluster, name)


def services_of(scope: Scope, cluster: str) -> list[ServiceRow]:
    """The first services of a cluster, by name."""
    return service_rows(_rows(scope).filter(cluster__name=cluster)[:SERVICES_ON_A_PAGE])


def service_rows(rows: "Page[Service] | Any") -> list[ServiceRow]:
    """Services as lists show them."""
    found = list(rows)
    return [_row(shape, row) for shape, row in zip(describe_services.services(found), found, strict=True)]


def find_service(scope: Scope, cluster: str, name: str) -> ServicePage | None:
    """A service, or None where there is none."""
    try:
        found = scope.call("ecs", "DescribeServices", cluster=cluster, services=[name], include=["TAGS"])["services"]
    except AwsError:
        return None
    if not found:
        return None
    shape = found[0]
    history = _history(scope, cluster, name) if shape["status"] == "ACTIVE" else []
    current = shape.get("currentServiceDeployment")
    process = next((each for each in history if each["serviceDeploymentArn"] == current), history[0] if history else {})
    tasks = tasks_of(scope, cluster, TaskFilter(service=name))
    stopped = tasks_of(scope, cluster, TaskFilter(service=name, stopped=True))
    return ServicePage(
        shape=shape,
        cluster=cluster,
        generations=_generations(shape, process),
        process=process,
        history=history,
        target_groups=[_health(scope, *group) for group in _groups(shape)],
        tasks=task_rows(tasks),
        task_count=tasks.paginator.count,
        failures=[row for row in task_rows(stopped) if row.failed][:SHOWN_DEPLOYMENTS],
    )


def _rows(scope: Scope) -> Any:
    rows = Service.objects.filter(account_id=scope.account_id, region=scope.region)
    return rows.exclude(last_status=ServiceStatus.INACTIVE).select_related("cluster").order_by("cluster__name", "name")


def _row(shape: Mapping[str, Any], row: Service) -> ServiceRow:
    deployments: list[Mapping[str, Any]] = shape["deployments"]
    primary = next((each for each in deployments if each["status"] == "PRIMARY"), {})
    return ServiceRow(
        name=row.name,
        cluster=row.cluster.name,
        status=shape["status"],
        definition=str(shape.get("taskDefinition", "")).rpartition("/")[2],
        desired=shape["desiredCount"],
        running=shape["runningCount"],
        pending=shape["pendingCount"],
        rollout=primary.get("rolloutState", ""),
        is_steady=row.last_is_steady,
    )


def _history(scope: Scope, cluster: str, name: str) -> list[Mapping[str, Any]]:
    asked = {"cluster": cluster, "service": name, "maxResults": SHOWN_DEPLOYMENTS}
    briefs = scope.call("ecs", "ListServiceDeployments", **asked)["serviceDeployments"]
    arns = [each["serviceDeploymentArn"] for each in briefs]
    if not arns:
        return []
    found = scope.call("ecs", "DescribeServiceDeployments", serviceDeploymentArns=arns)["serviceDeployments"]
    return [{**each, "id": each["serviceDeploymentArn"].rpartition("/")[2]} for each in found]


def _generations(shape: Mapping[str, Any], process: Mapping[str, Any]) -> list[Generation]:
    weights = _weights(process)
    return [
        Generation(
            id=each["id"],
            status=each["status"],
            definition=each["taskDefinition"].rpartition("/")[2],
            desired=each.get("desiredCount", each.get("computedDesiredCount", 0)),
            running=each["runningCount"],
            pending=each["pendingCount"],
            failed=each.get("failedTasks", 0),
            rollout=each.get("rolloutState", each.get("stabilityStatus", "")),
            reason=each.get("rolloutStateReason", ""),
            created_at=each["createdAt"],
            **weights.get(each["id"].rpartition("/")[2], {}),
        )
        for each in (*shape["deployments"], *shape.get("taskSets", ()))
    ]


def _weights(process: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """The shares of traffic, by the id of the revision's deployment, while they are shifted."""
    revisions = [*process.get("sourceServiceRevisions", ()), process.get("targetServiceRevision", {})]
    return {
        each["arn"].rpartition("/")[2]: {
            "production_percent": each["requestedProductionTrafficWeight"],
            "test_percent": each["requestedTestTrafficWeight"],
        }
        for each in revisions
        if "requestedProductionTrafficWeight" in each and process.get("status") in UNDER_WAY
    }


def _groups(shape: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The target groups that the service registers its tasks in, each with the container that is the target."""
    found: dict[str, str] = {}
    for source in (shape, *shape.get("taskSets", ())):
        for balancer in source.get("loadBalancers", ()):
            target = f"{balancer.get('containerName', '')}:{balancer.get('containerPort', '')}"
            alternate = balancer.get("advancedConfiguration", {}).get("alternateTargetGroupArn")
            for arn in filter(None, (balancer.get("targetGroupArn"), alternate)):
                found.setdefault(arn, target)
    return list(found.items())


def _health(scope: Scope, arn: str, container: str) -> TargetHealth:
    name = arn.split("/")[1] if "/" in arn else arn
    try:
        answer = scope.call("elbv2", "DescribeTargetHealth", TargetGroupArn=arn)
    except AwsError as error:
        return TargetHealth(arn=arn, name=name, container=container, problem=error.message)
    return TargetHealth(arn=arn, name=name, container=container, targets=answer["TargetHealthDescriptions"])


def _deployment_arn(request: HttpRequest) -> str:
    return request.POST.get("serviceDeploymentArn", "")


def _words(stage: str) -> str:
    return stage.replace("_", " ").capitalize()


urlpatterns = [
    path("services/", services, name="services"),
    path("clusters/<str:cluster>/services/<str:name>/", service, name="service"),
    path("clusters/<str:cluster>/services/<str:name>/update", update, name="update-service"),
    path("clusters/<str:cluster>/services/<str:name>/stop", stop_deployment, name="stop-deployment"),
    path("clusters/<str:cluster>/services/<str:name>/continue", continue_deployment, name="continue-deployment"),
]
NAVIGATION = [Link(group=Group.COMPUTE, title="Services", url_name="services", order=10)]
