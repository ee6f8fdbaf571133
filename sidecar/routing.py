"""A VPC gateway's addresses, routes and packet filter, as ``ip`` and ``nft`` take them; and handing them over."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from sidecar.configuration import VpcConfiguration

_COMMAND_TIMEOUT_S = 10


class RoutingError(Exception):
    """The kernel did not take it; the message is what the command said."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a gateway stands: its two interfaces, and Simfra behind the uplink.

    ``emulator_port`` is what tasks dial, ``emulator`` where that is forwarded to.
    """

    vpc_interface: str
    uplink_interface: str
    uplink_subnet: IPv4Network
    uplink_address: IPv4Address
    emulator: tuple[IPv4Address, int]
    emulator_port: int
    control_port: int


def find_place(
    *,
    backing_address: IPv4Address,
    uplink_subnet: IPv4Network,
    emulator: tuple[IPv4Address, int],
    emulator_port: int,
    control_port: int,
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
    )


def apply(place: Place, configuration: VpcConfiguration) -> None:
    """Make addresses, routes and rules those of a configuration. Raises RoutingError; rules are then as they were."""
    # Checked before anything changes, so that only the kernel can still say no.
    rules = packet_rules(place, configuration)
    _run("nft", "--check", "-f", "-", text=rules)
    _run("ip", "-batch", "-", text=address_commands(place, configuration, _current_addresses(place)))
    _run("nft", "-f", "-", text=rules)


def take_address(address: IPv4Address) -> None:
    """Have an address of one's own that is on neither network."""
    _run("ip", "address", "replace", f"{address}/32", "dev", "lo")


def address_commands(place: Place, configuration: VpcConfiguration, current: Iterable[str]) -> str:
    """``ip -batch`` lines from the interface's current addresses to the configuration's."""
    wanted = {f"{subnet.gateway_address}/{subnet.prefix_length}" for subnet in configuration.subnets}
    if configuration.dns_address is not None:
        wanted.add(f"{configuration.dns_address}/32")
    device = f"dev {place.vpc_interface}"
    lines = [
        # Removing a primary address must not take the other addresses of its subnet along.
        *(f"address delete {address} {device}" for address in sorted(set(current) - wanted)),
        *(f"address add {address} {device}" for address in sorted(wanted - set(current))),
        *(f"route replace {cidr} {device}" for cidr in sorted(configuration.cidrs)),
    ]
    return "".join(f"{line}\n" for line in lines)


def packet_rules(place: Place, configuration: VpcConfiguration) -> str:
    """The gateway's nftables, replaced as one.

    A task reaches its VPC, the internet, the resolver and Simfra's port: nothing else of the uplink, so neither the
    engine's host nor another VPC's gateway.
    """
    vpc, uplink = f'"{place.vpc_interface}"', f'"{place.uplink_interface}"'
    cidrs = _set(configuration.cidrs)
    own = _set(subnet.gateway_address for subnet in configuration.subnets)
    forward = (
        f"iifname {vpc} ip daddr {own} tcp dport {place.emulator_port} "
        f"dnat ip to {place.emulator[0]}:{place.emulator[1]}"
    )
    # The answer to a SYN that nobody listens for is a reset with the sequence number 0; others have their own.
    refusal = (
        f"ip saddr {place.emulator[0]} tcp sport {place.emulator[1]} tcp flags & (syn | rst) == rst tcp sequence 0"
    )
    return f"""\
table inet simfra
delete table inet simfra
table inet simfra {{
  chain patience {{
    type filter hook prerouting priority raw;
    # While Simfra restarts, its host refuses connections. A task that does not hear the refusal asks again.
    iifname {uplink} {refusal} drop
  }}
  chain prerouting {{
    type nat hook prerouting priority -100;
    {forward if configuration.subnets else ""}
  }}
  chain forward {{
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname {vpc} oifname {vpc} accept
    ct status dnat accept
    iifname {vpc} oifname {uplink} ip daddr != {place.uplink_subnet} {f"ip saddr {cidrs} accept" if cidrs else "drop"}
  }}
  chain input {{
    type filter hook input priority 0;
    iifname {vpc} ct state established,related accept
    iifname {vpc} icmp type echo-request accept
    iifname {vpc} meta l4proto {{ tcp, udp }} th dport 53 accept
    iifname {vpc} drop
  }}
  chain output {{
    type filter hook output priority 0;
    # Tasks must keep coming through here, even where they could see each other directly.
    icmp type redirect drop
  }}
  chain postrouting {{
    type nat hook postrouting priority 100;
    {f"oifname {uplink} ip saddr {cidrs} masquerade" if cidrs else ""}
  }}
}}
"""


def _current_addresses(place: Place) -> list[str]:
    links = json.loads(_run("ip", "-json", "-4", "address", "show", "dev", place.vpc_interface))
    return [f"{address['local']}/{address['prefixlen']}" for link in links for address in link.get("addr_info", ())]


def _set(items: Iterable[object]) -> str:
    members = sorted({str(item) for item in items})
    return f"{{ {', '.join(members)} }}" if members else ""


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
