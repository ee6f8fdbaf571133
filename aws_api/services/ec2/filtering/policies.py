"""The frozen model of what VPCs let pass, as rows have it; everything else here is computed from it. Pure.

Addresses and blocks are IPv4: what has only IPv6 lets nothing pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network

from aws_api.services.ec2.filtering.traffic import Match

EVERYWHERE = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True, kw_only=True)
class GroupRule:
    """One rule of a security group: for blocks (several where a prefix list is named), or for a group's members."""

    rule_id: str
    is_egress: bool
    match: Match
    blocks: tuple[IPv4Network, ...] = ()
    referenced_group: str = ""
    prefix_list: str = ""

    @property
    def peer(self) -> str:
        """Whom it is about, as people know it."""
        return self.referenced_group or self.prefix_list or ", ".join(map(str, self.blocks))

    def __str__(self) -> str:
        way = "egress" if self.is_egress else "ingress"
        return f"{self.rule_id}: {way} of {self.match} {'to' if self.is_egress else 'from'} {self.peer}"


@dataclass(frozen=True, kw_only=True)
class Group:
    """A security group. ``members`` are the addresses of every interface that has it."""

    group_id: str
    vpc_id: str
    rules: tuple[GroupRule, ...] = ()
    members: frozenset[IPv4Address] = frozenset()


@dataclass(frozen=True, kw_only=True)
class AclEntry:
    """A numbered line of a network ACL; the block is the other side's."""

    number: int
    is_egress: bool
    is_allowed: bool
    match: Match
    block: IPv4Network

    def __str__(self) -> str:
        verb = "allow" if self.is_allowed else "deny"
        number = "*" if self.number == LAST_ENTRY_NUMBER else str(self.number)
        return f"rule {number}: {verb} {self.match} {'to' if self.is_egress else 'from'} {self.block}"


#: The line that nobody can change: what no other line matched is denied.
LAST_ENTRY_NUMBER = 32767


@dataclass(frozen=True, kw_only=True)
class NetworkAcl:
    """A network ACL, its lines in the order in which they are tried."""

    acl_id: str
    entries: tuple[AclEntry, ...] = ()


class Way(StrEnum):
    """Where a route leads."""

    LOCAL = "local"  # to the VPC itself
    INTERNET = "internet"  # through the internet gateway, for who has a public address
    NAT = "nat"  # through a NAT gateway
    PEERING = "peering"  # to a peered VPC
    SERVICE = "service"  # through a gateway endpoint, to Simfra
    NOWHERE = "nowhere"  # the target is gone, or leads nowhere


@dataclass(frozen=True, kw_only=True)
class RouteLine:
    """A line of a route table: destinations (several where a prefix list is named) and the way there.

    ``problem`` says why a way is NOWHERE.
    """

    destination: str
    blocks: tuple[IPv4Network, ...]
    way: Way
    target: str
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.destination} to {self.target}"


@dataclass(frozen=True, kw_only=True)
class RouteTable:
    """A route table with the local routes of its VPC's blocks."""

    table_id: str
    lines: tuple[RouteLine, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet, with its table (perhaps the VPC's main one) and its ACL."""

    subnet_id: str
    vpc_id: str
    block: IPv4Network
    table_id: str
    acl_id: str


@dataclass(frozen=True, kw_only=True)
class NatGateway:
    """A NAT gateway by its subnet; a ``private`` one has no way to the internet."""

    nat_id: str
    subnet_id: str
    is_public: bool = True


@dataclass(frozen=True, kw_only=True)
class Interface:
    """A network interface, its primary address first.

    ``has_namespace``: a container of ours is behind it, whose network namespace takes rules. ``is_endpoint``: it is a
    VPC endpoint's, and Simfra answers behind it.
    """

    interface_id: str
    subnet_id: str
    addresses: tuple[IPv4Address, ...]
    group_ids: tuple[str, ...] = ()
    public_address: IPv4Address | None = None
    has_namespace: bool = True
    is_endpoint: bool = False

    @property
    def address(self) -> IPv4Address:
        return self.addresses[0]


@dataclass(frozen=True, kw_only=True)
class Peering:
    """An active peering of two VPCs. Both sides call it by ``resource_id``, which another one may have as well."""

    peering_id: str
    resource_id: str
    vpc_ids: frozenset[str]

    def other(self, vpc_id: str) -> str:
        """The VPC at the other end."""
        return next(each for each in self.vpc_ids if each != vpc_id)


@dataclass(frozen=True, kw_only=True)
class Vpc:
    """A VPC by its blocks. ``key`` is its network's."""

    vpc_id: str
    key: str
    blocks: tuple[IPv4Network, ...]


@dataclass(frozen=True, kw_only=True)
class Policies:
    """Everything about one VPC or several, with the VPCs that they are peered with. All by their ids.

    What is another account's has that in its name (``sg-1@210987654321``), as also what is in another region: ids are
    one's own to choose, and so may be the same. ``service_ports`` are those at which VPC endpoints answer.
    """

    vpcs: Mapping[str, Vpc]
    subnets: Mapping[str, Subnet]
    tables: Mapping[str, RouteTable]
    acls: Mapping[str, NetworkAcl]
    groups: Mapping[str, Group]
    interfaces: Mapping[str, Interface]
    peerings: Mapping[str, Peering] = field(default_factory=dict)
    nat_gateways: Mapping[str, NatGateway] = field(default_factory=dict)
    service_ports: frozenset[int] = frozenset()

    def vpc_of(self, interface: Interface) -> Vpc:
        """The VPC that an interface is in."""
        return self.vpcs[self.subnets[interface.subnet_id].vpc_id]

    def are_peered(self, one: str, other: str) -> bool:
        """Whether an active peering connects two VPCs."""
        return any(peering.vpc_ids == {one, other} for peering in self.peerings.values())

    def rules_of(self, interface: Interface) -> tuple[GroupRule, ...]:
        """The rules of all groups of an interface."""
        return tuple(rule for group_id in sorted(interface.group_ids) for rule in self.groups[group_id].rules)

    def members(self, group_id: str, seen_from: str) -> frozenset[IPv4Address]:
        """The addresses that a reference to a group stands for in a VPC: none where the VPCs are not connected."""
        group = self.groups.get(group_id)
        if group is None or not (group.vpc_id == seen_from or self.are_peered(group.vpc_id, seen_from)):
            return frozenset()
        return group.members
