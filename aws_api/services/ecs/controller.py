"""Keeps tasks true: loads them for the loop, writes down what each round left, and collects those long stopped.

The only writer of ``last_*`` columns.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from aws_api.core.changes import StateChange, publish, subscribe
from aws_api.core.clock import SHARED_CLOCK, SYSTEM_CLOCK
from aws_api.core.containers import LABEL_KEY, LABEL_KIND, CreateContainer, Observation, Plan, PullImage, Scope
from aws_api.core.models import PlanRecord, Transition
from aws_api.core.network import network_provider
from aws_api.core.reconcile import Round, kick, register_controller
from aws_api.services.ecs.faults.overlay import with_faults
from aws_api.services.ecs.host_ports import follow_status
from aws_api.services.ecs.identifiers import service_arn
from aws_api.services.ecs.image_versions import with_pulled_digests
from aws_api.services.ecs.instance_controller import InstanceController
from aws_api.services.ecs.lifecycle import PENDING_STATUSES, STATUS_ORDER, Assessment, TaskStatus, assess
from aws_api.services.ecs.models import RunTaskToken, Task, TaskDefinition, TaskDefinitionStatus
from aws_api.services.ecs.reconcile import decide
from aws_api.services.ecs.scheduler.controller import ServiceController
from aws_api.services.ecs.scheduler.progress import KIND as SERVICE_KIND
from aws_api.services.ecs.specification import ContainerRecord, TaskSpec
from aws_api.services.ecs.specifications import KIND, record_to_json, task_spec
from aws_api.services.ecs.timeline import Passage, passages

#: The kind whose change means that a VPC's network may be there now.
NETWORK_KIND = "ec2.vpc"
#: Rows that one sweep or collection takes; the next takes the rest.
MAX_SWEPT = 1000
MAX_RUNNING = 10_000
MAX_COLLECTED = 500
#: How long the containers of a task that is held are kept.
HOLD_LIFETIME = timedelta(days=1)
#: How long RunTask remembers a clientToken.
TOKEN_LIFETIME = timedelta(hours=24)


class TaskController:
    """The controller of ``ecs.task``; the key is the task's ARN."""

    kind = KIND

    def load(self, key: str) -> TaskSpec | None:
        row = Task.objects.select_related("cluster", "task_definition").filter(arn=key).first()
        return with_faults(task_spec(row), row) if row else None

    def scope(self, desired: TaskSpec) -> Scope:
        starting = desired.last_status in (TaskStatus.PROVISIONING, TaskStatus.PENDING)
        images = sorted({part.spec.image for part in desired.containers}) if starting else []
        is_settled = desired.last_status == TaskStatus.RUNNING
        volumes = () if is_settled else tuple(volume.spec.name for volume in desired.volumes)
        return Scope(labels={LABEL_KIND: KIND, LABEL_KEY: desired.arn}, images=tuple(images), volumes=volumes)

    def decide(self, desired: TaskSpec, observed: Observation, now: datetime) -> Plan:
        return decide(desired, observed, now)

    def record(self, desired: TaskSpec, outcome: Round) -> None:
        """Write down what is. Where the row has changed since it was loaded nothing is written: the next round will."""
        if desired.last_status == TaskStatus.STOPPED:
            return
        now = SYSTEM_CLOCK.now()
        assessment = assess(desired, with_pulled_digests(desired, outcome.observed), outcome.failure, now)
        with transaction.atomic():
            row = Task.objects.select_related("cluster").filter(arn=desired.arn, version=desired.version).first()
            if row is None:
                return
            changes = _changes(row, desired, assessment, outcome, now)
            if not changes:
                return
            found = Task.objects.filter(pk=row.pk, version=row.version)
            if not found.update(**changes, version=F("version") + 1):
                return
            if assessment.status is TaskStatus.STOPPED and row.network:
                network_provider().delete(row.account_id, row.region, row.network["interface_id"])
            if row.service_name and _concerns_service(row, assessment):
                kick(SERVICE_KIND, service_arn(row.account_id, row.region, row.cluster.name, row.service_name))
            if assessment.status != row.last_status:
                follow_status(row, assessment.status)
                _tell(row, passages(row.last_status, assessment, _times(row, desired, changes, now), now))

    def unsettled(self, now: datetime) -> Iterable[str]:
        wants_to_stop = Q(desired_status="STOPPED") | ~Q(last_stop_code="")
        rows = Task.objects.exclude(last_status=TaskStatus.STOPPED).filter(
            ~Q(last_status=TaskStatus.RUNNING) | wants_to_stop
        )
        return list(rows.order_by("pk").values_list("arn", flat=True)[:MAX_SWEPT])

    def running(self) -> Iterable[str]:
        """Tasks that run as far as anybody knows."""
        rows = Task.objects.filter(last_status=TaskStatus.RUNNING)
        return list(rows.order_by("pk").values_list("arn", flat=True)[:MAX_RUNNING])

    def collect(self, now: datetime) -> None:
        """Forget tasks that stopped long ago, with their timelines, and what only they kept."""
        long_ago = now - timedelta(seconds=settings.SIMFRA_STOPPED_TASK_RETENTION_S)
        stopped = Task.objects.filter(last_status=TaskStatus.STOPPED, last_stopped_at__lt=long_ago).filter(
            Q(desired_hold=False) | Q(last_stopped_at__lt=now - HOLD_LIFETIME)
        )
        arns = list(stopped.order_by("last_stopped_at").values_list("arn", flat=True)[:MAX_COLLECTED])
        with transaction.atomic():
            Transition.objects.filter(kind=KIND, key__in=arns).delete()
            PlanRecord.objects.filter(kind=KIND, key__in=arns).delete()
            Task.objects.filter(arn__in=arns).delete()
        TaskDefinition.objects.filter(
            status=TaskDefinitionStatus.DELETE_IN_PROGRESS, tasks__isnull=True, deployments__isnull=True
        ).delete()
        RunTaskToken.objects.filter(created_at__lt=now - TOKEN_LIFETIME).delete()


