"""What is to be done for a VPC's network: a bridge, and a gateway container that is configured as the VPC is. Pure.

The bridge comes first and alone: only from it is known which addresses the gateway has there.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from aws_api.core.containers import (
    AwaitResource,
    ConfigureContainer,
    ContainerSpec,
    ContainerState,
    CreateContainer,
    CreateNetwork,
    NetworkSpec,
    Observation,
    ObservedContainer,
    ObservedNetwork,
    Plan,
    RemoveContainer,
    RemoveNetwork,
    StartContainer,
    Step,
)
from aws_api.core.sidecars import vpc_gateway_backing_address, vpc_gateway_container

GATEWAY = "gateway"
#: The kinds of the controllers that keep a VPC's network true, and namespaces ready in it; their keys are the same.
NETWORK_KIND = "ec2.vpc"
NAMESPACES_KIND = "ec2.namespaces"
#: A network that nobody uses is kept this long: making one takes half a second of the next task's start.
KEEP_IDLE_S = 600
#: A gateway that ended this soon after its start is not started again at once.
SHORT_LIFE_S = 10
RESTART_PAUSE_S = 2
_SOON_S = 0.5


class NetworkStatus(StrEnum):
    """Where a VPC's real network stands."""

    ABSENT = "ABSENT"  # there is none
    PENDING = "PENDING"  # being made, or its gateway is not what it should be
    READY = "READY"  # the gateway runs with the configuration wanted
    FAILED = "FAILED"  # the engine refused the last step; tried again


@dataclass(frozen=True, kw_only=True)
class GatewayTemplate:
    """What a gateway's spec is made of besides the backing subnet."""

    instance: str
    image: str
    uplink_subnet: str
    emulator: tuple[str, int]
    emulator_port: int
    dns_ports: tuple[int, int]
    secret_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class DesiredNetwork:
    """A VPC's network as it should be, and what was last known of it.

    ``is_in_use``: containers have, or are about to have, interfaces in the VPC. ``applied`` is the digest of the last
    configuration that the gateway took (see :func:`configuration_digest`). ``has_namespaces``: some are kept ready on
    the network, by a controller of their own (see namespaces.py).
    """

    key: str
    vpc_exists: bool
    is_in_use: bool
    idle_since: datetime | None
    last_status: NetworkStatus
    last_uplink_address: str
    network: NetworkSpec
    gateway: GatewayTemplate
    labels: Mapping[str, str]
    configuration: Mapping[str, Any]
    applied: str
    has_namespaces: bool = False

    @property
    def gateway_name(self) -> str:
        return self.gateway_container("0.0.0.0/22").name

    def gateway_container(self, backing_subnet: str) -> ContainerSpec:
        """The gateway's spec for the backing subnet that the engine chose."""
        return vpc_gateway_container(
            instance=self.gateway.instance,
            image=self.gateway.image,
            network_name=self.network.name,
            backing_subnet=backing_subnet,
            uplink_subnet=self.gateway.uplink_subnet,
            emulator=self.gateway.emulator,
            emulator_port=self.gateway.emulator_port,
            dns_ports=self.gateway.dns_ports,
            secret_key=self.gateway.secret_key,
            labels=self.labels,
        )


def decide(desired: DesiredNetwork, observed: Observation, now: datetime) -> Plan:
    """The steps from what is to what should be."""
    network = observed.network(desired.network.name)
    gateway = observed.container(desired.gateway_name)
    if not desired.vpc_exists:
        return _take_down(desired, network, gateway, "the VPC was deleted")
    if not desired.is_in_use:
        return _idle(desired, network, gateway, now)
    if network is None:
        return _make_network(desired, gateway)
    return _make_gateway(desired, network, gateway, now)


def status_of(desired: DesiredNetwork, observed: Observation, *, failed: bool, applied: str) -> NetworkStatus:
    """What the network has come to; ``applied`` is what the gateway took last."""
    network = observed.network(desired.network.name)
    gateway = observed.container(desired.gateway_name)
    if failed:
        return NetworkStatus.FAILED
    if network is None and gateway is None:
        return NetworkStatus.PENDING if desired.vpc_exists and desired.is_in_use else NetworkStatus.ABSENT
    if network is None or gateway is None or gateway.state is not ContainerState.RUNNING:
        return NetworkStatus.PENDING
    is_configured = applied == configuration_digest(desired.configuration, gateway)
    return NetworkStatus.READY if is_configured else NetworkStatus.PENDING


def configuration_digest(configuration: Mapping[str, Any], gateway: ObservedContainer) -> str:
    """What tells a configuration that this run of this container took from any other."""
    run = [gateway.id, gateway.started_at.isoformat() if gateway.started_at else ""]
    return hashlib.sha256(json.dumps([configuration, run], sort_keys=True).encode()).hexdigest()


