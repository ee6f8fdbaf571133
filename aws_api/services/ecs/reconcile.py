"""The steps from what a task's containers are to what they should be. Pure.

A stop is written down before anything is stopped for it, so that every round after it, also one after a crash, goes on
with the same end; and containers are removed only after their exit codes are written down.
"""

from collections.abc import Iterable
from datetime import datetime
from math import ceil

from aws_api.core.containers import (
    AwaitResource,
    CreateContainer,
    CreateVolume,
    Observation,
    Plan,
    PullImage,
    RemoveContainer,
    RemoveVolume,
    StartContainer,
    Step,
    StopContainer,
)
from aws_api.services.ecs.lifecycle import (
    Phase,
    TaskStatus,
    find_stop,
    holds,
    pause_phase,
    phase,
    start_deadline,
    to_remove,
)
from aws_api.services.ecs.specification import Condition, ContainerPart, Stop, TaskSpec

#: The alias of the container that owns the shared namespaces; the name that ECS's agent gives it.
PAUSE = "~internal~ecs~pause"


def decide(task: TaskSpec, observed: Observation, now: datetime) -> Plan:
    """The next steps of a task."""
    if task.last_status == TaskStatus.STOPPED:
        return Plan(steps=tuple(_remove(task, observed, "the task is stopped")))
    stop = find_stop(task, observed, now)
    if stop is None:
        return _start(task, observed, now)
    if not (task.last_stop or task.desired_stop):
        return Plan(look_again_s=0)
    return _stop(task, observed, stop)


# Towards RUNNING ------------------------------------------------------------------------------------------------------


def _start(task: TaskSpec, observed: Observation, now: datetime) -> Plan:
    """One plan for all that can be done now. It ends at a step that has to wait, which kicks when it is done."""
    startable = _startable(task, observed)
    steps = [
        *_pull(task, observed, startable),
        *_await_network(task),
        *_make_volumes(task, startable, observed),
        *_start_pause(task, observed),
        *_start_containers(task, startable, observed),
    ]
    return Plan(steps=tuple(steps), look_again_s=_until_deadline(task, observed, now))


def _startable(task: TaskSpec, observed: Observation) -> list[ContainerPart]:
    """Containers that are not started and whose dependencies hold, or will once those before them are started."""
    parts = {part.name: part for part in task.containers}
    starting: dict[str, ContainerPart] = {}
    for part in task.containers:
        if phase(part, observed) in (Phase.ABSENT, Phase.CREATED, Phase.RESTARTING) and all(
            holds(dependency, parts[dependency.container], observed)
            # The plan runs in order and ends at a failure: what it starts first will have been started.
            or (dependency.condition is Condition.START and dependency.container in starting)
            for dependency in part.dependencies
        ):
            starting[part.name] = part
    return list(starting.values())


def _pull(task: TaskSpec, observed: Observation, startable: list[ContainerPart]) -> Iterable[Step]:
    """Images that are missing, for every container; of our own registry also those that may have changed."""
    causes: dict[str, str] = {}
    for part in task.containers:
        if phase(part, observed) is not Phase.ABSENT or part.spec.image in causes:
            continue
        if part.spec.image not in observed.images:
            causes[part.spec.image] = "the engine has no such image"
        elif part.asks_registry and part in startable:
            causes[part.spec.image] = "the registry may have a newer one"
        elif part.pull_fault:
            causes[part.spec.image] = f"{part.pull_fault.fault_id} is about its pull"
        else:
            continue
        yield PullImage(
            image=part.spec.image,
            account_id=task.account_id,
            region=task.region,
            credentials=part.credentials,
            fault=part.pull_fault,
            cause=causes[part.spec.image],
        )


def _await_network(task: TaskSpec) -> Iterable[Step]:
    if task.awaits:
        yield AwaitResource(kind=task.awaits.kind, key=task.awaits.key, cause="the VPC's network is not there yet")


def _make_volumes(task: TaskSpec, startable: list[ContainerPart], observed: Observation) -> Iterable[Step]:
    used = {mount.source for part in startable for mount in part.spec.mounts}
    for volume in task.volumes:
        if volume.spec.name in used and volume.spec.name not in observed.volumes and not volume.must_exist:
            cause = "the task's own" if volume.own else "it is not there yet"
            yield CreateVolume(spec=volume.spec, alias=volume.name, cause=cause)


