"""Where tasks are to be registered and where they are to be taken out, in that order before and after they serve. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html
"""

from collections.abc import Iterable

from aws_api.core.containers import Step
from aws_api.services.ecs.scheduler.specification import (
    Place,
    Registered,
    RegistrationState,
    ServiceSpec,
    ServiceTask,
)
from aws_api.services.ecs.scheduler.steps import Deregister, ForgetRegistrations, Register, TellHealth

Entry = tuple[str, Place]


def registering(service: ServiceSpec) -> list[Step]:
    """The steps from where tasks are registered to where they should be."""
    wanted: dict[str, list[Entry]] = {}
    unwanted: dict[tuple[str, str], list[Entry]] = {}
    drained: list[Entry] = []
    health: list[Step] = []
    for task in service.tasks:
        places = set() if task.is_leaving or not task.is_running else set(task.wanted)
        done = {each.place for each in task.registered if each.state is not RegistrationState.REGISTERING}
        for place in sorted(places - done):
            wanted.setdefault(place.resource_arn, []).append((task.arn, place))
        for each in task.registered:
            if each.state is RegistrationState.DRAINING:
                drained += [(task.arn, each.place)] if not each.health else []
            elif each.place not in places and (task.is_leaving or task.is_running):
                unwanted.setdefault((each.place.resource_arn, task.deployment_id), []).append((task.arn, each.place))
        if not task.is_leaving:
            health += _health(task)
    steps: list[Step] = [*_undo(service.orphans), *health]
    for (resource, deployment), entries in sorted(unwanted.items()):
        steps.append(
            Deregister(
                resource_arn=resource, deployment_id=deployment, places=tuple(entries), cause="the task is leaving"
            )
        )
    if drained:
        steps.append(ForgetRegistrations(places=tuple(drained), cause="its connections are drained"))
    for resource, entries in sorted(wanted.items()):
        steps.append(Register(resource_arn=resource, places=tuple(entries), cause="the task is running"))
    return steps


def _undo(orphans: Iterable[Registered]) -> list[Step]:
    """A task that has stopped is taken out at once: there is nobody to drain."""
    found: dict[str, list[Entry]] = {}
    for each in orphans:
        found.setdefault(each.place.resource_arn, []).append((each.task_arn, each.place))
    return [
        Deregister(
            resource_arn=resource, deployment_id="", places=tuple(entries), at_once=True, cause="the task has stopped"
        )
        for resource, entries in sorted(found.items())
    ]


def _health(task: ServiceTask) -> list[Step]:
    """Cloud Map is told how a task is where its service asks for that."""
    health = task.health if task.has_health_check else "HEALTHY"
    return [
        TellHealth(
            resource_arn=each.place.resource_arn,
            task_arn=task.arn,
            place=each.place,
            health=health,
            cause="its containers' health changed",
        )
        for each in task.registered
        if not each.place.is_target_group
        and each.state is RegistrationState.REGISTERED
        and each.health not in ("", health)
        and health in ("HEALTHY", "UNHEALTHY")
    ]
