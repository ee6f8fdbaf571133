"""ECS tasks as pages show them: AWS's shapes with what a reader wants beside them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet

from aws_api.core.arns import Arn
from aws_api.core.host_ports import PublishedPort, published
from aws_api.core.models import PlanRecord
from aws_api.services.ecs import describe
from aws_api.services.ecs.container_specs import container_name
from aws_api.services.ecs.explain import explain
from aws_api.services.ecs.models import Task
from console.scope import Scope

KIND = "ecs.task"
TASKS_ON_A_PAGE = 50
SHOWN_ON_HOME = 12
SHOWN_FAILURES = 10
#: Of the latest stopped tasks, so many are looked at for failures.
_LOOKED_AT = 100
MAX_CLUSTERS = 100
_ASKED_FOR = ("UserInitiated", "ServiceSchedulerInitiated")
#: Names of variables whose values are not shown, though nobody made secrets of them.
_CONFIDENTIAL = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE_KEY|CREDENTIAL", re.IGNORECASE)
MASK = "••••••••"


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
    service: str
    container_names: tuple[str, ...]

    @property
    def family(self) -> str:
        return self.definition.partition(":")[0]

    @property
    def revision(self) -> int:
        return int(self.definition.partition(":")[2])

    @property
    def engine_names(self) -> dict[str, str]:
        """What the engine calls each container, by the container's own name."""
        return {name: container_name(self.family, self.revision, name, self.id) for name in self.container_names}


@dataclass(frozen=True, kw_only=True)
class TaskFilter:
    """Which of a cluster's tasks a list shows: what they should be, and whatever else is given."""

    stopped: bool = False
    last_status: str = ""
    service: str = ""
    family: str = ""

    def rows(self, scope: Scope, cluster: str) -> "QuerySet[Task]":
        """The tasks, the newest first."""
        found = _tasks(scope, stopped=self.stopped).filter(cluster__name=cluster)
        asked = {"last_status": self.last_status, "service_name": self.service, "family": self.family}
        return found.filter(**{column: value for column, value in asked.items() if value})


@dataclass(frozen=True, kw_only=True)
class Variable:
    """An environment variable of a container; a secret's value is masked and says where it is from."""

    name: str
    value: str
    source: str = ""


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
    #: Its task definition, as it was registered.
    definition: Mapping[str, Any] = field(default_factory=dict)

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
        return self.row.engine_names

    @property
    def environment(self) -> list[tuple[str, list[Variable]]]:
        """Each container's variables as its definition and the task's overrides give them."""
        overrides = {each.get("name"): each for each in self.task.get("overrides", {}).get("containerOverrides", ())}
        return [
            (each["name"], variables_of(each, overrides.get(each["name"], {})))
            for each in self.definition["containerDefinitions"]
        ]


def variables_of(container: Mapping[str, Any], override: Mapping[str, Any]) -> list[Variable]:
    """A container definition's variables with what RunTask overrides, secrets masked, by name."""
    given = {each["name"]: each.get("value", "") for each in container.get("environment", ())}
    given |= {each["name"]: each.get("value", "") for each in override.get("environment", ())}
    variables = [
        Variable(name=name, value=MASK if _CONFIDENTIAL.search(name) and value else value)
        for name, value in given.items()
    ]
    variables += [
        Variable(name=each["name"], value=MASK, source=each["valueFrom"]) for each in container.get("secrets", ())
    ]
    return sorted(variables, key=lambda variable: variable.name)


def cluster_names(scope: Scope) -> list[str]:
    """The clusters' names; ``default`` exists implicitly."""
    arns = scope.call("ecs", "ListClusters", maxResults=MAX_CLUSTERS).get("clusterArns", [])
    return sorted({arn.rpartition("/")[2] for arn in arns} | {"default"})


def tasks_of(scope: Scope, cluster: str, wanted: TaskFilter, page_number: str | None = None) -> Page[Task]:
    """A page of a cluster's tasks; ``task_rows`` makes them what the templates show."""
    return Paginator(wanted.rows(scope, cluster), TASKS_ON_A_PAGE).get_page(page_number)


def task_rows(tasks: Iterable[Task]) -> list[TaskRow]:
    """Tasks as lists show them."""
    return [_row(describe.task_row(task)) for task in tasks]


def running_tasks(scope: Scope, limit: int = SHOWN_ON_HOME) -> list[TaskRow]:
    """The newest tasks of every cluster that should run."""
    return task_rows(_tasks(scope, stopped=False)[:limit])


def by_family(rows: Iterable[TaskRow]) -> dict[str, list[str]]:
    """The engine's names of running tasks' containers, by service or family: the lines of a plot."""
    lines: dict[str, list[str]] = {}
    for row in rows:
        if row.last_status == "RUNNING":
            lines.setdefault(row.service or row.family, []).extend(row.engine_names.values())
    return lines


def running_count(scope: Scope) -> int:
    """How many tasks should run."""
    return _tasks(scope, stopped=False).count()


def failed_lately(scope: Scope) -> list[TaskRow]:
    """The latest tasks that stopped though nobody asked them to, newest first."""
    stopped = _tasks(scope, stopped=True).exclude(last_stop_code__in=["", *_ASKED_FOR]).order_by("-last_stopped_at")
    return [row for row in task_rows(stopped[:_LOOKED_AT]) if row.failed][:SHOWN_FAILURES]


def find_task(scope: Scope, cluster: str, task_id: str) -> TaskPage | None:
    """A task with its timeline and last plan, or None where there is none."""
    tasks = scope.call("ecs", "DescribeTasks", cluster=cluster, tasks=[task_id], include=["TAGS"])["tasks"]
    if not tasks:
        return None
    task = tasks[0]
    row = _row(task)
    found = task_of(row.arn)
    records = {"kind": KIND, "key": row.arn}
    return TaskPage(
        row=row,
        task=task,
        containers=list(task.get("containers", ())),
        why=explain(found),
        definition=found.task_definition.document,
        plan=PlanRecord.objects.filter(**records).order_by("-at", "-id").first(),
        host_ports=published(row.arn),
    )


def task_of(arn: str) -> Task:
    """The row of a task that was just described."""
    return Task.objects.select_related("cluster", "task_definition").get(arn=arn)


def _tasks(scope: Scope, *, stopped: bool) -> "QuerySet[Task]":
    """The account's tasks, the newest first; one that decided to stop counts as stopped, as in ListTasks."""
    is_stopped = Q(desired_status="STOPPED") | ~Q(last_stop_code="")
    found = Task.objects.filter(is_stopped if stopped else ~is_stopped)
    return found.filter(account_id=scope.account_id, region=scope.region).select_related("cluster").order_by("-pk")


def _row(task: Mapping[str, Any]) -> TaskRow:
    group = task.get("group", "")
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
        service=group.removeprefix("service:") if group.startswith("service:") else "",
        container_names=tuple(container["name"] for container in task.get("containers", ())),
    )


def _failed(task: Mapping[str, Any]) -> bool:
    stop_code = task.get("stopCode") or ""
    if stop_code == "EssentialContainerExited":
        return any(container.get("exitCode") != 0 for container in task.get("containers", ()))
    return stop_code not in ("", *_ASKED_FOR)


def _address(attachments: Iterable[Mapping[str, Any]]) -> str:
    for attachment in attachments:
        for detail in attachment.get("details", ()):
            if detail["name"] == "privateIPv4Address":
                return str(detail["value"])
    return ""
