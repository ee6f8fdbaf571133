"""A VPC gateway's addresses and routes, as ``ip`` takes them; and handing them and its rules to the kernel."""

import json
import subprocess
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

from sidecar.configuration import VpcConfiguration
from sidecar.packet_rules import mark_of, packet_rules
from sidecar.place import Place

_COMMAND_TIMEOUT_S = 10
#: Of the rules that lead to peered VPCs; before the kernel's own, which begin at 32766.
_RULE_PRIORITY = 1000


class RoutingError(Exception):
    """The kernel did not take it; the message is what the command said."""


def find_place(
    *,
    backing_address: IPv4Address,
    uplink_subnet: IPv4Network,
    emulator: tuple[IPv4Address, int],
    emulator_port: int,
    control_port: int,
    filter_port: int,
) -> Place:
    """Tell the interfaces apart by their addresses: the order in which Docker makes them is its own."""
    interfaces = {
        IPv4Address(address["local"]): str(link["ifname"])
        for link in json.loads(_run("ip", "-json", "-4", "address", "show"))
        for address in link.get("addr_info", ())
    }
    uplink_address = next((address for address in interfaces if address in uplink_subnet), None)
    if backing_address not in interfaces or uplink_address is None:
        raise RoutingError(f"no interface has {backing_address}, or none is in {uplink_subnet}")
    return Place(
        vpc_interface=interfaces[backing_address],
        uplink_interface=interfaces[uplink_address],
        uplink_subnet=uplink_subnet,
        uplink_address=uplink_address,
        emulator=emulator,
        emulator_port=emulator_port,
        control_port=control_port,
        filter_port=filter_port,
    )


def apply(place: Place, configuration: VpcConfiguration) -> None:
    """Make addresses, routes and rules those of a configuration. Raises RoutingError; rules are then as they were."""
    # Checked before anything changes, so that only the kernel can still say no.
    rules = packet_rules(place, configuration)
    _run("nft", "--check", "-f", "-", text=rules)
    _run("ip", "-batch", "-", text=address_commands(place, configuration, _current_addresses(place)))
    _run("ip", "-batch", "-", text=peering_commands(place, configuration, _current_ways()))
    _run("nft", "-f", "-", text=rules)


def take_address(address: IPv4Address) -> None:
    """Have an address of one's own that is on neither network."""
    _run("ip", "address", "replace", f"{address}/32", "dev", "lo")


def address_commands(place: Place, configuration: VpcConfiguration, current: Iterable[str]) -> str:
    """``ip -batch`` lines from the interface's current addresses to the configuration's."""
    wanted = {f"{subnet.gateway_address}/{subnet.prefix_length}" for subnet in configuration.subnets}
    if configuration.dns_address is not None:
        wanted.add(f"{configuration.dns_address}/32")
    wanted.update(f"{endpoint.address}/32" for endpoint in configuration.endpoints)
    device = f"dev {place.vpc_interface}"
    lines = [
        # Removing a primary address must not take the other addresses of its subnet along.
        *(f"address delete {address} {device}" for address in sorted(set(current) - wanted)),
        *(f"address add {address} {device}" for address in sorted(wanted - set(current))),
        *(f"route replace {cidr} {device}" for cidr in sorted(configuration.cidrs)),
    ]
    return "".join(f"{line}\n" for line in lines)


def peering_commands(place: Place, configuration: VpcConfiguration, current: Iterable[int]) -> str:
    """``ip -batch`` lines that lead packets, by the mark of their way, to the gateways of peered VPCs.

    ``current`` are the marks that something leads by now.
    """
    ways = {mark_of(name): way for name, way in configuration.ways.items() if way.gateway is not None}
    marks = set(current)
    lines = [
        *(f"rule delete fwmark {mark} table {mark} priority {_RULE_PRIORITY}" for mark in sorted(marks - set(ways))),
        *(f"route flush table {mark}" for mark in sorted(marks - set(ways))),
        *(
            f"route replace default via {way.gateway} dev {place.uplink_interface} onlink table {mark}"
            for mark, way in sorted(ways.items())
        ),
        *(f"rule add fwmark {mark} table {mark} priority {_RULE_PRIORITY}" for mark in sorted(set(ways) - marks)),
    ]
    return "".join(f"{line}\n" for line in lines)


def _current_ways() -> list[int]:
    rules = json.loads(_run("ip", "-json", "-4", "rule", "show"))
    return [int(rule["table"]) for rule in rules if rule.get("priority") == _RULE_PRIORITY]


def _current_addresses(place: Place) -> list[str]:
    links = json.loads(_run("ip", "-json", "-4", "address", "show", "dev", place.vpc_interface))
    return [f"{address['local']}/{address['prefixlen']}" for link in links for address in link.get("addr_info", ())]


def _run(*command: str, text: str = "") -> str:
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RoutingError(f"{command[0]} did not end within {_COMMAND_TIMEOUT_S} s") from error
    if done.returncode:
        raise RoutingError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
