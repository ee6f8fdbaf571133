"""What is to be done for the namespaces that a VPC keeps ready, so that tasks need not wait for theirs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from aws_api.core.containers import (
    ContainerSpec,
    ContainerState,
    CreateContainer,
    Observation,
    Plan,
    RemoveContainer,
    StartContainer,
    Step,
)

#: Nothing is made ahead while interfaces come: those tasks have the machine, and more of them may come.
QUIET_S = 1.0
#: What a VPC without tasks keeps ready is taken away after this.
KEEP_IDLE_S = 120.0


class NamespaceStatus(StrEnum):
    """Where a namespace's container stands."""

    PENDING = "PENDING"  # it is not running
    READY = "READY"  # it runs


@dataclass(frozen=True, kw_only=True)
class DesiredNamespace:
    """A namespace. ``is_wanted``: it is to be there. ``is_taken``: an interface has it."""

    name: str
    spec: ContainerSpec
    is_wanted: bool
    is_taken: bool
    last_status: NamespaceStatus

    @property
    def may_be_taken(self) -> bool:
        """Whether an interface may take it at any moment: it is then not removed before that is written off."""
        return not self.is_taken and self.last_status is NamespaceStatus.READY


@dataclass(frozen=True, kw_only=True)
class DesiredNamespaces:
    """Those of one VPC's network. ``missing`` are the numbers that subnets lack, ``quiet_in_s`` says when to act."""

    key: str
    labels: Mapping[str, str]
    namespaces: tuple[DesiredNamespace, ...]
    missing: Mapping[int, int]
    is_in_use: bool
    quiet_in_s: float
    look_again_s: float | None


def decide(desired: DesiredNamespaces, observed: Observation) -> Plan:
    """Take away what nobody wants, then make what is missing, one at a time."""
    known = {namespace.name for namespace in desired.namespaces}
    steps: list[Step] = [
        RemoveContainer(name=container.name, cause="nothing is known of it")
        for container in observed.containers
        if container.name not in known
    ]
    for namespace in desired.namespaces:
        found = observed.container(namespace.name)
        if found is not None and not namespace.is_wanted and not namespace.may_be_taken:
            steps.append(RemoveContainer(name=namespace.name, cause="no task will have it"))
    is_quiet = desired.quiet_in_s <= 0
    for namespace in desired.namespaces:
        if is_quiet and namespace.is_wanted and not namespace.is_taken:
            steps.extend(_start(namespace, observed))
    if steps:
        return Plan(steps=tuple(steps), look_again_s=desired.look_again_s)
    if any(not namespace.is_wanted and namespace.may_be_taken for namespace in desired.namespaces):
        return Plan(look_again_s=0)
    if desired.missing:
        return Plan(look_again_s=max(desired.quiet_in_s, 0))
    return Plan(look_again_s=desired.look_again_s)


def status_of(namespace: DesiredNamespace, observed: Observation) -> NamespaceStatus:
    """What a namespace has come to."""
    found = observed.container(namespace.name)
    is_running = found is not None and found.state is ContainerState.RUNNING
    return NamespaceStatus.READY if is_running else NamespaceStatus.PENDING


def _start(namespace: DesiredNamespace, observed: Observation) -> list[Step]:
    found = observed.container(namespace.name)
    if found is None:
        cause = "the next task in its subnet should not wait"
        return [CreateContainer(spec=namespace.spec, cause=cause), _started(namespace, "it was just made")]
    match found.state:
        case ContainerState.RUNNING:
            return []
        case ContainerState.CREATED:
            return [_started(namespace, "it was made and not started")]
        case _:
            return [RemoveContainer(name=namespace.name, cause=f"it is {found.state}")]


def _started(namespace: DesiredNamespace, cause: str) -> Step:
    return StartContainer(name=namespace.name, cause=cause)