def _idle(
    desired: DesiredNetwork, network: ObservedNetwork | None, gateway: ObservedContainer | None, now: datetime
) -> Plan:
    if network is None and gateway is None:
        return Plan()
    idle_s = (now - desired.idle_since).total_seconds() if desired.idle_since else 0
    if idle_s < KEEP_IDLE_S:
        return Plan(look_again_s=KEEP_IDLE_S - idle_s)
    return _take_down(desired, network, gateway, f"nothing has used it for {KEEP_IDLE_S // 60} minutes")


def _take_down(
    desired: DesiredNetwork, network: ObservedNetwork | None, gateway: ObservedContainer | None, cause: str
) -> Plan:
    steps: list[Step] = []
    if desired.has_namespaces:
        steps.append(AwaitResource(kind=NAMESPACES_KIND, key=desired.key, cause=cause))
    if gateway is not None:
        steps.append(RemoveContainer(name=gateway.name, alias=GATEWAY, cause=cause))
    if network is not None:
        steps.append(RemoveNetwork(name=desired.network.name, cause=cause))
    return Plan(steps=tuple(steps))


def _make_network(desired: DesiredNetwork, gateway: ObservedContainer | None) -> Plan:
    steps: list[Step] = []
    if gateway is not None:
        steps.append(RemoveContainer(name=gateway.name, alias=GATEWAY, cause="its network is gone"))
    steps.append(CreateNetwork(spec=desired.network, cause="the VPC is in use"))
    return Plan(steps=tuple(steps))


def _make_gateway(
    desired: DesiredNetwork, network: ObservedNetwork, gateway: ObservedContainer | None, now: datetime
) -> Plan:
    spec = desired.gateway_container(network.subnet)
    if gateway is None:
        return Plan(steps=_new_gateway(desired, spec, "the VPC has no gateway yet"))
    if unfit := _why_unfit(gateway, spec, network):
        remove = RemoveContainer(name=gateway.name, alias=GATEWAY, cause=unfit)
        return Plan(steps=(remove, *_new_gateway(desired, spec, "the last one was removed")))
    match gateway.state:
        case ContainerState.RUNNING:
            if desired.applied == configuration_digest(desired.configuration, gateway):
                return Plan()
            return Plan(steps=(_configure(desired, "the VPC is not what the gateway was last told"),))
        case ContainerState.CREATED:
            return Plan(steps=_start(desired, spec, "it was made and not started"))
        case ContainerState.EXITED:
            if (pause_s := _pause_before_restart_s(gateway, now)) > 0:
                return Plan(look_again_s=pause_s)
            return Plan(steps=_start(desired, spec, f"it ended with exit code {gateway.exit_code}"))
        case _:
            return Plan(look_again_s=_SOON_S)


def _why_unfit(gateway: ObservedContainer, spec: ContainerSpec, network: ObservedNetwork) -> str:
    """Why a gateway cannot be mended, or nothing."""
    if gateway.state in (ContainerState.DEAD, ContainerState.PAUSED):
        return f"it is {gateway.state}"
    if gateway.image != spec.image:
        return f"it is of {gateway.image}, not of {spec.image}"
    # A container that does not run may have no address to show.
    address = gateway.addresses.get(network.name)
    if gateway.state is ContainerState.RUNNING and address != vpc_gateway_backing_address(network.subnet):
        return f"it is not on {network.subnet}"
    return ""


def _pause_before_restart_s(gateway: ObservedContainer, now: datetime) -> float:
    if gateway.started_at is None or gateway.finished_at is None:
        return 0
    if (gateway.finished_at - gateway.started_at).total_seconds() > SHORT_LIFE_S:
        return 0
    return RESTART_PAUSE_S - (now - gateway.finished_at).total_seconds()


def _new_gateway(desired: DesiredNetwork, spec: ContainerSpec, cause: str) -> tuple[Step, ...]:
    return (CreateContainer(spec=spec, alias=GATEWAY, cause=cause), *_start(desired, spec, "it was just made"))


def _start(desired: DesiredNetwork, spec: ContainerSpec, cause: str) -> tuple[Step, ...]:
    return (
        StartContainer(name=spec.name, alias=GATEWAY, ready_within_s=spec.ready_within_s, cause=cause),
        _configure(desired, "it was just started"),
    )


def _configure(desired: DesiredNetwork, cause: str) -> Step:
    return ConfigureContainer(
        name=desired.gateway_name, alias=GATEWAY, configuration=desired.configuration, cause=cause
    )
