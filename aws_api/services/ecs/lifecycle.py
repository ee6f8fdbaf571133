"""What a task's containers say of the task: statuses in order, when it must stop, and what to write down. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from aws_api.core.containers import (
    AwaitResource,
    ContainerState,
    CreateContainer,
    Observation,
    ObservedContainer,
    PullImage,
    StartContainer,
    StepFailure,
)
from aws_api.services.ecs.specification import (
    Condition,
    ContainerPart,
    ContainerRecord,
    Dependency,
    Stop,
    StopCode,
    TaskSpec,
)


class TaskStatus(StrEnum):
    """lastStatus, in the order in which a task passes them; none is ever gone back to."""

    PROVISIONING = "PROVISIONING"
    PENDING = "PENDING"
    ACTIVATING = "ACTIVATING"
    RUNNING = "RUNNING"
    DEACTIVATING = "DEACTIVATING"
    STOPPING = "STOPPING"
    DEPROVISIONING = "DEPROVISIONING"
    STOPPED = "STOPPED"


STATUS_ORDER = tuple(TaskStatus)
#: What DescribeClusters counts as pending.
PENDING_STATUSES = (TaskStatus.PROVISIONING, TaskStatus.PENDING, TaskStatus.ACTIVATING)

#: How long a task waits for its VPC's network before it gives up.
NETWORK_TIMEOUT_S = 180

#: The exit code of who ended at SIGTERM.
_TERMINATED = 143

ESSENTIAL_EXITED = "Essential container in task exited"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
VOLUME_MISSING = (
    "CannotCreateContainerError: the shared volume {name} does not exist, and its autoprovision is off: make it with "
    "docker volume create, or set autoprovision to true."
)
NETWORK_TIMED_OUT = "Timeout waiting for network interface provisioning to complete."


class Phase(StrEnum):
    """Where a container stands."""

    ABSENT = "absent"  # not made yet
    CREATED = "created"  # made, not started
    RUNNING = "running"
    RESTARTING = "restarting"  # it ended, and its restart policy starts it again
    ENDED = "ended"  # it ran and is over, or it can never run


def may_follow(before: str, after: str) -> bool:
    """Whether a task may go from one status to another: forward only."""
    return STATUS_ORDER.index(TaskStatus(before)) < STATUS_ORDER.index(TaskStatus(after))


def phase(part: ContainerPart, observed: Observation) -> Phase:
    """Where a container stands, by what is there and what was there."""
    if part.record.failure:
        return Phase.ENDED
    container = observed.container(part.spec.name)
    where = _phase(container, was_started=part.record.started)
    return Phase.RESTARTING if where is Phase.ENDED and _is_restarted(part, container) else where


def pause_phase(task: TaskSpec, observed: Observation) -> Phase:
    """Where the container that owns the network namespace stands."""
    return _phase(observed.container(task.pause_name), was_started=task.pause_started)


def _phase(container: ObservedContainer | None, *, was_started: bool) -> Phase:
    if container is None:
        # A container of ours that is gone was removed by somebody: it is over, not to be made anew.
        return Phase.ENDED if was_started else Phase.ABSENT
    match container.state:
        case ContainerState.CREATED:
            return Phase.CREATED
        case ContainerState.RUNNING | ContainerState.PAUSED | ContainerState.RESTARTING:
            return Phase.RUNNING
        case ContainerState.EXITED | ContainerState.DEAD | ContainerState.REMOVING:
            return Phase.ENDED


def _is_restarted(part: ContainerPart, container: ObservedContainer | None) -> bool:
    """Whether a container that ended is to be started again: it ran long enough, and its exit code is not ignored."""
    if part.restart is None or container is None or container.state is not ContainerState.EXITED:
        return False
    if container.started_at is None or container.finished_at is None:
        return False
    lasted = container.finished_at - container.started_at
    return (
        container.exit_code not in part.restart.ignored_exit_codes
        and lasted.total_seconds() >= part.restart.attempt_period_s
    )


# Dependencies ---------------------------------------------------------------------------------------------------------


def holds(dependency: Dependency, target: ContainerPart, observed: Observation) -> bool:
    """Whether a container has reached what another waits for."""
    where = phase(target, observed)
    if target.record.failure:
        return False
    match dependency.condition:
        case Condition.START:
            return where in (Phase.RUNNING, Phase.RESTARTING, Phase.ENDED)
        case Condition.COMPLETE:
            return where is Phase.ENDED
        case Condition.SUCCESS:
            return where is Phase.ENDED and _exit_code(target, observed) == 0
        case Condition.HEALTHY:
            container = observed.container(target.spec.name)
            is_healthy = container is not None and container.health == "healthy" and not target.fails_checks
            return where is Phase.RUNNING and is_healthy


def _never_holds(dependency: Dependency, target: ContainerPart, observed: Observation, now: datetime) -> str:
    """Why a condition can no longer be reached, or nothing."""
    if target.record.failure:
        return f"dependency {target.name} failed to start"
    over = phase(target, observed) is Phase.ENDED
    if over and dependency.condition is Condition.SUCCESS:
        return f"dependency {target.name} did not exit successfully"
    if over and dependency.condition is Condition.HEALTHY:
        return f"dependency {target.name} exited before it was healthy"
    deadline = start_deadline(target, observed)
    if deadline and now >= deadline:
        return f"dependency {target.name} did not reach {dependency.condition} within {target.start_timeout_s} seconds"
    return ""


def start_deadline(target: ContainerPart, observed: Observation) -> datetime | None:
    """When those who wait for a running container give up."""
    container = observed.container(target.spec.name)
    started_at = (container.started_at if container else None) or target.record.started_at
    if target.start_timeout_s is None or started_at is None:
        return None
    return started_at + timedelta(seconds=target.start_timeout_s)


def _exit_code(part: ContainerPart, observed: Observation) -> int | None:
    container = observed.container(part.spec.name)
    return container.exit_code if container else part.record.exit_code


# The end of a task ----------------------------------------------------------------------------------------------------


def find_stop(task: TaskSpec, observed: Observation, now: datetime) -> Stop | None:
    """Why the task must stop, or None. What was decided once stands."""
    if task.last_stop:
        return task.last_stop
    if task.desired_stop:
        return task.desired_stop
    if task.problem:
        return _failed_to_start(task.problem)
    if missing := _missing_volume(task, observed):
        return _failed_to_start(VOLUME_MISSING.format(name=missing))
    if task.awaits and now >= task.created_at + timedelta(seconds=NETWORK_TIMEOUT_S):
        problem = f" {task.awaits.problem}" if task.awaits.problem else ""
        return _failed_to_start(f"{NETWORK_TIMED_OUT}{problem}")
    if task.shares_namespaces and _lost_namespaces(task, observed):
        return Stop(code=StopCode.ESSENTIAL_CONTAINER_EXITED, reason=ESSENTIAL_EXITED)
    for part in task.containers:
        if part.essential and phase(part, observed) is Phase.ENDED:
            if part.record.failure:
                return _failed_to_start(part.record.failure)
            return Stop(code=StopCode.ESSENTIAL_CONTAINER_EXITED, reason=ESSENTIAL_EXITED)
    return _dependency_stop(task, observed, now)


def _missing_volume(task: TaskSpec, observed: Observation) -> str:
    """A volume without which a task that is starting cannot go on."""
    if task.last_status not in (TaskStatus.PROVISIONING, TaskStatus.PENDING):
        return ""
    names = [volume.spec.name for volume in task.volumes if volume.must_exist]
    return next((name for name in names if name not in observed.volumes), "")


def _lost_namespaces(task: TaskSpec, observed: Observation) -> bool:
    """Whether containers are, or were, in namespaces that are no more."""
    match pause_phase(task, observed):
        case Phase.ENDED:
            return True
        case Phase.ABSENT | Phase.CREATED:
            return any(phase(part, observed) is Phase.RUNNING for part in task.containers)
        case Phase.RUNNING | Phase.RESTARTING:
            return False


def _dependency_stop(task: TaskSpec, observed: Observation, now: datetime) -> Stop | None:
    parts = {part.name: part for part in task.containers}
    for part in task.containers:
        if phase(part, observed) not in (Phase.ABSENT, Phase.CREATED):
            continue
        for dependency in part.dependencies:
            target = parts[dependency.container]
            if holds(dependency, target, observed):
                continue
            if reason := _never_holds(dependency, target, observed, now):
                return _failed_to_start(f"Task failed to start: container {part.name}: {reason}")
    return None


def _failed_to_start(reason: str) -> Stop:
    return Stop(code=StopCode.TASK_FAILED_TO_START, reason=reason)


# What is written down -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What a round leaves written: the task's status, its end, and a record of each container."""

    status: TaskStatus
    stop: Stop | None
    records: Mapping[str, ContainerRecord]
    health: str
    pause_started: bool