def _start_pause(task: TaskSpec, observed: Observation) -> Iterable[Step]:
    if task.pause is None:
        return
    where = pause_phase(task, observed)
    if where is Phase.ABSENT:
        yield CreateContainer(spec=task.pause, alias=PAUSE, cause="what the containers share needs an owner")
    if where in (Phase.ABSENT, Phase.CREATED):
        yield StartContainer(
            name=task.pause.name,
            alias=PAUSE,
            ready_within_s=task.pause.ready_within_s,
            cause="the containers join its namespaces",
        )


def _start_containers(task: TaskSpec, startable: list[ContainerPart], observed: Observation) -> Iterable[Step]:
    if task.awaits:
        return
    for part in startable:
        if phase(part, observed) is Phase.ABSENT:
            yield CreateContainer(spec=part.spec, alias=part.name, cause="its image is here")
        yield StartContainer(
            name=part.spec.name,
            alias=part.name,
            ready_within_s=part.spec.ready_within_s,
            cause=_start_cause(part, observed),
        )


def _start_cause(part: ContainerPart, observed: Observation) -> str:
    ended = observed.container(part.spec.name)
    if ended and phase(part, observed) is Phase.RESTARTING:
        return f"it exited with {ended.exit_code}, and its restart policy starts it again"
    if not part.dependencies:
        return "it should run"
    reached = (f"{dependency.container} {dependency.condition}" for dependency in part.dependencies)
    return f"what it depends on is reached: {', '.join(reached)}"


def _until_deadline(task: TaskSpec, observed: Observation, now: datetime) -> float | None:
    """When the first of those that wait gives up, in whole seconds."""
    parts = {part.name: part for part in task.containers}
    deadlines = [
        deadline
        for part in task.containers
        if phase(part, observed) in (Phase.ABSENT, Phase.CREATED)
        for dependency in part.dependencies
        if not holds(dependency, parts[dependency.container], observed)
        and (deadline := start_deadline(parts[dependency.container], observed))
    ]
    return max(ceil((min(deadlines) - now).total_seconds()), 0) if deadlines else None


# Towards STOPPED ------------------------------------------------------------------------------------------------------


def _stop(task: TaskSpec, observed: Observation, stop: Stop) -> Plan:
    running = {part.name for part in task.containers if phase(part, observed) is Phase.RUNNING}
    if running and task.is_registered:
        # Its service kicks once it is taken out.
        return Plan()
    if running:
        return Plan(steps=tuple(_stop_containers(task, running, stop)))
    if task.last_status != TaskStatus.DEPROVISIONING:
        return Plan(look_again_s=0)
    return Plan(steps=tuple(_remove(task, observed, "every container of the task has stopped")), look_again_s=0)


def _stop_containers(task: TaskSpec, running: set[str], stop: Stop) -> Iterable[Step]:
    """Those that no running container depends on; asked for until they have ended."""
    needed = {
        dependency.container for part in task.containers if part.name in running for dependency in part.dependencies
    }
    for part in reversed(task.containers):
        if part.name in running and part.name not in needed:
            yield StopContainer(name=part.spec.name, alias=part.name, timeout_s=part.stop_timeout_s, cause=stop.reason)


def _remove(task: TaskSpec, observed: Observation, cause: str) -> Iterable[Step]:
    """Remove whatever is there, the owner of the namespaces last; then the volumes that nobody else has."""
    aliases = {part.spec.name: part.name for part in task.containers} | {task.pause_name: PAUSE}
    # Docker lists by creation, so sort: plans must not depend on the daemon.
    names = sorted(to_remove(task, observed))
    for name in sorted(names, key=lambda name: name == task.pause_name):
        yield RemoveContainer(name=name, alias=aliases.get(name, ""), cause=cause)
    for volume in task.volumes:
        if volume.own and volume.spec.name in observed.volumes and not task.is_held:
            yield RemoveVolume(name=volume.spec.name, alias=volume.name, cause=cause)
