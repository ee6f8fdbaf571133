"""The containers of our own that make a VPC: their specs and configurations, built from attachments. Pure functions.

Networks and containers carry the instance in their names, so that several instances share one engine; host rules match
bridges by the prefix that :func:`bridge_name` gives them. What runs inside is in the folder ``sidecar``.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any
from urllib.parse import urlsplit

from aws_api.core.containers import (
    LABEL_ROLE,
    ContainerSpec,
    NetworkEndpoint,
    NetworkSpec,
    PortBinding,
)
from aws_api.core.dns import DnsZone
from aws_api.core.network import NetworkAttachment

ROLE_PAUSE = "pause"
ROLE_NAMESPACE = "namespace"
ROLE_VPC_GATEWAY = "vpc-gateway"
#: The label value of containers that a user asked for; their output is followed.
ROLE_APPLICATION = "app"

#: Where a VPC gateway takes its configuration, on its uplink address alone.
CONTROL_PORT = 5301
CONTROL_PORT_VARIABLE = "CONTROL_PORT"
CONTROL_TOKEN_VARIABLE = "CONTROL_TOKEN"
#: Where it joins connections from the host with addresses of the VPC (sidecar/relay.py), with the same token.
RELAY_PORT = 5302

#: Where it hands their packet filters to tasks' network namespaces, in the VPC (sidecar/filters.py).
FILTER_PORT = 5303

#: Where its resolver listens, in the VPC and on the uplink.
DNS_PORT = 53

#: Generous: a loaded machine takes seconds for what takes a quarter of one on an idle machine.
PAUSE_READY_WITHIN_S = 30
VPC_GATEWAY_READY_WITHIN_S = 60

_DEFAULT_INSTANCE = "default"
#: Docker's own, then the VPC gateway's, then one that stays free.
_RESERVED_BACKING_ADDRESSES = 4
_SIDECAR_MEMORY_BYTES = 256 * 1024 * 1024
_NAMESPACE_MEMORY_BYTES = 16 * 1024 * 1024


# Names ----------------------------------------------------------------------------------------------------------------


def object_name(instance: str, *parts: str) -> str:
    """The name of a Docker object: ``simfra-vpc-000000000000-us-east-1-vpc-abc``; other instances' carry theirs."""
    return "-".join(("simfra", *(() if instance == _DEFAULT_INSTANCE else (instance,)), *parts))


def uplink_network_name(instance: str) -> str:
    """The network between an instance's VPC gateways and Simfra; the runtime makes it."""
    return object_name(instance, "uplink")


def bridge_prefix(instance: str, role: str = "v") -> str:
    """What the interface names of an instance's bridges start with: ``v`` for VPCs, ``u`` for the uplink."""
    return f"sf{role}{hashlib.sha256(instance.encode()).hexdigest()[:5]}"


def bridge_name(instance: str, network_name: str) -> str:
    """The interface name of a VPC's bridge: 15 characters, all that Linux allows."""
    return bridge_prefix(instance) + hashlib.sha256(network_name.encode()).hexdigest()[:7]


def vpc_gateway_name(network_name: str) -> str:
    """The name of the gateway container of a VPC's network."""
    return f"{network_name}-gateway"


# Backing addresses ----------------------------------------------------------------------------------------------------


def vpc_gateway_backing_address(backing_subnet: str) -> str:
    """The VPC gateway's place on the backing subnet."""
    return str(IPv4Network(backing_subnet)[2])


def backing_addresses(backing_subnet: str) -> Iterable[str]:
    """The backing addresses that interfaces may have, in order."""
    network = IPv4Network(backing_subnet)
    return (str(network[index]) for index in range(_RESERVED_BACKING_ADDRESSES, network.num_addresses - 1))


# The VPC's network and gateway ----------------------------------------------------------------------------------------


