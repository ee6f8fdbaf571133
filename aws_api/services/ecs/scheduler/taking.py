"""Taking the steps of a service's plan, each as the row is now."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from aws_api.core.containers import OwnStep
from aws_api.core.reconcile import kick
from aws_api.services.ecs.models import Deployment, Service, ServiceStatus
from aws_api.services.ecs.scheduler import hook_calls, progress, registrations, stopping
from aws_api.services.ecs.scheduler.events import tell_once
from aws_api.services.ecs.scheduler.specification import ServiceSpec
from aws_api.services.ecs.scheduler.starting import start_tasks
from aws_api.services.ecs.scheduler.steps import (
    CompleteDeployment,
    Deregister,
    EndHook,
    EndService,
    EnterStage,
    FailDeployment,
    ForgetFailures,
    ForgetRegistrations,
    NoteEnded,
    Register,
    RetireDeployment,
    RunHook,
    SetSteady,
    SetTaskSetSteady,
    ShiftTraffic,
    StartTasks,
    StopTasks,
    Tell,
    TellHealth,
)
from aws_api.services.ecs.scheduler.traffic import shift_traffic
from aws_api.services.ecs.specifications import KIND as TASK_KIND

#: Steps that go to other services and to the outside: no transaction is held open meanwhile.
_OUTWARD = (Register, Deregister, TellHealth, ShiftTraffic, RunHook)


def take(spec: ServiceSpec, step: OwnStep, now: datetime) -> bool:
    """Take a step; False where the service is no longer what the plan was made for."""
    if isinstance(step, _OUTWARD):
        service = _unchanged(spec, is_locked=False)
        return service is not None and _take_outward(service, step, now)
    with transaction.atomic():
        service = _unchanged(spec, is_locked=True)
        if service is None:
            return False
        _take(service, step, now)
    return True


def _unchanged(spec: ServiceSpec, *, is_locked: bool) -> Service | None:
    rows = Service.objects.filter(arn=spec.arn, version=spec.version).exclude(last_status=ServiceStatus.INACTIVE)
    if is_locked:
        rows = rows.select_for_update(of=("self",))
    return rows.select_related("cluster").first()


def _take_outward(service: Service, step: OwnStep, now: datetime) -> bool:
    match step:
        case Register():
            return registrations.register(service, step, now)
        case Deregister():
            _let_stop(registrations.deregister(service, step, now))
        case TellHealth():
            registrations.tell_health(service, step)
        case RunHook():
            hook_calls.run_hook(service, step, now)
        case ShiftTraffic():
            deployment = _deployment(service, step.deployment_id)
            if deployment is None:
                return False
            shift_traffic(service, deployment, step, now)
        case _:
            raise AssertionError(f"no such step: {step!r}")
    return True


def _take(service: Service, step: OwnStep, now: datetime) -> None:
    match step:
        case Tell():
            tell_once(service, step.message, now)
        case SetSteady():
            progress.set_steady(service, step, now)
        case EndService():
            progress.end(service, step, now)
        case EnterStage():
            progress.enter_stage(service, step, now)
        case EndHook():
            hook_calls.end_hook(service, step, now)
        case ForgetRegistrations():
            _let_stop(registrations.forget(service, step))
        case StopTasks():
            stopping.stop_tasks(service, _deployment(service, step.deployment_id), step, now)
        case NoteEnded():
            stopping.note_ended(service, _deployment(service, step.deployment_id), step, now)
        case _:
            deployment = _deployment(service, getattr(step, "deployment_id", ""))
            if deployment is not None:
                _take_with(service, deployment, step, now)


def _take_with(service: Service, deployment: Deployment, step: OwnStep, now: datetime) -> None:
    match step:
        case StartTasks():
            start_tasks(service, deployment, step, now)
        case ForgetFailures():
            progress.forget_failures(deployment, step, now)
        case CompleteDeployment():
            progress.complete(service, deployment, step, now)
        case FailDeployment():
            progress.fail(service, deployment, step, now)
        case RetireDeployment():
            progress.retire(service, deployment, step, now)
        case SetTaskSetSteady():
            progress.set_task_set_steady(service, deployment, step, now)
        case _:
            raise AssertionError(f"no such step: {step!r}")


def _let_stop(task_arns: Iterable[str]) -> None:
    """Tasks that are registered nowhere any more need not wait to stop."""
    for arn in task_arns:
        kick(TASK_KIND, arn)


def _deployment(service: Service, deployment_id: str) -> Deployment | None:
    found = service.deployments.select_related("task_definition").filter(deployment_id=deployment_id).first()
    if found is not None:
        found.service = service
    return found