def assess(task: TaskSpec, observed: Observation, failure: StepFailure | None, now: datetime) -> Assessment:
    """What is true after a round. ``observed`` is from after its plan was executed."""
    network_stop = None
    if failure:
        task = _with_failure(task, failure)
        network_stop = _stop_of_network(task, failure)
    stop = task.last_stop or task.desired_stop or network_stop or find_stop(task, observed, now)
    status = _status(task, observed, stop)
    if may_follow(status, task.last_status):
        status = TaskStatus(task.last_status)
    records = {part.name: _record(part, observed) for part in task.containers}
    if status is TaskStatus.STOPPED:
        records = {name: replace(record, status="STOPPED") for name, record in records.items()}
    return Assessment(
        status=status,
        stop=stop,
        records=records,
        health=_health(task, records),
        pause_started=task.pause_started or pause_phase(task, observed) is Phase.RUNNING,
    )


def _with_failure(task: TaskSpec, failure: StepFailure) -> TaskSpec:
    """The task with the failure laid to the containers that it keeps from starting."""
    step = failure.step
    parts = []
    for part in task.containers:
        match step:
            case PullImage(image=image):
                failed = part.spec.image == image and not part.record.started
            case CreateContainer(spec=spec):
                failed = part.spec.name == spec.name
            case StartContainer(name=name):
                failed = part.spec.name == name
            case _:
                failed = False
        record = replace(part.record, status="STOPPED", failure=failure.reason, reason=failure.reason)
        parts.append(replace(part, record=record) if failed else part)
    return replace(task, containers=tuple(parts))


