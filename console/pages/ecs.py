"""Clusters and tasks."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from aws_api.core.errors import AwsError
from aws_api.services.ecs.holds import set_hold
from console.navigation import Group, Link
from console.pages.tasks import cluster_names, find_task, task_of, tasks_of
from console.scope import scope_of


@require_safe
def clusters(request: HttpRequest) -> HttpResponse:
    """Every cluster of the scope with its counts."""
    scope = scope_of(request.session)
    shapes = scope.call("ecs", "DescribeClusters", clusters=cluster_names(scope))["clusters"]
    return render(request, "console/clusters.html", {"clusters": shapes})


@require_safe
def cluster(request: HttpRequest, cluster: str) -> HttpResponse:
    """A cluster's tasks: those that should run and those that stopped."""
    scope = scope_of(request.session)
    try:
        running, stopped = tasks_of(scope, cluster, "RUNNING"), tasks_of(scope, cluster, "STOPPED")
    except AwsError as error:
        raise Http404(error.message) from error
    return render(request, "console/cluster.html", {"cluster": cluster, "running": running, "stopped": stopped})


@require_safe
def task(request: HttpRequest, cluster: str, task_id: str) -> HttpResponse:
    """A task: what it is, how it came there, the last plan and its logs."""
    try:
        page = find_task(scope_of(request.session), cluster, task_id)
    except AwsError as error:
        raise Http404(error.message) from error
    if page is None:
        raise Http404(f"The cluster {cluster} has no task {task_id}; stopped tasks are kept for an hour.")
    return render(request, "console/task.html", {"page": page, "cluster": cluster})


@require_POST
def hold(request: HttpRequest, cluster: str, task_id: str) -> HttpResponse:
    """Keep a task's containers when it has stopped, or let them go."""
    try:
        page = find_task(scope_of(request.session), cluster, task_id)
    except AwsError as error:
        raise Http404(error.message) from error
    if page is None:
        raise Http404(f"The cluster {cluster} has no task {task_id}.")
    wanted = request.POST.get("hold") == "true"
    # A stopped task's containers are gone already.
    if not wanted or page.row.last_status != "STOPPED":
        set_hold(task_of(page.row.arn), wanted=wanted)
    return redirect("task", cluster, task_id)


urlpatterns = [
    path("clusters/", clusters, name="clusters"),
    path("clusters/<str:cluster>/", cluster, name="cluster"),
    path("clusters/<str:cluster>/tasks/<str:task_id>/", task, name="task"),
    path("clusters/<str:cluster>/tasks/<str:task_id>/hold", hold, name="hold-task"),
]
NAVIGATION = [Link(group=Group.COMPUTE, title="Clusters", url_name="clusters", order=0)]
