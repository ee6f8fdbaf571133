"""Where a task stands in the eyes of its service: container health and target health both count. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from aws_api.services.ecs.scheduler.specification import RegistrationState, ServiceSpec, ServiceTask, TargetHealth


class Standing(StrEnum):
    """What a task counts as."""

    PENDING = "pending"  # on its way to RUNNING
    WAITING = "waiting"  # it runs, and is not known to be healthy yet
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    LEAVING = "leaving"  # told to stop


def standing(task: ServiceTask, service: ServiceSpec, now: datetime) -> Standing:
    """Where a task stands. In the grace period after its start nothing makes it unhealthy."""
    if task.is_leaving:
        return Standing.LEAVING
    if not task.is_running or task.started_at is None:
        return Standing.PENDING
    verdicts = {_container_verdict(task), *_target_verdicts(task)} - {None}
    if Standing.UNHEALTHY in verdicts:
        in_grace = now < task.started_at + timedelta(seconds=service.grace_s)
        return Standing.WAITING if in_grace else Standing.UNHEALTHY
    if Standing.WAITING in verdicts:
        return Standing.WAITING
    if verdicts:
        return Standing.HEALTHY
    return Standing.HEALTHY if now >= warm_at(task, service) else Standing.WAITING


def warm_at(task: ServiceTask, service: ServiceSpec) -> datetime:
    """From when a task that nothing checks counts as healthy."""
    assert task.started_at is not None, "only a running task warms up"
    return task.started_at + timedelta(seconds=service.warm_up_s)


def waits_for_time(task: ServiceTask, service: ServiceSpec, now: datetime) -> float | None:
    """In how many seconds the task's standing may change by itself; None where only the world changes it."""
    if task.is_leaving or not task.is_running or task.started_at is None:
        return None
    moments = (task.started_at + timedelta(seconds=service.grace_s), warm_at(task, service))
    return min(((at - now).total_seconds() for at in moments if at > now), default=None)


def unhealthy_places(task: ServiceTask) -> list[tuple[str, int, str]]:
    """Target groups in which the task is unhealthy: ARN, port, reason."""
    return [
        (each.place.resource_arn, each.place.port, each.reason)
        for each in task.registered
        if each.place.is_target_group and each.health == TargetHealth.UNHEALTHY
    ]


def _container_verdict(task: ServiceTask) -> Standing | None:
    if not task.has_health_check:
        return None
    return {"HEALTHY": Standing.HEALTHY, "UNHEALTHY": Standing.UNHEALTHY}.get(task.health, Standing.WAITING)


def _target_verdicts(task: ServiceTask) -> set[Standing]:
    known = {each.place: each for each in task.registered if each.state is RegistrationState.REGISTERED}
    verdicts = set()
    for place in task.wanted:
        if not place.is_target_group:
            continue
        found = known.get(place)
        health = found.health if found else TargetHealth.INITIAL
        # Nobody checks a target group that no listener uses: its targets are as good as they say themselves.
        verdicts.add(_VERDICTS.get(health, Standing.WAITING))
    return verdicts


_VERDICTS: dict[str, Standing] = {
    TargetHealth.HEALTHY: Standing.HEALTHY,
    TargetHealth.UNUSED: Standing.HEALTHY,
    TargetHealth.UNHEALTHY: Standing.UNHEALTHY,
}
