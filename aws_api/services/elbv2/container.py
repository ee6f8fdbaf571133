"""The container of a load balancer: on the uplink, where Simfra configures it, and on its VPC's network. Pure."""

from collections.abc import Mapping

from aws_api.core.containers import LABEL_ROLE, ContainerSpec, NetworkEndpoint, PortBinding
from aws_api.core.network import NetworkAttachment
from aws_api.core.sidecars import (
    CONTROL_PORT,
    CONTROL_PORT_VARIABLE,
    CONTROL_TOKEN_VARIABLE,
    control_token,
    uplink_network_name,
)

ROLE_LOAD_BALANCER = "load-balancer"
#: What its reports are posted to, followed by the account, the region and the load balancer's id.
REPORT_PREFIX = "/_load-balancers/"
#: Generous: a loaded machine takes seconds for what takes a quarter of one on an idle machine.
READY_WITHIN_S = 60
MEMORY_BYTES = 1024 * 1024 * 1024


def load_balancer_container(
    attachment: NetworkAttachment,
    *,
    name: str,
    report_path: str,
    instance: str,
    image: str,
    uplink_subnet: str,
    emulator: tuple[str, int],
    secret_key: str,
    labels: Mapping[str, str],
) -> ContainerSpec:
    """The container of a load balancer whose first interface is this. It waits to be configured."""
    assert attachment.backing_address is not None, "the VPC's network is not made yet"
    return ContainerSpec(
        name=name,
        image=image,
        labels={**labels, LABEL_ROLE: ROLE_LOAD_BALANCER},
        entry_point=("python3", "-m", "sidecar.load_balancer"),
        environment={
            "BACKING_ADDRESS": attachment.backing_address,
            "UPLINK_SUBNET": uplink_subnet,
            "EMULATOR_HOST": emulator[0],
            "EMULATOR_HOST_PORT": str(emulator[1]),
            "REPORT_PATH": report_path,
            CONTROL_PORT_VARIABLE: str(CONTROL_PORT),
            CONTROL_TOKEN_VARIABLE: control_token(secret_key, name),
        },
        endpoints=(
            NetworkEndpoint(network=uplink_network_name(instance)),
            NetworkEndpoint(network=attachment.network_name, address=attachment.backing_address),
        ),
        # Reached through the host's loopback where the engine's own networks are not, as on a Mac.
        ports=(PortBinding(container_port=CONTROL_PORT),),
        capabilities_add=("NET_ADMIN",),
        sysctls={"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.arp_notify": "1"},
        memory_bytes=MEMORY_BYTES,
        ready_within_s=READY_WITHIN_S,
    )
