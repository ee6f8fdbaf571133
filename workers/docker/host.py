"""What the engine's host needs before the first VPC: the uplink network, and rules that keep VPCs and the host apart.

The rules live as long as a small container on the host's network, which puts them back when something flushes them and
takes them away when it is stopped.
"""

import hashlib

from django.conf import settings

from aws_api.core.containers import LABEL_ROLE, ContainerSpec, ContainerState, Scope
from aws_api.core.sidecars import bridge_prefix, emulator_address, object_name
from workers.docker import networks
from workers.docker.runtime import DockerRuntime

ROLE_HOST_RULES = "host-rules"
#: What the rules are made from: with another port or uplink, others are needed.
_LABEL_RULES = "simfra.host-rules"
_READY_WITHIN_S = 30
_MEMORY_BYTES = 64 * 1024 * 1024


def prepare() -> None:
    """Make the uplink and put the host's rules in force; doing it again is harmless. Raises RuntimeFailure.

    The gateway can listen on the uplink's first address from then on.
    """
    networks.ensure_uplink()
    runtime = DockerRuntime()
    spec = host_rules_container()
    existing = runtime.observe(Scope(labels={LABEL_ROLE: ROLE_HOST_RULES})).container(spec.name)
    is_same = existing is not None and (existing.image, existing.labels.get(_LABEL_RULES)) == (
        spec.image,
        spec.labels[_LABEL_RULES],
    )
    if existing is not None and not (is_same and existing.state is ContainerState.RUNNING):
        # Of an older version of ours, of another port, or left over from before the machine was started again.
        runtime.remove_container(spec.name)
        existing = None
    if existing is None:
        runtime.create_container(spec)
        runtime.start_container(spec.name, spec.ready_within_s)


def host_rules_container() -> ContainerSpec:
    """The container that holds the rules of this instance's bridges."""
    instance = settings.SIMFRA_INSTANCE
    environment = {
        "TABLE": f"simfra_{hashlib.sha256(instance.encode()).hexdigest()[:8]}",
        "VPC_BRIDGES": bridge_prefix(instance),
        "UPLINK_BRIDGE": bridge_prefix(instance, "u"),
        "UPLINK_SUBNET": settings.SIMFRA_UPLINK_SUBNET,
        "UPLINK_ADDRESS": emulator_address(settings.SIMFRA_UPLINK_SUBNET, "", 0)[0],
        "EMULATOR_PORT": str(settings.SIMFRA_PORT),
    }
    return ContainerSpec(
        name=object_name(instance, "host-rules"),
        image=settings.SIMFRA_SIDECAR_IMAGE,
        labels={LABEL_ROLE: ROLE_HOST_RULES, _LABEL_RULES: "/".join(environment.values())},
        entry_point=("/opt/simfra/sidecar/host_rules.sh",),
        environment=environment,
        network_mode="host",
        capabilities_add=("NET_ADMIN",),
        memory_bytes=_MEMORY_BYTES,
        ready_within_s=_READY_WITHIN_S,
    )
