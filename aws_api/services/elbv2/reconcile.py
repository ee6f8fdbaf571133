"""What is to be done for a load balancer: one container, configured as its rows say. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aws_api.core.containers import (
    AwaitResource,
    ConfigureContainer,
    ContainerSpec,
    ContainerState,
    CreateContainer,
    Observation,
    ObservedContainer,
    Plan,
    RemoveContainer,
    StartContainer,
    Step,
)

ALIAS = "load balancer"
#: A container that ended this soon after its start is not started again at once.
SHORT_LIFE_S = 10
RESTART_PAUSE_S = 2


@dataclass(frozen=True, kw_only=True)
class DesiredLoadBalancer:
    """A load balancer as it should be, and what was last known of it.

    ``container`` is None until its VPC's network is made (``network_kind``, ``network_key``), and for one that is
    deleted. ``applied`` is the digest of the last configuration that the container took. ``drained_at`` is when the
    next target has had its time.
    """

    arn: str
    name: str
    is_deleted: bool
    last_status: str
    container: ContainerSpec | None
    container_name: str
    backing_address: str
    network_name: str
    network_kind: str
    network_key: str
    labels: Mapping[str, str]
    configuration: Mapping[str, Any] = field(repr=False)
    applied: str
    drained_at: datetime | None = None


def decide(desired: DesiredLoadBalancer, observed: Observation, now: datetime) -> Plan:
    """The steps from what is to what should be."""
    container = observed.container(desired.container_name)
    if desired.is_deleted:
        return _take_down(desired, container, "the load balancer was deleted")
    if desired.container is None:
        awaited = AwaitResource(
            kind=desired.network_kind, key=desired.network_key, cause="the VPC's network is not made yet"
        )
        return Plan(steps=(awaited,))
    if container is None:
        return Plan(steps=_make(desired, desired.container, "it is missing"))
    if problem := _problem(container, desired):
        removed = RemoveContainer(name=container.name, alias=ALIAS, cause=problem)
        return Plan(steps=(removed, *_make(desired, desired.container, "it was just removed")))
    if container.state is not ContainerState.RUNNING:
        pause_s = _pause_before_restart_s(container, now)
        if pause_s > 0:
            return Plan(look_again_s=pause_s)
        return Plan(steps=_start(desired, desired.container, "it does not run"))
    look_again_s = max(0.1, (desired.drained_at - now).total_seconds()) if desired.drained_at else None
    if desired.applied != configuration_digest(desired.configuration, container):
        return Plan(steps=(_configure(desired, "its configuration has changed"),), look_again_s=look_again_s)
    return Plan(look_again_s=look_again_s)


def configuration_digest(configuration: Mapping[str, Any], container: ObservedContainer) -> str:
    """What tells a configuration that this run of this container took from any other."""
    run = [container.id, container.started_at.isoformat() if container.started_at else ""]
    return hashlib.sha256(json.dumps([configuration, run], sort_keys=True).encode()).hexdigest()


def _take_down(desired: DesiredLoadBalancer, container: ObservedContainer | None, cause: str) -> Plan:
    if container is None:
        return Plan()
    return Plan(steps=(RemoveContainer(name=desired.container_name, alias=ALIAS, cause=cause),))


def _problem(container: ObservedContainer, desired: DesiredLoadBalancer) -> str:
    """Why a container cannot be mended, or nothing."""
    assert desired.container is not None
    if container.state in (ContainerState.DEAD, ContainerState.PAUSED):
        return f"it is {container.state}"
    if container.image != desired.container.image:
        return f"it is of {container.image}, not of {desired.container.image}"
    # A container that does not run may have no address to show.
    address = container.addresses.get(desired.network_name)
    if container.state is ContainerState.RUNNING and address != desired.backing_address:
        return "its first interface is another one"
    return ""


def _pause_before_restart_s(container: ObservedContainer, now: datetime) -> float:
    if container.started_at is None or container.finished_at is None:
        return 0
    if (container.finished_at - container.started_at).total_seconds() > SHORT_LIFE_S:
        return 0
    return RESTART_PAUSE_S - (now - container.finished_at).total_seconds()


def _make(desired: DesiredLoadBalancer, spec: ContainerSpec, cause: str) -> tuple[Step, ...]:
    return (CreateContainer(spec=spec, alias=ALIAS, cause=cause), *_start(desired, spec, "it was just made"))


def _start(desired: DesiredLoadBalancer, spec: ContainerSpec, cause: str) -> tuple[Step, ...]:
    return (
        StartContainer(name=spec.name, alias=ALIAS, ready_within_s=spec.ready_within_s, cause=cause),
        _configure(desired, "it was just started"),
    )


def _configure(desired: DesiredLoadBalancer, cause: str) -> Step:
    return ConfigureContainer(
        name=desired.container_name, alias=ALIAS, configuration=desired.configuration, cause=cause
    )
