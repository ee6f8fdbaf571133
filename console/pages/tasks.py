"""ECS tasks as pages show them: AWS's shapes with what a reader wants beside them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_api.core.arns import Arn
from aws_api.core.host_ports import PublishedPort, published
from aws_api.core.models import PlanRecord
from aws_api.services.ecs.container_specs import container_name
from aws_api.services.ecs.explain import explain
from aws_api.services.ecs.models import Task
from console.scope import Scope

KIND = "ecs.task"
#: ListTasks' largest page; a console list shows one.
PAGE = 100
SHOWN_FAILURES = 10


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """A task in a list."""

    id: str
    arn: str
    cluster: str
    definition: str
    last_status: str
    desired_status: str
    health: str
    launch_type: str
    address: str
    created_at: datetime | None
    stopped_at: datetime | None
    stop_code: str
    stopped_reason: str
    #: Stopped though nobody asked for it and the work was not done.
    failed: bool


@dataclass(frozen=True, kw_only=True)
class TaskPage:
    """Everything that the task page shows besides logs."""

    row: TaskRow
    task: Mapping[str, Any]
    containers: list[Mapping[str, Any]]
    #: Everything that is known of how it came there, as GET /_simfra/ecs/tasks/{id}/explain answers it.
    why: Mapping[str, Any]
    plan: PlanRecord | None
    #: Its ports on this host; those of tasks without an address of their own are in networkBindings.
    host_ports: list[PublishedPort]

    @property
    def was_refused(self) -> bool:
        """Whether something that was asked for in its name was not allowed."""
        return any(access["effect"] != "allow" for access in self.why["access"])

    @property
    def images(self) -> set[str]:
        """The images of its containers."""
        return {container["image"] for container in self.containers}

    @property
    def log_names(self) -> dict[str, str]:
        """The name of each container's log tail, by the container's own name."""
        family, _, revision = self.row.definition.partition(":")
        names = (container["name"] for container in self.containers)
        return {name: container_name(family, int(revision), name, self.row.id) for name in names}


def cluster_names(scope: Scope) -> list[str]:
    """The clusters' names; ``default`` exists implicitly."""
    arns = scope.call("ecs", "ListClusters", maxResults=PAGE).get("clusterArns", [])
    return sorted({arn.rpartition("/")[2] for arn in arns} | {"default"})


def tasks_of(scope: Scope, cluster: str, desired_status: str) -> list[TaskRow]:
    """A page of a cluster's tasks with that desiredStatus (RUNNING or STOPPED), newest first."""
    arns = scope.call("ecs", "ListTasks", cluster=cluster, desiredStatus=desired_status, maxResults=PAGE)["taskArns"]
    if not arns:
        return []
    tasks = scope.call("ecs", "DescribeTasks", cluster=cluster, tasks=arns)["tasks"]
    return sorted((_row(task) for task in tasks), key=lambda row: str(row.created_at), reverse=True)


def running_tasks(scope: Scope) -> list[TaskRow]:
    """Tasks of every cluster that should run."""
    return [row for cluster in cluster_names(scope) for row in tasks_of(scope, cluster, "RUNNING")]


def failed_lately(scope: Scope) -> list[TaskRow]:
    """The latest tasks that stopped though nobody asked them to, newest first."""
    stopped = (row for cluster in cluster_names(scope) for row in tasks_of(scope, cluster, "STOPPED"))
    failed = sorted((row for row in stopped if row.failed), key=lambda row: str(row.stopped_at), reverse=True)
    return failed[:SHOWN_FAILURES]


def find_task(scope: Scope, cluster: str, task_id: str) -> TaskPage | None:
    """A task with its timeline and last plan, or None where there is none."""
    tasks = scope.call("ecs", "DescribeTasks", cluster=cluster, tasks=[task_id], include=["TAGS"])["tasks"]
    if not tasks:
        return None
    task = tasks[0]
    row = _row(task)
    records = {"kind": KIND, "key": row.arn}
    return TaskPage(
        row=row,
        task=task,
        containers=list(task.get("containers", ())),
        why=explain(task_of(row.arn)),
        plan=PlanRecord.objects.filter(**records).order_by("-at", "-id").first(),
        host_ports=published(row.arn),
    )


def task_of(arn: str) -> Task:
    """The row of a task that was just described."""
    return Task.objects.select_related("cluster", "task_definition").get(arn=arn)


def _row(task: Mapping[str, Any]) -> TaskRow:
    return TaskRow(
        id=task["taskArn"].rpartition("/")[2],
        arn=task["taskArn"],
        cluster=Arn.parse(task["clusterArn"]).resource.rpartition("/")[2],
        definition=task["taskDefinitionArn"].rpartition("/")[2],
        last_status=task.get("lastStatus", ""),
        desired_status=task.get("desiredStatus", ""),
        health=task.get("healthStatus", ""),
        launch_type=task.get("launchType", ""),
        address=_address(task.get("attachments", ())),
        created_at=task.get("createdAt"),
        stopped_at=task.get("stoppedAt"),
        stop_code=task.get("stopCode") or "",
        stopped_reason=task.get("stoppedReason") or "",
        failed=_failed(task),
    )


def _failed(task: Mapping[str, Any]) -> bool:
    stop_code = task.get("stopCode") or ""
    if stop_code == "EssentialContainerExited":
        return any(container.get("exitCode") != 0 for container in task.get("containers", ()))
    return stop_code not in ("", "UserInitiated", "ServiceSchedulerInitiated")


def _address(attachments: Iterable[Mapping[str, Any]]) -> str:
    for attachment in attachments:
        for detail in attachment.get("details", ()):
            if detail["name"] == "privateIPv4Address":
                return str(detail["value"])
    return ""
