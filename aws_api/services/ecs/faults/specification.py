"""What faults want of one task that runs: how its network is disturbed, and what is to be done to it. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aws_api.core.containers import (
    ContainerSpec,
    ContainerState,
    CreateContainer,
    ExhaustMemory,
    KillContainer,
    Observation,
    OwnStep,
    Plan,
    RemoveContainer,
    StartContainer,
    Step,
)
from aws_api.core.faults import FaultRule
from aws_api.services.ecs.specification import Stop

READY_WITHIN_S = 30
_MEMORY_BYTES = 64 << 20
#: A fault that is due so soon is looked at again then; others when the sweep comes by.
MAX_WAIT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Blow:
    """Something that a fault does to a task once, when it is due. ``subject`` is what is counted as hit.

    ``containers`` are pairs of the engine's name and the task's; ``stop`` is what the task then stops for.
    """

    rule: FaultRule
    subject: str
    due_at: datetime
    containers: tuple[tuple[str, str], ...] = ()
    exhausts_memory: bool = False
    stop: Stop | None = None


@dataclass(frozen=True, kw_only=True)
class TaskFaults:
    """A task with what its faults want. ``looks_again_s`` is when a decision of theirs is over."""

    arn: str
    disturbance: ContainerSpec | None = None
    blows: Sequence[Blow] = ()
    fault_ids: tuple[str, ...] = ()
    looks_again_s: float | None = None
    wakes_task: bool = False
    #: Account, region and address of its own interface, where load balancers check it; and whether those checks fail.
    place: tuple[str, str, str] | None = None
    fails_checks: bool = False


@dataclass(frozen=True, kw_only=True)
class Strike(OwnStep):
    """Count a hit, and ask the task to stop where that is what the fault does."""

    blow: Blow

    @property
    def subject(self) -> str:
        return self.blow.subject


def disturbance(*, pause_name: str, image: str, labels: dict[str, str], environment: dict[str, str]) -> ContainerSpec:
    """The container that disturbs a task's network (sidecar/network_fault.py); its name tells how."""
    digest = hashlib.sha256(repr(sorted(environment.items())).encode()).hexdigest()[:8]
    return ContainerSpec(
        name=f"{pause_name}-fault-{digest}",
        image=image,
        labels=labels,
        entry_point=("python3", "-m", "sidecar.network_fault"),
        environment=environment,
        network_of=pause_name,
        capabilities_add=("NET_ADMIN",),
        memory_bytes=_MEMORY_BYTES,
        ready_within_s=READY_WITHIN_S,
    )


def decide(task: TaskFaults, observed: Observation, now: datetime) -> Plan:
    """The next steps of a task's faults."""
    steps = [*_disturb(task, observed)]
    waits = [] if task.looks_again_s is None else [task.looks_again_s]
    for blow in task.blows:
        if blow.due_at <= now:
            steps += _strike(blow)
        else:
            waits.append((blow.due_at - now).total_seconds())
    return Plan(steps=tuple(steps), look_again_s=_rounded(min(waits)) if waits else None)


def _disturb(task: TaskFaults, observed: Observation) -> list[Step]:
    wanted, steps = task.disturbance, list[Step]()
    for container in observed.containers:
        is_it = wanted is not None and container.name == wanted.name
        if not is_it or container.state not in (ContainerState.RUNNING, ContainerState.CREATED):
            steps.append(RemoveContainer(name=container.name, cause="no fault wants the network disturbed like this"))
    if wanted is None:
        return steps
    there = observed.container(wanted.name)
    cause = f"{', '.join(task.fault_ids)} disturbs the network"
    if there is None or there.state not in (ContainerState.RUNNING, ContainerState.CREATED):
        steps.append(CreateContainer(spec=wanted, cause=cause))
    if there is None or there.state is not ContainerState.RUNNING:
        steps.append(StartContainer(name=wanted.name, ready_within_s=wanted.ready_within_s, cause=cause))
    return steps


def _strike(blow: Blow) -> list[Step]:
    cause = f"{blow.rule.fault_id}: {blow.rule.effect_type}"
    kind = ExhaustMemory if blow.exhausts_memory else KillContainer
    return [
        Strike(blow=blow, cause=cause),
        *(kind(name=name, alias=alias, cause=cause) for name, alias in blow.containers),
    ]


def _rounded(wait_s: float) -> float:
    """In tenths, so that few different waits are under way."""
    return round(min(max(wait_s, 0.1), MAX_WAIT_S), 1)