def _stop_of_network(task: TaskSpec, failure: StepFailure) -> Stop | None:
    match failure.step:
        case CreateContainer(spec=spec) if spec.name == task.pause_name:
            return _failed_to_start(failure.reason)
        case StartContainer(name=name) if name == task.pause_name:
            return _failed_to_start(failure.reason)
        case AwaitResource():
            return _failed_to_start(failure.reason)
    return None


def _status(task: TaskSpec, observed: Observation, stop: Stop | None) -> TaskStatus:
    phases = {phase(part, observed) for part in task.containers}
    if stop is None:
        if task.awaits:
            return TaskStatus.PROVISIONING
        has_begun = phases <= {Phase.RUNNING, Phase.RESTARTING, Phase.ENDED}
        return TaskStatus.RUNNING if has_begun else TaskStatus.PENDING
    if Phase.RUNNING in phases:
        return TaskStatus.DEACTIVATING if task.is_registered else TaskStatus.STOPPING
    return TaskStatus.DEPROVISIONING if to_remove(task, observed) else TaskStatus.STOPPED


def to_remove(task: TaskSpec, observed: Observation) -> list[str]:
    """The containers that go when the task has stopped; of one that is held, only the owner of its namespaces."""
    return [
        container.name for container in observed.containers if not task.is_held or container.name == task.pause_name
    ]


def _record(part: ContainerPart, observed: Observation) -> ContainerRecord:
    record, container = part.record, observed.container(part.spec.name)
    if container is None:
        return replace(record, status="STOPPED") if record.started else record
    where = phase(part, observed)
    started = record.started or (where not in (Phase.ABSENT, Phase.CREATED) and not record.failure)
    image = observed.images.get(part.spec.image)
    return replace(
        record,
        status=_STATUS_OF_PHASE[where],
        started=started,
        runtime_id=container.id,
        image_digest=(image.digest if image else "") or record.image_digest,
        exit_code=container.exit_code if started else None,
        reason=record.failure or _reason(container),
        out_of_memory=container.out_of_memory,
        restarts=record.restarts + int(_began_anew(record, container)),
        health=_HEALTH.get(_seen_health(part, container), "UNKNOWN"),
        health_output=container.health_output,
        bindings=_bindings(container),
        created_at=container.created_at or record.created_at,
        started_at=container.started_at or record.started_at,
        finished_at=container.finished_at if where is Phase.ENDED else None,
    )


def _seen_health(part: ContainerPart, container: ObservedContainer) -> str:
    """What the engine says of a container's health; of one that is well, what a fault says."""
    if part.fails_checks and container.health == "healthy":
        return "unhealthy"
    return container.health or ""


def _began_anew(record: ContainerRecord, container: ObservedContainer) -> bool:
    return None not in (record.started_at, container.started_at) and record.started_at != container.started_at


_STATUS_OF_PHASE = {
    Phase.ABSENT: "PENDING",
    Phase.CREATED: "PENDING",
    Phase.RUNNING: "RUNNING",
    Phase.RESTARTING: "RUNNING",
    Phase.ENDED: "STOPPED",
}
_HEALTH = {"healthy": "HEALTHY", "unhealthy": "UNHEALTHY"}


def _reason(container: ObservedContainer) -> str:
    # Where the task was out of memory, the engine says so of each of its containers, also of those that ended well.
    if container.out_of_memory and container.exit_code not in (0, _TERMINATED):
        return OUT_OF_MEMORY
    return container.error


def _bindings(container: ObservedContainer) -> tuple[Mapping[str, object], ...]:
    return tuple(
        {
            "bindIP": binding.host_ip,
            "containerPort": binding.container_port,
            "hostPort": binding.host_port,
            "protocol": binding.protocol,
        }
        for binding in container.ports
    )


def _health(task: TaskSpec, records: Mapping[str, ContainerRecord]) -> str:
    """A task is as healthy as its essential containers that say how they are."""
    known = {records[part.name].health for part in task.containers if part.essential and part.has_health_check}
    if "UNHEALTHY" in known:
        return "UNHEALTHY"
    return "HEALTHY" if known == {"HEALTHY"} else "UNKNOWN"
