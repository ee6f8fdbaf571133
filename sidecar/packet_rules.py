"""A VPC gateway's nftables: the routes, network ACLs and address translation of the VPC. Pure.

Every packet from the VPC gets the mark of its way when it comes in, by its subnet's route table; without a way it goes
nowhere. The mark then decides where it may leave and under which address. Between subnets, and between a subnet and
the world, network ACLs are asked first and know nothing of connections. Within a subnet packets do not come by here.
"""

import zlib
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from sidecar.configuration import NetworkAcl, VpcConfiguration, Way
from sidecar.place import Place
from sidecar.relay import INTERNET_ADDRESS

_HTTP_PORT = 80


def mark_of(way: str) -> int:
    """The mark of a way, and the number of the table that leads there: the same after every change and restart."""
    return zlib.crc32(way.encode()) | 1 << 31


def packet_rules(place: Place, configuration: VpcConfiguration) -> str:
    """The gateway's rules, replaced as one.

    Of the uplink a task reaches Simfra's port and the gateways of peered VPCs, for what routes say: nothing else there,
    so neither the engine's host nor another VPC's gateway.
    """
    vpc, uplink = f'"{place.vpc_interface}"', f'"{place.uplink_interface}"'
    # The answer to a SYN that nobody listens for is a reset with the sequence number 0; others have their own.
    refusal = (
        f"ip saddr {place.emulator[0]} tcp sport {place.emulator[1]} tcp flags & (syn | rst) == rst tcp sequence 0"
    )
    return f"""\
table inet simfra
delete table inet simfra
table inet simfra {{
{_indented(_sets(configuration), 2)}
{_indented(_acl_chains(configuration), 2)}
  chain patience {{
    type filter hook prerouting priority raw;
    # While Simfra restarts, its host refuses connections. A task that does not hear the refusal asks again.
    iifname {uplink} {refusal} drop
  }}
  chain ways {{
    type filter hook prerouting priority mangle;
{_indented(_way_rules(vpc, configuration), 4)}
  }}
  chain service_calls {{
    # After the marks, before addresses are translated.
    type filter hook prerouting priority -110;
{_indented(_service_call_acls(vpc, configuration), 4)}
  }}
  chain prerouting {{
    type nat hook prerouting priority -100;
{_indented(_simfra_rules(vpc, place, configuration), 4)}
  }}
  chain forward {{
    type filter hook forward priority 0; policy drop;
    ct status dnat accept
{_indented(_forward_rules(vpc, uplink, place, configuration), 4)}
  }}
  chain input {{
    type filter hook input priority 0;
{_indented(_subnet_acls(configuration, f"iifname {vpc} ip daddr {INTERNET_ADDRESS}", "saddr", "egress"), 4)}
{_indented(_not_for_us(vpc, uplink, place, configuration), 4)}
    iifname {vpc} ct state established,related accept
    iifname {vpc} icmp type echo-request accept
    iifname {vpc} meta l4proto {{ tcp, udp }} th dport 53 accept
    iifname {vpc} tcp dport {place.filter_port} accept
    iifname {vpc} drop
  }}
  chain output {{
    type filter hook output priority 0;
    # Tasks must keep coming through here, even where they could see each other directly.
    icmp type redirect drop
{_indented(_private_subnets(vpc, configuration), 4)}
{_indented(_subnet_acls(configuration, f"oifname {vpc} ip saddr {INTERNET_ADDRESS}", "daddr", "ingress"), 4)}
  }}
  chain postrouting {{
    type nat hook postrouting priority 100;
{_indented(_translation(uplink, configuration), 4)}
  }}
  chain service_answers {{
    # When addresses are back to what the caller knows.
    type filter hook postrouting priority 110;
{_indented(_service_answer_acls(vpc, configuration), 4)}
  }}
}}
"""


def _sets(configuration: VpcConfiguration) -> Iterator[str]:
    """Addresses that change with tasks, and the groups that endpoints' rules name."""
    yield _named_set("public_addresses", configuration.public_addresses)
    if configuration.endpoints:
        for name, members in sorted(configuration.groups.items()):
            yield _named_set(name, members)


def _acl_chains(configuration: VpcConfiguration) -> Iterator[str]:
    for name, acl in sorted(configuration.acls.items()):
        for direction in ("ingress", "egress"):
            yield f"chain {_acl_chain(name, direction)} {{"
            yield from (f"  {rule} {'return' if is_allowed else 'drop'}" for rule, is_allowed in _lines(acl, direction))
            yield "  drop"
            yield "}"


