"""The steps from what a task's containers are to what they should be. Pure.

A stop is written down before anything is stopped for it, so that every round after it, also one after a crash, goes on
with the same end; and containers are removed only after their exit codes are written down.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from aws_api.core.containers import (
    AwaitResource,
    CreateContainer,
    Observation,
    Plan,
    PullImage,
    RemoveContainer,
    StartContainer,
    Step,
    StopContainer,
)
from aws_api.services.ecs.lifecycle import (
    NETWORK_TIMEOUT_S,
    Phase,
    TaskStatus,
    find_stop,
    holds,
    pause_phase,
    phase,
    start_deadline,
)
from aws_api.services.ecs.specification import Condition, ContainerPart, Stop, TaskSpec

#: The alias of the container that owns the network namespace; the name that ECS's agent gives it.
PAUSE = "~internal~ecs~pause"
#: A signal that was lost is sent again this long after the container should have been killed.
_STOP_SLACK_S = 10


def decide(task: TaskSpec, observed: Observation, now: datetime) -> Plan:
    """The next steps of a task."""
    if task.last_status == TaskStatus.STOPPED:
        return Plan(steps=tuple(_remove(task, observed, "the task is stopped")))
    stop = find_stop(task, observed, now)
    if stop is None:
        return _start(task, observed, now)
    if not (task.last_stop or task.desired_stop):
        return Plan(look_again_s=0)
    return _stop(task, observed, now, stop)


# Towards RUNNING ------------------------------------------------------------------------------------------------------


def _start(task: TaskSpec, observed: Observation, now: datetime) -> Plan:
    preparations = [*_await_network(task), *_pull(task, observed)]
    if preparations:
        # The network's StateChange wakes a task that waits for nothing else.
        return Plan(steps=tuple(preparations), look_again_s=_until_network_timeout(task, now))
    steps = [*_start_pause(task, observed), *_start_containers(task, observed)]
    return Plan(steps=tuple(steps), look_again_s=_until_deadline(task, observed, now))


def _await_network(task: TaskSpec) -> Iterable[Step]:
    if task.awaits:
        yield AwaitResource(kind=task.awaits.kind, key=task.awaits.key, cause="the VPC's network is not there yet")


def _pull(task: TaskSpec, observed: Observation) -> Iterable[Step]:
    seen: set[str] = set()
    for part in task.containers:
        image = part.spec.image
        if image in seen or phase(part, observed) is not Phase.ABSENT:
            continue
        seen.add(image)
        if image not in observed.images:
            cause = "the engine has no such image"
        elif part.own_registry and not task.images_pulled:
            cause = "the registry may have a newer one"
        else:
            continue
        yield PullImage(
            image=image,
            account_id=task.account_id,
            region=task.region,
            credentials=part.credentials,
            cause=cause,
        )


def _until_network_timeout(task: TaskSpec, now: datetime) -> float:
    """At once where only images were missing, else when the wait for the network is over."""
    if not task.awaits:
        return 0
    over_at = task.created_at + timedelta(seconds=NETWORK_TIMEOUT_S)
    return max((over_at - now).total_seconds(), 0)


def _start_pause(task: TaskSpec, observed: Observation) -> Iterable[Step]:
    if task.pause is None:
        return
    where = pause_phase(task, observed)
    if where is Phase.ABSENT:
        yield CreateContainer(spec=task.pause, alias=PAUSE, cause="the task's network namespace needs an owner")
    if where in (Phase.ABSENT, Phase.CREATED):
        yield StartContainer(
            name=task.pause.name,
            alias=PAUSE,
            ready_within_s=task.pause.ready_within_s,
            cause="the containers join its network namespace",
        )


def _start_containers(task: TaskSpec, observed: Observation) -> Iterable[Step]:
    parts = {part.name: part for part in task.containers}
    starting: set[str] = set()
    for part in task.containers:
        where = phase(part, observed)
        if where not in (Phase.ABSENT, Phase.CREATED) or not _may_start(part, parts, starting, observed):
            continue
        starting.add(part.name)
        if where is Phase.ABSENT:
            yield CreateContainer(spec=part.spec, alias=part.name, cause="its image is here")
        yield StartContainer(name=part.spec.name, alias=part.name, cause=_start_cause(part))


def _may_start(part: ContainerPart, parts: dict[str, ContainerPart], starting: set[str], observed: Observation) -> bool:
    return all(
        holds(dependency, parts[dependency.container], observed)
        # The plan runs in order and ends at a failure: what it starts first will have been started.
        or (dependency.condition is Condition.START and dependency.container in starting)
        for dependency in part.dependencies
    )


def _start_cause(part: ContainerPart) -> str:
    if not part.dependencies:
        return "it should run"
    reached = (f"{dependency.container} {dependency.condition}" for dependency in part.dependencies)
    return f"what it depends on is reached: {', '.join(reached)}"


def _until_deadline(task: TaskSpec, observed: Observation, now: datetime) -> float | None:
    """When the first of those that wait gives up, in seconds."""
    parts = {part.name: part for part in task.containers}
    deadlines = [
        deadline
        for part in task.containers
        if phase(part, observed) in (Phase.ABSENT, Phase.CREATED)
        for dependency in part.dependencies
        if not holds(dependency, parts[dependency.container], observed)
        and (deadline := start_deadline(parts[dependency.container], observed))
    ]
    return max((min(deadlines) - now).total_seconds(), 0) if deadlines else None


# Towards STOPPED ------------------------------------------------------------------------------------------------------


def _stop(task: TaskSpec, observed: Observation, now: datetime, stop: Stop) -> Plan:
    running = {part.name for part in task.containers if phase(part, observed) is Phase.RUNNING}
    if running:
        return _stop_containers(task, running, now, stop)
    if task.last_status != TaskStatus.DEPROVISIONING:
        return Plan(look_again_s=0)
    return Plan(steps=tuple(_remove(task, observed, "every container of the task has stopped")), look_again_s=0)


def _stop_containers(task: TaskSpec, running: set[str], now: datetime, stop: Stop) -> Plan:
    needed = {
        dependency.container for part in task.containers if part.name in running for dependency in part.dependencies
    }
    steps: list[Step] = []
    waits: list[float] = []
    for part in reversed(task.containers):
        if part.name not in running or part.name in needed:
            continue
        patience = timedelta(seconds=part.stop_timeout_s + _STOP_SLACK_S)
        told_at = part.record.told_to_stop_at
        if told_at and now < told_at + patience:
            waits.append((told_at + patience - now).total_seconds())
            continue
        waits.append(patience.total_seconds())
        steps.append(
            StopContainer(name=part.spec.name, alias=part.name, timeout_s=part.stop_timeout_s, cause=stop.reason)
        )
    return Plan(steps=tuple(steps), look_again_s=min(waits))


def _remove(task: TaskSpec, observed: Observation, cause: str) -> Iterable[Step]:
    """Remove whatever is there, the owner of the network namespace last."""
    aliases = {part.spec.name: part.name for part in task.containers} | {task.pause_name: PAUSE}
    # Docker lists by creation, so sort: plans must not depend on the daemon.
    names = sorted(container.name for container in observed.containers)
    for name in sorted(names, key=lambda name: name == task.pause_name):
        yield RemoveContainer(name=name, alias=aliases.get(name, ""), cause=cause)
