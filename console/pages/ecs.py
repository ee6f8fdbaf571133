"""Clusters and tasks."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from aws_api.core.errors import AwsError
from aws_api.services.ecs.holds import set_hold
from console.navigation import Group, Link
from console.notices import attempted
from console.pages.services import services_of
from console.pages.tasks import TaskFilter, TaskPage, cluster_names, find_task, task_of, task_rows, tasks_of
from console.scope import Scope, scope_of
from console.usage_plots import usage_plots

#: What a running task can be, for the filter.
STATUSES = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING")


@require_safe
def clusters(request: HttpRequest) -> HttpResponse:
    """Every cluster of the scope with its counts."""
    scope = scope_of(request.session)
    shapes = scope.call("ecs", "DescribeClusters", clusters=cluster_names(scope))["clusters"]
    return render(request, "console/clusters.html", {"clusters": shapes})


@require_safe
def cluster(request: HttpRequest, cluster: str) -> HttpResponse:
    """A cluster's services, and its tasks page by page, by status, service and family."""
    scope = scope_of(request.session)
    return render(request, "console/cluster.html", {**cluster_context(scope, cluster, request.GET.dict())})


def cluster_context(scope: Scope, cluster: str, asked: dict[str, str]) -> dict[str, object]:
    """What the cluster's page and what goes live of it show. Raises Http404."""
    found = scope.call("ecs", "DescribeClusters", clusters=[cluster])["clusters"]
    if not found and cluster != "default":
        raise Http404(f"There is no cluster {cluster} in this account and region.")
    wanted = filter_of(asked)
    page = tasks_of(scope, cluster, wanted, asked.get("page"))
    kept = {name: value for name, value in asked.items() if name != "page" and value}
    return {
        "cluster": cluster,
        "shape": found[0] if found else {},
        "services": services_of(scope, cluster) if found else [],
        "filter": wanted,
        "statuses": STATUSES,
        "rows": task_rows(page),
        "page": page,
        "kept": kept,
    }


def filter_of(asked: dict[str, str]) -> TaskFilter:
    """The filter in a query string."""
    status = asked.get("status", "")
    return TaskFilter(
        stopped=status == "STOPPED",
        last_status="" if status == "STOPPED" else status,
        service=asked.get("service", "").strip(),
        family=asked.get("family", "").strip(),
    )


@require_safe
def task(request: HttpRequest, cluster: str, task_id: str) -> HttpResponse:
    """A task: what it is, how it came there, what it uses, the last plan, its logs and its environment."""
    page = _task_page(scope_of(request.session), cluster, task_id)
    return render(request, "console/task.html", {"page": page, "cluster": cluster, "usage": usage_plots()})


@require_POST
def stop(request: HttpRequest, cluster: str, task_id: str) -> HttpResponse:
    """Ask a task to stop."""
    scope = scope_of(request.session)

    def work() -> object:
        return scope.call("ecs", "StopTask", cluster=cluster, task=task_id, reason="Stopped in the console")

    return attempted(request, work, "The task is stopping.", "task", cluster, task_id)


@require_POST
def hold(request: HttpRequest, cluster: str, task_id: str) -> HttpResponse:
    """Keep a task's containers when it has stopped, or let them go."""
    page = _task_page(scope_of(request.session), cluster, task_id)
    wanted = request.POST.get("hold") == "true"
    # A stopped task's containers are gone already.
    if not wanted or page.row.last_status != "STOPPED":
        set_hold(task_of(page.row.arn), wanted=wanted)
    return redirect("task", cluster, task_id)


def _task_page(scope: Scope, cluster: str, task_id: str) -> TaskPage:
    try:
        page = find_task(scope, cluster, task_id)
    except AwsError as error:
        raise Http404(error.message) from error
    if page is None:
        raise Http404(f"The cluster {cluster} has no task {task_id}; stopped tasks are kept for an hour.")
    return page


urlpatterns = [
    path("clusters/", clusters, name="clusters"),
    path("clusters/<str:cluster>/", cluster, name="cluster"),
    path("clusters/<str:cluster>/tasks/<str:task_id>/", task, name="task"),
    path("clusters/<str:cluster>/tasks/<str:task_id>/stop", stop, name="stop-task"),
    path("clusters/<str:cluster>/tasks/<str:task_id>/hold", hold, name="hold-task"),
]
NAVIGATION = [Link(group=Group.COMPUTE, title="Clusters", url_name="clusters", order=0)]
