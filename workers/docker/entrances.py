"""Where the relays of VPC gateways are, as the engine says."""

from collections.abc import Iterator, Mapping
from typing import Any

from docker.errors import NotFound

from aws_api.core.containers import RuntimeFailure
from aws_api.core.sidecars import CONTROL_TOKEN_VARIABLE, RELAY_PORT, vpc_gateway_name
from workers.docker import engine
from workers.docker.failures import engine_failures
from workers.relay.tunnels import Address, Entrance


def find_entrance(network_name: str) -> Entrance:
    """The way into a VPC, by the name of its network. Raises RuntimeFailure."""
    name = vpc_gateway_name(network_name)
    with engine_failures():
        try:
            inspected = engine.client().inspect_container(name)
        except NotFound as error:
            raise RuntimeFailure(f"{name} does not run") from error
    environment = dict(entry.split("=", 1) for entry in inspected["Config"]["Env"] or ())
    return Entrance(
        addresses=tuple(_addresses(inspected["NetworkSettings"])), token=environment.get(CONTROL_TOKEN_VARIABLE, "")
    )


def _addresses(networks: Mapping[str, Any]) -> Iterator[Address]:
    """On the uplink, where this process is on that; else on loopback, where the engine publishes it."""
    for network in (networks.get("Networks") or {}).values():
        # Those on a backing subnet are gone from the container.
        if network.get("IPAddress") and network.get("Gateway"):
            yield network["IPAddress"], RELAY_PORT
    for place in (networks.get("Ports") or {}).get(f"{RELAY_PORT}/tcp") or ():
        yield place["HostIp"], int(place["HostPort"])