def _way_rules(vpc: str, configuration: VpcConfiguration) -> Iterator[str]:
    """Mark what comes from each subnet by its route table."""
    for name, ranges in sorted(configuration.tables.items()):
        subnets = _set(subnet.cidr for subnet in configuration.subnets if subnet.table == name)
        marks = [f"{addresses} : {mark_of(way)}" for addresses, way in ranges if way in configuration.ways]
        if subnets and marks:
            yield f"iifname {vpc} ip saddr {subnets} meta mark set ip daddr map {{ {', '.join(marks)} }}"


def _simfra_rules(vpc: str, place: Place, configuration: VpcConfiguration) -> Iterator[str]:
    """What is Simfra's: its port at every router, and the services behind endpoints."""
    forward = f"dnat ip to {place.emulator[0]}:{place.emulator[1]}"
    own = _set(subnet.gateway_address for subnet in configuration.subnets)
    if own:
        yield f"iifname {vpc} ip daddr {own} tcp dport {place.emulator_port} {forward}"
    ports = f"tcp dport {_set([_HTTP_PORT, place.emulator_port])}"
    for mark in _marks(configuration, "service"):
        yield f"iifname {vpc} meta mark {mark} {ports} {forward}"
    for endpoint in sorted(configuration.endpoints, key=lambda endpoint: endpoint.address):
        for rule in endpoint.ingress:
            yield f"iifname {vpc} ip daddr {endpoint.address} {ports} {rule} {forward}"


def _service_call_acls(vpc: str, configuration: VpcConfiguration) -> Iterator[str]:
    """Network ACLs on the way to VPC endpoints: the caller's subnet's, and that of an interface endpoint's."""
    for mark in _marks(configuration, "service"):
        seen = f"iifname {vpc} meta mark {mark}"
        yield from _subnet_acls(configuration, seen, "saddr", "egress")
        yield f"{seen} ct mark set meta mark"
    for cidr, acl, addresses in _endpoints_by_subnet(configuration):
        seen = f"iifname {vpc} ip saddr != {cidr} ip daddr {addresses}"
        yield from _subnet_acls(configuration, seen, "saddr", "egress")
        yield f"{seen} jump {_acl_chain(acl, 'ingress')}"


def _service_answer_acls(vpc: str, configuration: VpcConfiguration) -> Iterator[str]:
    for mark in _marks(configuration, "service"):
        yield from _subnet_acls(configuration, f"oifname {vpc} ct mark {mark}", "daddr", "ingress")
    for cidr, acl, addresses in _endpoints_by_subnet(configuration):
        seen = f"oifname {vpc} ip daddr != {cidr} ip saddr {addresses}"
        yield f"{seen} jump {_acl_chain(acl, 'egress')}"
        yield from _subnet_acls(configuration, seen, "daddr", "ingress")


def _endpoints_by_subnet(configuration: VpcConfiguration) -> Iterator[tuple[IPv4Network, str, str]]:
    """Subnets that have interface endpoints: the block, the network ACL, and the endpoints' addresses as a set."""
    for subnet in configuration.subnets:
        if addresses := _set(each.address for each in configuration.endpoints if each.address in subnet.cidr):
            yield subnet.cidr, subnet.acl, addresses


def _not_for_us(vpc: str, uplink: str, place: Place, configuration: VpcConfiguration) -> Iterator[str]:
    """What must not reach the gateway itself: what an endpoint does not serve, and peered VPCs."""
    if endpoints := _set(endpoint.address for endpoint in configuration.endpoints):
        yield f"iifname {vpc} ip daddr {endpoints} drop"
    yield f"iifname {uplink} ip daddr != {place.uplink_address} drop"
    if peers := _set(cidr for peer in configuration.peers for cidr in peer.cidrs):
        yield f"iifname {uplink} ip saddr {peers} drop"


def _private_subnets(vpc: str, configuration: VpcConfiguration) -> Iterator[str]:
    """The internet reaches only subnets whose answers would leave by an internet gateway."""
    public = {name for name, ranges in configuration.tables.items() if _leads_to_internet(ranges, configuration)}
    if private := _set(subnet.cidr for subnet in configuration.subnets if subnet.table not in public):
        yield f"oifname {vpc} ip saddr {INTERNET_ADDRESS} ip daddr {private} drop"