def vpc_network(*, instance: str, account_id: str, region: str, vpc_id: str, labels: Mapping[str, str]) -> NetworkSpec:
    """The Docker network of a VPC."""
    name = object_name(instance, "vpc", account_id, region, vpc_id)
    return NetworkSpec(name=name, bridge_name=bridge_name(instance, name), labels=labels)


def control_token(secret_key: str, container_name: str) -> str:
    """What a VPC gateway wants to see before it listens: deterministic, so that specs are too."""
    return hmac.new(secret_key.encode(), f"control {container_name}".encode(), hashlib.sha256).hexdigest()


def filter_token(secret_key: str, network_interface_id: str) -> str:
    """What an interface's network namespace shows to the VPC's gateway, so that it is handed its packet filter."""
    return hmac.new(secret_key.encode(), f"filter {network_interface_id}".encode(), hashlib.sha256).hexdigest()


def emulator_address(uplink_subnet: str, uplink_endpoint: str, port: int) -> tuple[str, int]:
    """Host and port at which VPC gateways reach Simfra: SIMFRA_UPLINK_ENDPOINT, else the uplink's first address."""
    if not uplink_endpoint:
        return str(IPv4Network(uplink_subnet)[1]), port
    parts = urlsplit(uplink_endpoint if "//" in uplink_endpoint else f"//{uplink_endpoint}")
    assert parts.hostname, f"SIMFRA_UPLINK_ENDPOINT names no host: {uplink_endpoint}"
    return parts.hostname, parts.port or port


def vpc_gateway_container(
    *,
    instance: str,
    image: str,
    network_name: str,
    backing_subnet: str,
    uplink_subnet: str,
    emulator: tuple[str, int],
    emulator_port: int,
    dns_ports: tuple[int, int],
    secret_key: str,
    labels: Mapping[str, str],
) -> ContainerSpec:
    """The gateway of a VPC: named after its network, on the uplink and on the VPC. It waits to be configured.

    ``emulator`` is where it forwards to (see :func:`emulator_address`), ``emulator_port`` the port that tasks dial.
    ``dns_ports`` are the first and the last of the host's ports at which people may ask its resolver.
    """
    name = vpc_gateway_name(network_name)
    backing_address = vpc_gateway_backing_address(backing_subnet)
    return ContainerSpec(
        name=name,
        image=image,
        labels={**labels, LABEL_ROLE: ROLE_VPC_GATEWAY},
        entry_point=("python3", "-m", "sidecar.vpc_gateway"),
        environment={
            "BACKING_ADDRESS": backing_address,
            "UPLINK_SUBNET": uplink_subnet,
            "EMULATOR_HOST": emulator[0],
            "EMULATOR_HOST_PORT": str(emulator[1]),
            "EMULATOR_PORT": str(emulator_port),
            CONTROL_PORT_VARIABLE: str(CONTROL_PORT),
            CONTROL_TOKEN_VARIABLE: control_token(secret_key, name),
            "RELAY_PORT": str(RELAY_PORT),
            "FILTER_PORT": str(FILTER_PORT),
        },
        endpoints=(
            NetworkEndpoint(network=uplink_network_name(instance)),
            NetworkEndpoint(network=network_name, address=backing_address),
        ),
        # Reached through the host's loopback where the engine's own networks are not, as on a Mac.
        ports=(
            PortBinding(container_port=CONTROL_PORT),
            PortBinding(container_port=RELAY_PORT),
            *(
                PortBinding(
                    container_port=DNS_PORT, protocol=protocol, host_port=dns_ports[0], last_host_port=dns_ports[1]
                )
                for protocol in ("udp", "tcp")
            ),
        ),
        capabilities_add=("NET_ADMIN",),
        sysctls={"net.ipv4.ip_forward": "1"},
        memory_bytes=_SIDECAR_MEMORY_BYTES,
        ready_within_s=VPC_GATEWAY_READY_WITHIN_S,
    )


