"""Asking tasks to stop, and taking note of those that have."""

from datetime import datetime

from django.db.models import F

from aws_api.core.reconcile import kick
from aws_api.services.ecs.models import Deployment, DesiredStatus, Service, Task
from aws_api.services.ecs.scheduler import event_messages
from aws_api.services.ecs.scheduler.events import tell
from aws_api.services.ecs.scheduler.steps import NoteEnded, StopTasks
from aws_api.services.ecs.specification import StopCode
from aws_api.services.ecs.specifications import KIND


def stop_tasks(service: Service, deployment: Deployment | None, step: StopTasks, now: datetime) -> None:
    """Ask the tasks to stop; their reconcilers stop them."""
    wanted = Task.objects.filter(cluster_id=service.cluster_id, task_id__in=step.task_ids)
    arns = list(wanted.filter(desired_status=DesiredStatus.RUNNING).order_by("pk").values_list("arn", flat=True))
    Task.objects.filter(arn__in=arns, desired_status=DesiredStatus.RUNNING).update(
        desired_status=DesiredStatus.STOPPED,
        desired_stop_code=StopCode.SERVICE_SCHEDULER_INITIATED,
        desired_stopped_reason=step.reason,
        version=F("version") + 1,
    )
    for message in step.events:
        tell(service, message, now)
    if arns:
        task_set = deployment.started_by if deployment and deployment.is_task_set else ""
        ids = [arn.rpartition("/")[2] for arn in arns]
        tell(service, event_messages.stopped(service.name, ids, task_set), now)
    for arn in arns:
        kick(KIND, arn)


def note_ended(service: Service, deployment: Deployment | None, step: NoteEnded, now: datetime) -> None:
    """Count what failed, once."""
    ended = Task.objects.filter(cluster_id=service.cluster_id, task_id__in=step.task_ids, is_accounted_for=False)
    if ended.update(is_accounted_for=True) and step.failed and deployment is not None:
        Deployment.objects.filter(pk=deployment.pk).update(
            last_failed_tasks=F("last_failed_tasks") + step.failed,
            last_failures_in_a_row=F("last_failures_in_a_row") + step.failed,
            last_failure_at=now,
            last_updated_at=now,
        )
        deployment.service_deployments.update(last_breaker_failures=F("last_breaker_failures") + step.failed)
