"""Networks: VPC bridges on backing subnets from a hidden pool, and the uplink between VPC gateways and Simfra."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, ip_network
from itertools import islice
from typing import Any

from django.conf import settings
from docker.errors import APIError

from aws_api.core.containers import LABEL_INSTANCE, LABEL_ROLE, NetworkSpec, ObservedNetwork, RuntimeFailure
from aws_api.core.sidecars import bridge_prefix, uplink_network_name
from workers.docker import engine
from workers.docker.failures import engine_failures
from workers.docker.observations import network_of_inspect

ROLE_UPLINK = "uplink"
#: How many subnets are tried when others take them at the same moment, or know of overlaps that the list does not show.
_MAX_ATTEMPTS = 64


def find(names: Iterable[str]) -> tuple[ObservedNetwork, ...]:
    """The networks of these names that exist, by name."""
    wanted = set(names)
    if not wanted:
        return ()
    listed = engine.client().networks(filters={"name": sorted(wanted)})
    found = [network_of_inspect(network) for network in listed if network["Name"] in wanted]
    return tuple(sorted(found, key=lambda network: network.name))


def create(spec: NetworkSpec) -> ObservedNetwork:
    """A VPC's bridge on the first free backing subnet. One that exists already is as good."""
    options = {
        # No address and no route on the host: a VPC's addresses may be those of somebody's office.
        "com.docker.network.bridge.inhibit_ipv4": "true",
        "com.docker.network.bridge.enable_ip_masquerade": "false",
        "com.docker.network.bridge.name": spec.bridge_name,
    }
    with engine_failures("CannotCreateNetworkError"):
        for subnet in islice(_free_subnets(spec.backing_prefix), _MAX_ATTEMPTS):
            existing = find([spec.name])
            if existing:
                return existing[0]
            try:
                _create(spec.name, subnet, {**spec.labels, LABEL_INSTANCE: settings.SIMFRA_INSTANCE}, options)
            except APIError as error:
                if "overlap" not in str(error.explanation) and error.status_code != 409:
                    raise
            else:
                return find([spec.name])[0]
    raise RuntimeFailure(f"No subnet of {settings.SIMFRA_BACKING_SUBNETS} is free for the network {spec.name}.")


def ensure_uplink() -> ObservedNetwork:
    """The instance's uplink network, made where it is missing."""
    name = uplink_network_name(settings.SIMFRA_INSTANCE)
    with engine_failures("CannotCreateNetworkError"):
        existing = find([name])
        if existing:
            return existing[0]
        labels = {LABEL_INSTANCE: settings.SIMFRA_INSTANCE, LABEL_ROLE: ROLE_UPLINK}
        options = {"com.docker.network.bridge.name": bridge_prefix(settings.SIMFRA_INSTANCE, "u")}
        try:
            _create(name, IPv4Network(settings.SIMFRA_UPLINK_SUBNET), labels, options)
        except APIError as error:
            # Another process of ours was faster; whatever else it is shows when the network is still missing.
            if not find([name]):
                raise RuntimeFailure(
                    f"The uplink network cannot have {settings.SIMFRA_UPLINK_SUBNET} (SIMFRA_UPLINK_SUBNET): "
                    f"{error.explanation}"
                ) from error
        return find([name])[0]


def _create(name: str, subnet: IPv4Network, labels: Mapping[str, str], options: Mapping[str, str]) -> None:
    pool = {"Subnet": str(subnet), "Gateway": str(subnet[1])}
    # A dictionary in place of the SDK's IPAMConfig: that is all that it is.
    ipam = {"Driver": "default", "Config": [pool]}
    engine.client().create_network(
        name, driver="bridge", options=dict(options), ipam=ipam, check_duplicate=True, labels=dict(labels)
    )


def _free_subnets(prefix: int) -> Iterator[IPv4Network]:
    """The pool's subnets that no network of the engine overlaps, in order."""
    taken = list(_taken_subnets(engine.client().networks()))
    for subnet in IPv4Network(settings.SIMFRA_BACKING_SUBNETS).subnets(new_prefix=prefix):
        if not any(subnet.overlaps(other) for other in taken):
            yield subnet


def _taken_subnets(networks: Iterable[Mapping[str, Any]]) -> Iterator[IPv4Network]:
    for network in networks:
        for pool in (network.get("IPAM") or {}).get("Config") or []:
            subnet = ip_network(pool["Subnet"], strict=False)
            if isinstance(subnet, IPv4Network):
                yield subnet
