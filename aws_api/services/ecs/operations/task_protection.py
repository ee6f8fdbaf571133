"""Task scale-in protection: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection.html"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from aws_api.core.context import Context
from aws_api.services.ecs.clusters import active_cluster
from aws_api.services.ecs.identifiers import task_arn, task_id
from aws_api.services.ecs.models import Cluster, Task
from aws_api.services.ecs.scheduler.waking import wake_services
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.shapes import (
    GetTaskProtectionRequest,
    InvalidParameterException,
    UpdateTaskProtectionRequest,
)

Shape = dict[str, Any]

MAX_TASKS = 10
MAX_LISTED = 100
DEFAULT_EXPIRY_MIN = 120
MAX_EXPIRY_MIN = 2880


@ecs.operation
def update_task_protection(context: Context, request: UpdateTaskProtectionRequest) -> Shape:
    """Protect tasks of services from being scaled in for a while, or no longer. Standalone tasks are failures."""
    cluster = active_cluster(context, request["cluster"])
    if not 1 <= len(request["tasks"]) <= MAX_TASKS:
        raise InvalidParameterException(f"Tasks must have between 1 and {MAX_TASKS} items.")
    minutes = request.get("expiresInMinutes", DEFAULT_EXPIRY_MIN)
    if not 1 <= minutes <= MAX_EXPIRY_MIN:
        raise InvalidParameterException(f"expiresInMinutes must be between 1 and {MAX_EXPIRY_MIN}.")
    until = context.clock.now() + timedelta(minutes=minutes) if request["protectionEnabled"] else None
    tasks, failures = _found(context, cluster, request["tasks"])
    protected = []
    for task in tasks:
        if not task.service_name:
            failures.append({"arn": task.arn, "reason": "TASK_NOT_VALID"})
            continue
        Task.objects.filter(pk=task.pk).update(desired_protected_until=until)
        task.desired_protected_until = until
        protected.append(_describe(task, context.clock.now()))
    if protected and until is None:
        # What protection kept may go now.
        wake_services(cluster)
    return {"protectedTasks": protected, "failures": failures}


@ecs.operation
def get_task_protection(context: Context, request: GetTaskProtectionRequest) -> Shape:
    """Whether tasks are protected; without tasks, those of the cluster that are."""
    cluster, now = active_cluster(context, request["cluster"]), context.clock.now()
    if not request.get("tasks"):
        rows = Task.objects.filter(cluster=cluster, desired_protected_until__gt=now).order_by("pk")[:MAX_LISTED]
        return {"protectedTasks": [_describe(task, now) for task in rows], "failures": []}
    tasks, failures = _found(context, cluster, request["tasks"])
    return {"protectedTasks": [_describe(task, now) for task in tasks], "failures": failures}


def _found(context: Context, cluster: Cluster, identifiers: Iterable[str]) -> tuple[list[Task], list[dict[str, str]]]:
    ids = [task_id(identifier, cluster.name) for identifier in identifiers]
    rows = {row.task_id: row for row in Task.objects.filter(cluster=cluster, task_id__in=ids[:MAX_LISTED])}
    missing = [
        {"arn": task_arn(context.account_id, context.region, cluster.name, key), "reason": "MISSING"}
        for key in ids
        if key not in rows
    ]
    return [rows[key] for key in dict.fromkeys(ids) if key in rows], missing


def _describe(task: Task, now: datetime) -> Shape:
    until = task.desired_protected_until
    is_protected = until is not None and until > now
    shape: Shape = {"taskArn": task.arn, "protectionEnabled": is_protected}
    return {**shape, "expirationDate": until} if is_protected else shape
