"""Registering tasks in target groups and Cloud Map, and taking them out. What is done is written down before."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from aws_api.core.context import Context, internal_context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import invoke
from aws_api.services.ecs.models import Registration, Service
from aws_api.services.ecs.scheduler import event_messages
from aws_api.services.ecs.scheduler.events import tell, tell_once
from aws_api.services.ecs.scheduler.specification import Place, RegistrationState
from aws_api.services.ecs.scheduler.steps import Deregister, ForgetRegistrations, Register, TellHealth
from aws_api.services.ecs.service_connect import endpoints_changed

#: Cloud Map's words for what is not there any more.
_GONE = ("InstanceNotFound", "ServiceNotFound", "TargetGroupNotFound", "TargetGroupNotFoundException")


def register(service: Service, step: Register, now: datetime) -> bool:
    """Register the step's tasks; False where that did not work, which is told."""
    context = internal_context(service.account_id, service.region)
    rows = [_written_down(service, task_arn, place, now) for task_arn, place in step.places]
    try:
        health = _register(context, step)
    except AwsError as error:
        tell_once(service, event_messages.not_registered(service.name, step.resource_arn, error.message), now)
        return False
    Registration.objects.filter(pk__in=[row.pk for row in rows]).update(
        last_state=RegistrationState.REGISTERED, last_health=health, last_changed_at=now
    )
    endpoints_changed(service.account_id, service.region)
    if _is_target_group(step.resource_arn):
        tell(service, event_messages.registered(service.name, len(rows), step.resource_arn), now)
    return True


def deregister(service: Service, step: Deregister, now: datetime) -> list[str]:
    """Take the step's tasks out. Those of a load balancer drain first, where their task is still there.

    Answers the ARNs of tasks that are registered nowhere any more.
    """
    context = internal_context(service.account_id, service.region)
    drains = _is_target_group(step.resource_arn) and not step.at_once
    rows = _rows(service, step.places)
    if drains:
        rows.update(last_state=RegistrationState.DRAINING, last_health="draining", last_changed_at=now)
    try:
        _deregister(context, step)
    except AwsError as error:
        if error.code not in _GONE:
            raise
    free = [] if drains else _delete(service, step.places)
    if _is_target_group(step.resource_arn):
        count, deployment = len(step.places), f"ecs-svc/{step.deployment_id}"
        if drains:
            tell(service, event_messages.draining(service.name, deployment, count), now)
        tell(service, event_messages.deregistered(service.name, count, step.resource_arn), now)
    return free


def forget(service: Service, step: ForgetRegistrations) -> list[str]:
    """Registrations that are over; answers the ARNs of tasks that have none left and may stop."""
    return _delete(service, step.places)


def _delete(service: Service, places: Sequence[tuple[str, Place]]) -> list[str]:
    _rows(service, places).delete()
    endpoints_changed(service.account_id, service.region)
    arns = sorted({task_arn for task_arn, _ in places})
    held = set(Registration.objects.filter(task_arn__in=arns).values_list("task_arn", flat=True))
    return [arn for arn in arns if arn not in held]


def tell_health(service: Service, step: TellHealth) -> None:
    """Tell Cloud Map how a task is."""
    context = internal_context(service.account_id, service.region)
    request = {
        "ServiceId": _service_id(step.resource_arn),
        "InstanceId": step.place.target_id,
        "Status": step.health,
    }
    invoke(context, "servicediscovery", "UpdateInstanceCustomHealthStatus", request)
    _rows(service, [(step.task_arn, step.place)]).update(last_health=step.health)


def _register(context: Context, step: Register) -> str:
    """Answers the health that is known at first."""
    if _is_target_group(step.resource_arn):
        request = {"TargetGroupArn": step.resource_arn, "Targets": _targets(step.places)}
        invoke(context, "elbv2", "RegisterTargets", request)
        return "INITIAL"
    service_id = _service_id(step.resource_arn)
    found = invoke(context, "servicediscovery", "GetService", {"Id": service_id})["Service"]
    has_health = "HealthCheckCustomConfig" in found
    for _, place in step.places:
        attributes = {**place.attributes, **({"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"} if has_health else {})}
        instance = {"ServiceId": service_id, "InstanceId": place.target_id, "Attributes": attributes}
        invoke(context, "servicediscovery", "RegisterInstance", instance)
    return "UNHEALTHY" if has_health else ""


def _deregister(context: Context, step: Deregister) -> None:
    if _is_target_group(step.resource_arn):
        request = {"TargetGroupArn": step.resource_arn, "Targets": _targets(step.places)}
        invoke(context, "elbv2", "DeregisterTargets", request)
        return
    for _, place in step.places:
        request = {"ServiceId": _service_id(step.resource_arn), "InstanceId": place.target_id}
        invoke(context, "servicediscovery", "DeregisterInstance", request)


def _written_down(service: Service, task_arn: str, place: Place, now: datetime) -> Registration:
    row, _ = Registration.objects.get_or_create(
        task_arn=task_arn,
        resource_arn=place.resource_arn,
        target_id=place.target_id,
        port=place.port,
        defaults={"service": service, "last_changed_at": now},
    )
    return row


def _rows(service: Service, places: Iterable[tuple[str, Place]]) -> Any:
    keys = [
        row.pk
        for row in Registration.objects.filter(service=service, task_arn__in=[arn for arn, _ in places])
        if (row.task_arn, Place(resource_arn=row.resource_arn, target_id=row.target_id, port=row.port)) in set(places)
    ]
    return Registration.objects.filter(pk__in=keys)


def _targets(places: Iterable[tuple[str, Place]]) -> list[Mapping[str, Any]]:
    return [{"Id": place.target_id, "Port": place.port} for _, place in places]


def _service_id(registry_arn: str) -> str:
    return registry_arn.rpartition("/")[2]


def _is_target_group(arn: str) -> bool:
    return ":targetgroup/" in arn