def _leads_to_internet(ranges: Iterable[tuple[str, str]], configuration: VpcConfiguration) -> bool:
    for addresses, name in ranges:
        first, _, last = addresses.partition("-")
        if IPv4Address(first) <= INTERNET_ADDRESS <= IPv4Address(last or first):
            way = configuration.ways.get(name)
            return way is not None and way.kind == "internet"
    return False


def _forward_rules(vpc: str, uplink: str, place: Place, configuration: VpcConfiguration) -> Iterator[str]:
    own = _set(configuration.cidrs)
    if not own or not configuration.subnets:
        return
    outside = f"ip daddr != {place.uplink_subnet}"
    yield f"iifname {vpc} ip saddr != {own} drop"
    yield f"iifname {uplink} ip saddr {own} drop"
    yield from _subnet_acls(configuration, f"iifname {vpc}", "saddr", "egress")
    yield from _subnet_acls(configuration, f"oifname {vpc}", "daddr", "ingress")
    for mark in _marks(configuration, "local"):
        yield f"iifname {vpc} oifname {vpc} meta mark {mark} accept"
    for mark in _marks(configuration, "internet"):
        yield (
            f"iifname {vpc} oifname {uplink} meta mark {mark} {outside} ip saddr @public_addresses "
            "ct mark set meta mark accept"
        )
    for mark, way in _ways(configuration, "nat"):
        # The NAT gateway's subnet has a say on the way out and on the way back.
        for seen in (f"iifname {vpc} meta mark {mark}", f"iifname {uplink} ct mark {mark}"):
            yield f"{seen} jump {_acl_chain(way.acl, 'ingress')}"
            yield f"{seen} jump {_acl_chain(way.acl, 'egress')}"
        yield f"iifname {vpc} oifname {uplink} meta mark {mark} {outside} ct mark set meta mark accept"
    for mark in _marks(configuration, "peering"):
        yield f"iifname {vpc} oifname {uplink} meta mark {mark} accept"
    for peer in configuration.peers:
        yield f"iifname {uplink} oifname {vpc} ip saddr {_set(peer.cidrs)} ip daddr {own} accept"
    yield f"iifname {uplink} oifname {vpc} ct state established,related ct mark != 0 accept"


def _translation(uplink: str, configuration: VpcConfiguration) -> Iterator[str]:
    """What leaves for the internet, or for Simfra, has the gateway's own address."""
    if own := _set(configuration.cidrs):
        yield f"oifname {uplink} ip saddr {own} ct status dnat masquerade"
        for mark in (*_marks(configuration, "internet"), *_marks(configuration, "nat")):
            yield f"oifname {uplink} ip saddr {own} meta mark {mark} masquerade"


def _subnet_acls(configuration: VpcConfiguration, seen: str, side: str, direction: str) -> Iterator[str]:
    """Ask the network ACL of the subnet that has the address on that side."""
    jumps = [f"{subnet.cidr} : jump {_acl_chain(subnet.acl, direction)}" for subnet in configuration.subnets]
    if jumps:
        yield f"{seen} ip {side} vmap {{ {', '.join(jumps)} }}"


def _ways(configuration: VpcConfiguration, kind: str) -> list[tuple[int, Way]]:
    return sorted(((mark_of(name), way) for name, way in configuration.ways.items() if way.kind == kind), key=_first)


def _first(pair: tuple[int, Way]) -> int:
    return pair[0]


def _marks(configuration: VpcConfiguration, kind: str) -> list[int]:
    return [mark for mark, _ in _ways(configuration, kind)]


def _lines(acl: NetworkAcl, direction: str) -> tuple[tuple[str, bool], ...]:
    return acl.ingress if direction == "ingress" else acl.egress


def _acl_chain(name: str, direction: str) -> str:
    return f"{name.replace('-', '_')}_{direction}"


def _named_set(name: str, members: Iterable[object]) -> str:
    elements = _set(members)
    return f"set {name} {{ type ipv4_addr; {f'elements = {elements}' if elements else ''} }}"


def _set(items: Iterable[object]) -> str:
    members = sorted({str(item) for item in items})
    return f"{{ {', '.join(members)} }}" if members else ""


def _indented(lines: Iterable[str], spaces: int) -> str:
    return "\n".join(f"{' ' * spaces}{line}" for line in lines)