@subscribe
def kick_tasks_that_wait_for_a_network(change: StateChange) -> None:
    """A VPC's network is there, or failed: whoever waits for it looks again."""
    if change.kind != NETWORK_KIND:
        return
    waiting = Task.objects.filter(last_status=TaskStatus.PROVISIONING, network__key=change.key)
    for arn in waiting.order_by("pk").values_list("arn", flat=True)[:MAX_SWEPT]:
        kick(KIND, arn)


def _concerns_service(row: Task, assessment: Assessment) -> bool:
    """Whether what changed is what a service decides by."""
    return assessment.health != row.last_health_status or (
        assessment.status != row.last_status and assessment.status not in PENDING_STATUSES
    )


def _changes(row: Task, desired: TaskSpec, assessment: Assessment, outcome: Round, now: datetime) -> Mapping[str, Any]:
    """The columns whose values are not what the assessment says."""
    records = assessment.records
    stop = assessment.stop
    values: dict[str, Any] = {
        "last_status": assessment.status.value,
        "last_stop_code": str(stop.code) if stop else "",
        "last_stopped_reason": stop.reason if stop else "",
        "last_health_status": assessment.health,
        "last_containers": {name: record_to_json(record) for name, record in records.items()},
        "last_attachment": _attachment(row, desired, assessment),
        "last_pause_started": assessment.pause_started,
        **_first_times(desired, assessment, outcome, now),
    }
    return {
        name: value
        for name, value in values.items()
        if value != getattr(row, name) and not (name in _FIRST_TIMES and getattr(row, name) is not None)
    }


_FIRST_TIMES = (
    "last_connectivity_at",
    "last_pull_started_at",
    "last_pull_stopped_at",
    "last_started_at",
    "last_running_at",
    "last_stopping_at",
    "last_execution_stopped_at",
    "last_stopped_at",
)


def _first_times(desired: TaskSpec, assessment: Assessment, outcome: Round, now: datetime) -> dict[str, datetime]:
    """When things were first true; a time once written stays."""
    times: dict[str, datetime] = {}
    began = any(isinstance(step, PullImage | CreateContainer) for step in outcome.plan.steps)
    passed = STATUS_ORDER.index(assessment.status)
    if began:
        times["last_pull_started_at"] = desired.loaded_at
    if created := [record.created_at for record in assessment.records.values() if record.created_at]:
        times["last_connectivity_at"] = times["last_pull_stopped_at"] = min(created)
    if started := _all_started(assessment):
        times["last_started_at"] = started
    elif assessment.status is TaskStatus.RUNNING:
        times["last_started_at"] = now
    if assessment.status is TaskStatus.RUNNING:
        times["last_running_at"] = SHARED_CLOCK.now()
    if assessment.stop:
        times["last_stopping_at"] = now
    if passed >= STATUS_ORDER.index(TaskStatus.DEPROVISIONING):
        times["last_execution_stopped_at"] = _last_end(assessment.records.values()) or now
    if assessment.status is TaskStatus.STOPPED:
        times["last_stopped_at"] = now
    return times


def _all_started(assessment: Assessment) -> datetime | None:
    """When the last container started, where all have: also of a task that was over before anybody saw it run."""
    started = [record.started_at for record in assessment.records.values() if record.started and record.started_at]
    return max(started) if len(started) == len(assessment.records) else None


def _last_end(records: Iterable[ContainerRecord]) -> datetime | None:
    return max((record.finished_at for record in records if record.finished_at), default=None)


def _attachment(row: Task, desired: TaskSpec, assessment: Assessment) -> Mapping[str, Any]:
    """AWS's Attachment shape of the interface as it stands."""
    if not row.network:
        return {}
    if assessment.status is TaskStatus.STOPPED:
        status = "DELETED"
    elif assessment.pause_started:
        status = "ATTACHED"
    else:
        status = "ATTACHING"
    return {**row.last_attachment, "status": status, "details": row.network["details"]}


def _times(
    row: Task, desired: TaskSpec, changes: Mapping[str, Any], now: datetime
) -> Mapping[TaskStatus, datetime | None]:
    """When statuses were reached, by what is written down of the task."""

    def column(name: str) -> datetime | None:
        time: datetime | None = changes.get(name) or getattr(row, name)
        return time

    return {
        TaskStatus.PENDING: desired.loaded_at,
        TaskStatus.ACTIVATING: column("last_started_at"),
        TaskStatus.RUNNING: column("last_started_at"),
        TaskStatus.DEACTIVATING: column("last_stopping_at"),
        TaskStatus.STOPPING: column("last_stopping_at"),
        TaskStatus.DEPROVISIONING: now,
    }


def _tell(row: Task, passed: Iterable[Passage]) -> None:
    changes = [
        StateChange(
            kind=KIND,
            key=row.arn,
            account_id=row.account_id,
            region=row.region,
            before=passage.before,
            after=passage.after,
            cause=passage.cause,
            at=passage.at,
        )
        for passage in passed
    ]
    Transition.objects.bulk_create(Transition(**asdict(change)) for change in changes)
    for change in changes:
        publish(change)


register_controller(TaskController())
register_controller(InstanceController())
register_controller(ServiceController())
