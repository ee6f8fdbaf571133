"""Moving deployments on: their stages, their success, their failure and the way back."""

from collections import Counter
from datetime import datetime
from typing import Any

from aws_api.core.changes import StateChange, publish
from aws_api.core.models import Transition
from aws_api.services.ecs.models import Deployment, DeploymentStatus, Service, ServiceDeployment, ServiceStatus
from aws_api.services.ecs.scheduler import event_messages
from aws_api.services.ecs.scheduler.events import tell
from aws_api.services.ecs.scheduler.loading import is_leaving, process_row, tasks_of
from aws_api.services.ecs.scheduler.steps import (
    CompleteDeployment,
    EndService,
    EnterStage,
    FailDeployment,
    ForgetFailures,
    RetireDeployment,
    SetSteady,
    SetTaskSetSteady,
)

KIND = "ecs.service"

_MONITORED = {"breaker": "last_breaker_status", "alarms": "last_alarm_status"}


def enter_stage(service: Service, step: EnterStage, now: datetime) -> None:
    """Begin a stage of the service deployment that is under way."""
    process = process_row(service)
    if process is not None:
        _update(
            process, now, last_stage=step.stage, last_stage_at=now, last_stage_percent=process.last_production_percent
        )
        _change(service, process.last_stage, step.stage, step.cause, now)


def complete(service: Service, deployment: Deployment, step: CompleteDeployment, now: datetime) -> None:
    """The deployment is what the service runs."""
    reason = f"ECS deployment {deployment.started_by} completed."
    _update_deployment(deployment, now, last_rollout_state="COMPLETED", last_rollout_reason=reason)
    tell(service, event_messages.deployment_completed(service.name, deployment.started_by), now)
    process = process_row(service)
    if process is not None:
        is_back = process.last_status.startswith("ROLLBACK")
        _update(
            process,
            now,
            last_status="ROLLBACK_SUCCESSFUL" if is_back else "SUCCESSFUL",
            last_finished_at=now,
            **_monitors_end(process),
        )
    _change(service, "IN_PROGRESS", "COMPLETED", reason, now)


def fail(service: Service, deployment: Deployment, step: FailDeployment, now: datetime) -> None:
    """The deployment has failed: back to another where there is one to go back to."""
    _update_deployment(deployment, now, last_rollout_state="FAILED", last_rollout_reason=step.reason)
    tell(service, event_messages.deployment_failed(service.name, deployment.started_by, step.event), now)
    process = process_row(service)
    monitor: dict[str, Any] = {_MONITORED[step.monitor]: "TRIGGERED"} if step.monitor in _MONITORED else {}
    if step.alarms:
        monitor["last_triggered_alarms"] = list(step.alarms)
    back = service.deployments.filter(deployment_id=step.rollback_id).first() if step.rollback_id else None
    if back is None:
        if process is not None:
            ends = {"last_stopped_at": now, "last_finished_at": now, **_monitors_end(process), **monitor}
            _update(process, now, last_status="STOPPED", last_status_reason=step.status_reason, **ends)
    else:
        _go_back(service, deployment, back, step, now)
        if process is not None:
            began = now.isoformat()
            rollback = {"reason": step.status_reason, "startedAt": began, "serviceRevisionArn": back.revision_arn}
            _update(
                process,
                now,
                last_status="ROLLBACK_IN_PROGRESS",
                last_status_reason=step.status_reason,
                last_rollback=rollback,
                **monitor,
            )
    _change(service, "IN_PROGRESS", "FAILED", step.reason, now)


def _go_back(service: Service, failed: Deployment, back: Deployment, step: FailDeployment, now: datetime) -> None:
    _update_deployment(failed, now, last_status=DeploymentStatus.ACTIVE)
    what = "ECS deployment circuit breaker" if step.monitor == "breaker" else "ECS deployment"
    _update_deployment(
        back,
        now,
        last_status=DeploymentStatus.PRIMARY,
        last_rollout_state="IN_PROGRESS",
        last_rollout_reason=f"{what}: rolling back to deploymentId {back.started_by}.",
        last_failed_tasks=0,
        last_failures_in_a_row=0,
    )
    tell(service, event_messages.rolling_back(service.name, back.started_by), now)


def forget_failures(deployment: Deployment, step: ForgetFailures, now: datetime) -> None:
    counts = {"last_failed_tasks": 0} if step.of_breaker else {}
    _update_deployment(deployment, now, last_failures_in_a_row=0, **counts)
    if step.of_breaker:
        deployment.service_deployments.update(last_breaker_failures=0)


def retire(service: Service, deployment: Deployment, step: RetireDeployment, now: datetime) -> None:
    # It keeps the time of its completion: the last that completed is what a rollback goes back to.
    Deployment.objects.filter(pk=deployment.pk).update(last_status=DeploymentStatus.INACTIVE)
    _change(service, deployment.last_status, DeploymentStatus.INACTIVE, step.cause, now)


def set_steady(service: Service, step: SetSteady, now: datetime) -> None:
    if (
        Service.objects.filter(pk=service.pk)
        .exclude(last_is_steady=step.is_steady)
        .update(last_is_steady=step.is_steady)
    ):
        if step.is_steady:
            _tell_if_rebalanced(service, now)
            tell(service, event_messages.steady(service.name), now)
        _change(service, "", "STEADY_STATE" if step.is_steady else "STABILIZING", step.cause, now)


def _tell_if_rebalanced(service: Service, now: datetime) -> None:
    """The event that ends what began with tasks out of balance between zones."""
    about_balance = service.events.filter(message__contains=event_messages.AZ_BALANCED).order_by("-pk").first()
    if about_balance is None or event_messages.NOT_BALANCED not in about_balance.message:
        return
    crowds = Counter(task.document.get("availabilityZone", "") for task in tasks_of(service) if not is_leaving(task))
    tell(service, event_messages.balanced(service.name, crowds), now)


def set_task_set_steady(service: Service, deployment: Deployment, step: SetTaskSetSteady, now: datetime) -> None:
    _update_deployment(deployment, now, last_is_steady=step.is_steady, last_steady_at=now)
    if step.is_steady:
        tell(service, event_messages.task_set_steady(service.name, deployment.started_by), now)


def end(service: Service, step: EndService, now: datetime) -> None:
    """The service is no more; it is remembered for a while."""
    Service.objects.filter(pk=service.pk).update(
        last_status=ServiceStatus.INACTIVE, last_inactive_at=now, last_settled_version=service.version
    )
    service.deployments.update(last_status=DeploymentStatus.INACTIVE)
    _change(service, ServiceStatus.DRAINING, ServiceStatus.INACTIVE, step.cause, now)


def _monitors_end(process: ServiceDeployment) -> dict[str, Any]:
    return {column: "MONITORING_COMPLETE" for column in _MONITORED.values() if getattr(process, column) == "MONITORING"}


def _update(process: ServiceDeployment, now: datetime, **values: Any) -> None:
    ServiceDeployment.objects.filter(pk=process.pk).update(last_updated_at=now, **values)


def _update_deployment(deployment: Deployment, now: datetime, **values: Any) -> None:
    Deployment.objects.filter(pk=deployment.pk).update(last_updated_at=now, **values)


def _change(service: Service, before: str, after: str, cause: str, now: datetime) -> None:
    told = {"account_id": service.account_id, "region": service.region, "before": before, "after": after}
    Transition.objects.create(kind=KIND, key=service.arn, cause=cause, at=now, **told)
    publish(StateChange(kind=KIND, key=service.arn, cause=cause, at=now, **told))