def vpc_gateway_configuration(
    *,
    region: str,
    cidrs: Iterable[str],
    policies: Mapping[str, Any],
    dns_address: str | None,
    services: Iterable[str] = (),
    zones: Iterable[DnsZone] = (),
) -> dict[str, Any]:
    """What ConfigureContainer hands to a VPC gateway: all of it, each time (see sidecar/configuration.py).

    ``policies`` are what the VPC lets pass, its subnets among it. The gateway takes the first address of every subnet,
    and ``dns_address``, the second of the VPC's first block, unless the VPC has no DNS support. ``services`` are the
    names in endpoints (``sqs``) that are Simfra's.
    """
    return {
        **policies,
        "cidrs": sorted(cidrs),
        "dns_address": dns_address,
        "private_domain": private_domain(region),
        "services": sorted(services),
        "zones": [zone.to_json() for zone in zones],
    }


# A task's network namespace -------------------------------------------------------------------------------------------


def private_domain(region: str) -> str:
    """The domain of private DNS names: ``ec2.internal`` in us-east-1, ``eu-west-1.compute.internal`` elsewhere."""
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"


def private_dns_name(address: str, region: str) -> str:
    """``ip-10-0-1-5.ec2.internal``."""
    return f"ip-{str(IPv4Address(address)).replace('.', '-')}.{private_domain(region)}"


def pause_container(
    attachment: NetworkAttachment, *, name: str, image: str, emulator_port: int, labels: Mapping[str, str]
) -> ContainerSpec:
    """The container that owns an interface's network namespace; application containers join it (``network_of``).

    The attachment must have its backing address: every container on a VPC's network has an explicit one, since a
    dynamic one could take a fixed one's place after a restart of the engine.
    """
    assert attachment.backing_address is not None, "the VPC's network is not made yet"
    return ContainerSpec(
        name=name,
        image=image,
        labels={**labels, LABEL_ROLE: ROLE_PAUSE},
        entry_point=("/opt/simfra/sidecar/pause.sh",),
        environment={
            "ADDRESS": f"{attachment.private_address}/{attachment.prefix_length}",
            "MAC_ADDRESS": attachment.mac_address,
            "GATEWAY": attachment.gateway_address,
            "DNS": " ".join(attachment.name_servers),
            "SEARCH": " ".join(attachment.search_domains),
            "HOST_NAME": attachment.private_dns_name,
            "EMULATOR_PORT": str(emulator_port),
            "FILTER_PORT": str(FILTER_PORT),
            "INTERFACE": attachment.network_interface_id,
            "FILTER_TOKEN": attachment.filter_token,
        },
        capabilities_add=("NET_ADMIN",),
        memory_bytes=_SIDECAR_MEMORY_BYTES,
        ready_within_s=PAUSE_READY_WITHIN_S,
        **(
            {"network_of": attachment.namespace}
            if attachment.namespace
            else _own_namespace(attachment.network_name, attachment.backing_address, attachment.private_dns_name)
        ),
    )


def namespace_container(
    *, name: str, image: str, network_name: str, backing_address: str, hostname: str, labels: Mapping[str, str]
) -> ContainerSpec:
    """A container that holds a namespace on a VPC's network until a pause joins it, and as long as that runs."""
    return ContainerSpec(
        name=name,
        image=image,
        labels={**labels, LABEL_ROLE: ROLE_NAMESPACE},
        entry_point=("sleep", "infinity"),
        memory_bytes=_NAMESPACE_MEMORY_BYTES,
        **_own_namespace(network_name, backing_address, hostname),
    )


def _own_namespace(network_name: str, backing_address: str, hostname: str) -> dict[str, Any]:
    return {
        "hostname": hostname,
        "endpoints": (NetworkEndpoint(network=network_name, address=backing_address),),
        "sysctls": {
            # 127.0.0.1:4599 leaves the namespace for the gateway.
            "net.ipv4.conf.all.route_localnet": "1",
            # Neighbours learn at once that an address has a new owner.
            "net.ipv4.conf.all.arp_notify": "1",
        },
    }
