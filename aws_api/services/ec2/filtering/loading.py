"""Reads the policies of VPCs, and of those they are peered with, from rows: a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from django.conf import settings
from django.db.models import Q

from aws_api.core.host_ports import INTERNET_ADDRESS
from aws_api.services.ec2 import models
from aws_api.services.ec2.filtering.policies import (
    AclEntry,
    Group,
    GroupRule,
    Interface,
    NatGateway,
    NetworkAcl,
    Peering,
    Policies,
    RouteLine,
    RouteTable,
    Subnet,
    Vpc,
    Way,
)
from aws_api.services.ec2.filtering.reachability import Answer, Place, reachability
from aws_api.services.ec2.filtering.traffic import ALL, ICMP, Match, has_ports, protocol_number
from aws_api.services.ec2.waking import network_key

#: ``to`` and ``from`` for whoever is outside of every VPC.
INTERNET = "internet"
#: Where Simfra answers behind VPC endpoints, besides its own port.
_HTTP_PORT = 80


class NoSuchPlace(ValueError):
    """What was named is neither an interface's id, nor an address; the message says which."""


def answer_reachability(
    account_id: str, region: str, *, source: str, target: str, protocol: str = "tcp", port: int | None = None
) -> Answer:
    """Whether ``source`` reaches ``target``: interface ids (``eni-1``), addresses, or ``internet``.

    An address is looked for in the VPC of the other end and in those that it is peered with. Raises NoSuchPlace, and
    ValueError for a protocol or port.
    """
    interfaces = models.NetworkInterface.objects.filter(account_id=account_id, region=region)
    named = interfaces.filter(resource_id__in=[source, target])
    vpcs = list(dict.fromkeys(interface.vpc_id for interface in named))
    policies = load_policies(vpcs)
    ends = {name: policies.interfaces.get(name) for name in (source, target)}
    for name, interface in ends.items():
        if interface is None and name.startswith("eni-"):
            raise NoSuchPlace(f"There is no network interface {name} in {region}.")
    places = [
        Place(address=interface.address, interface=interface) if interface else _place(policies, vpcs, name)
        for name, interface in ((name, ends[name]) for name in (source, target))
    ]
    if not any(place.interface for place in places):
        raise NoSuchPlace("One of the two must be a network interface.")
    return reachability(policies, places[0], places[1], protocol, port)


def _place(policies: Policies, vpc_pks: list[int], name: str) -> Place:
    if name == INTERNET:
        return Place(address=IPv4Address(INTERNET_ADDRESS))
    try:
        address = IPv4Address(name)
    except ValueError as error:
        raise NoSuchPlace(f"{name} is neither a network interface, nor an address, nor '{INTERNET}'.") from error
    own = set(map(network_key, models.Vpc.objects.filter(pk__in=vpc_pks)))
    found = [each for each in policies.interfaces.values() if address in each.addresses]
    # Peered VPCs may have the address as well, where they are not peered with one another: one's own comes first.
    found.sort(key=lambda each: policies.vpc_of(each).key not in own)
    return Place(address=address, interface=found[0] if found else None)


@dataclass(frozen=True, kw_only=True)
class _Names:
    """What policies call rows: those of other accounts and regions may have the ids of one's own."""

    account_id: str
    region: str

    def of(self, row: models.Ec2Resource) -> str:
        return self.name(row.resource_id, row.account_id, row.region)

    def name(self, resource_id: str, account_id: str, region: str) -> str:
        """``sg-1``; of another account ``sg-1@210987654321``, as also of another region."""
        elsewhere = [mine for mine, own in ((account_id, self.account_id), (region, self.region)) if mine != own]
        return "@".join((resource_id, *elsewhere))


def load_policies(vpc_pks: Iterable[int]) -> Policies:
    """The policies of these VPCs, which are of one account and region, and of all that they are peered with."""
    own = set(vpc_pks)
    peerings = list(_active_peerings(own))
    wanted = own | {pk for peering in peerings for pk in (peering.requester_vpc_id, peering.accepter_vpc_id) if pk}
    rows = list(models.Vpc.objects.filter(pk__in=wanted).prefetch_related("cidr_associations"))
    home = next((row for row in rows if row.pk in own), models.Vpc())
    names = _Names(account_id=home.account_id, region=home.region)
    ids = {row.pk: names.of(row) for row in rows}
    vpcs = {
        ids[row.pk]: Vpc(
            vpc_id=ids[row.pk],
            key=network_key(row),
            blocks=tuple(sorted(IPv4Network(each.cidr_block) for each in row.cidr_associations.all())),
        )
        for row in rows
    }
    active = _peerings(peerings, ids, names)
    lists = _prefix_lists(wanted)
    nat_gateways = {
        names.of(row): NatGateway(
            nat_id=names.of(row),
            subnet_id=names.of(row.subnet),
            is_public=row.connectivity_type == "public",
        )
        for row in models.NatGateway.objects.filter(vpc__in=wanted, interface__isnull=False, deleted_at__isnull=True)
        .select_related("subnet")
        .order_by("pk")
    }
    interfaces = _interfaces(wanted, names)
    return Policies(
        vpcs=vpcs,
        subnets=_subnets(wanted, ids, names),
        tables=_tables(wanted, ids, names, vpcs=vpcs, peerings=active, nat_gateways=nat_gateways, lists=lists),
        acls=_acls(wanted, names),
        groups=_groups(wanted, ids, names, interfaces, lists),
        interfaces=interfaces,
        peerings=active,
        nat_gateways=nat_gateways,
        service_ports=frozenset({_HTTP_PORT, settings.SIMFRA_ENDPOINT_PORT}),
    )


def _active_peerings(vpc_pks: set[int]) -> Iterable[models.VpcPeeringConnection]:
    rows = models.VpcPeeringConnection.objects.filter(
        status="active", requester_vpc__isnull=False, accepter_vpc__isnull=False
    )
    return rows.filter(Q(requester_vpc__in=vpc_pks) | Q(accepter_vpc__in=vpc_pks)).order_by("pk")


def _peerings(
    rows: Iterable[models.VpcPeeringConnection], vpc_ids: Mapping[int, str], names: _Names
) -> dict[str, Peering]:
    """Connections by names of their own: their ids, but where two accounts or regions have the same one.

    Who asked for a connection names it, so those that were asked for here come first.
    """
    found: dict[str, Peering] = {}
    for row in sorted(rows, key=lambda row: names.of(row) != row.resource_id):
        name = names.of(row) if row.resource_id in found else row.resource_id
        assert row.requester_vpc_id is not None and row.accepter_vpc_id is not None, "an active peering has two sides"
        sides = frozenset((vpc_ids[row.requester_vpc_id], vpc_ids[row.accepter_vpc_id]))
        found[name] = Peering(peering_id=name, resource_id=row.resource_id, vpc_ids=sides)
    return found


def _prefix_lists(vpc_pks: set[int]) -> dict[int, tuple[IPv4Network, ...]]:
    """The blocks that each list holds now, of the lists that rules, routes and endpoints of these VPCs name."""
    entries = models.PrefixListEntry.objects.filter(removed_in__isnull=True).filter(
        Q(prefix_list__security_group_rules__group__vpc__in=vpc_pks)
        | Q(prefix_list__routes__route_table__vpc__in=vpc_pks)
        | Q(prefix_list__endpoints__vpc__in=vpc_pks)
    )
    found: dict[int, set[IPv4Network]] = defaultdict(set)
    for pk, cidr in entries.values_list("prefix_list_id", "cidr").distinct():
        if ":" not in cidr:
            found[pk].add(IPv4Network(cidr))
    return {pk: tuple(sorted(blocks)) for pk, blocks in found.items()}


def _interfaces(vpc_pks: set[int], names: _Names) -> dict[str, Interface]:
    rows = models.NetworkInterface.objects.filter(vpc__in=vpc_pks).select_related("subnet").order_by("pk")
    groups: dict[int, list[str]] = defaultdict(list)
    memberships = models.NetworkInterface.groups.through.objects.filter(networkinterface__vpc__in=vpc_pks)
    scoped = (f"securitygroup__{column}" for column in ("resource_id", "account_id", "region"))
    for pk, *group in memberships.values_list("networkinterface_id", *scoped):
        groups[pk].append(names.name(*group))
    addresses: dict[int, list[IPv4Address]] = defaultdict(list)
    private = models.PrivateAddress.objects.filter(interface__vpc__in=vpc_pks).order_by("-primary", "pk")
    for pk, address in private.values_list("interface_id", "address"):
        addresses[pk].append(IPv4Address(address))
    return {
        names.of(row): Interface(
            interface_id=names.of(row),
            subnet_id=names.of(row.subnet),
            addresses=tuple(addresses[row.pk]),
            group_ids=tuple(sorted(groups[row.pk])),
            public_address=IPv4Address(row.public_address) if row.public_address else None,
            has_namespace=row.backing_index is not None,
            is_endpoint=row.vpc_endpoint_id is not None,
        )
        for row in rows
        if addresses[row.pk]
    }


def _subnets(vpc_pks: set[int], vpc_ids: Mapping[int, str], names: _Names) -> dict[str, Subnet]:
    associations = models.RouteTableAssociation.objects.filter(vpc__in=vpc_pks, gateway__isnull=True)
    explicit: dict[int, str] = {}
    main: dict[int, str] = {}
    for association in associations.select_related("route_table"):
        if association.subnet_id is None:
            main[association.vpc_id] = names.of(association.route_table)
        else:
            explicit[association.subnet_id] = names.of(association.route_table)
    acl_associations = models.NetworkAclAssociation.objects.filter(subnet__vpc__in=vpc_pks)
    acls = {
        association.subnet_id: names.of(association.network_acl)
        for association in acl_associations.select_related("network_acl")
    }
    return {
        names.of(subnet): Subnet(
            subnet_id=names.of(subnet),
            vpc_id=vpc_ids[subnet.vpc_id],
            block=IPv4Network(subnet.cidr_block),
            table_id=explicit.get(subnet.pk, main[subnet.vpc_id]),
            acl_id=acls[subnet.pk],
        )
        for subnet in models.Subnet.objects.filter(vpc__in=vpc_pks).order_by("pk")
    }


def _tables(
    vpc_pks: set[int],
    vpc_ids: Mapping[int, str],
    names: _Names,
    *,
    vpcs: Mapping[str, Vpc],
    peerings: Mapping[str, Peering],
    nat_gateways: Mapping[str, NatGateway],
    lists: Mapping[int, tuple[IPv4Network, ...]],
) -> dict[str, RouteTable]:
    sides = {(vpc_id, each.resource_id): name for name, each in peerings.items() for vpc_id in each.vpc_ids}
    gateways = models.InternetGateway.objects.filter(vpc__in=vpc_pks)
    internet_gateways = {names.of(row): vpc_ids[row.vpc_id] for row in gateways if row.vpc_id is not None}
    tables = models.RouteTable.objects.filter(vpc__in=vpc_pks).prefetch_related("routes__prefix_list", "endpoints")
    found = {}
    for table in tables:
        vpc_id = vpc_ids[table.vpc_id]
        lines = [
            RouteLine(destination=str(block), blocks=(block,), way=Way.LOCAL, target="local")
            for block in vpcs[vpc_id].blocks
        ]
        for route in table.routes.all():
            blocks = lists.get(route.prefix_list_id, ()) if route.prefix_list_id else _block(route.destination)
            target = route.target_id
            if target != "local":
                elsewhere = names.name(target, table.account_id, table.region)
                # A peering has one name for both of its sides.
                target = sides.get((vpc_id, target), elsewhere)
            way, problem = _way(target, vpc_id, internet_gateways, peerings, nat_gateways)
            lines.append(
                RouteLine(destination=route.destination, blocks=blocks, way=way, target=target, problem=problem)
            )
        lines.extend(
            RouteLine(
                destination=str(endpoint.prefix_list or endpoint.service_name),
                blocks=lists.get(endpoint.prefix_list_id or 0, ()),
                way=Way.SERVICE,
                target=names.of(endpoint),
            )
            for endpoint in table.endpoints.all()
        )
        found[names.of(table)] = RouteTable(table_id=names.of(table), lines=tuple(lines))
    return found


def _way(
    target: str,
    vpc_id: str,
    internet_gateways: Mapping[str, str],
    peerings: Mapping[str, Peering],
    nat_gateways: Mapping[str, NatGateway],
) -> tuple[Way, str]:
    """Where a route leads, and why nowhere."""
    if target == "local":
        return Way.LOCAL, ""
    if internet_gateways.get(target) == vpc_id:
        return Way.INTERNET, ""
    if target in nat_gateways:
        return (Way.NAT, "") if nat_gateways[target].is_public else (Way.NOWHERE, f"{target} is a private NAT gateway")
    if target in peerings and vpc_id in peerings[target].vpc_ids:
        return Way.PEERING, ""
    if target.startswith(("igw-", "nat-", "pcx-")):
        return Way.NOWHERE, f"{target} is gone (blackhole)"
    return Way.NOWHERE, f"nothing forwards packets at {target}"


def _acls(vpc_pks: set[int], names: _Names) -> dict[str, NetworkAcl]:
    rows = models.NetworkAcl.objects.filter(vpc__in=vpc_pks).prefetch_related("entries")
    return {
        names.of(row): NetworkAcl(
            acl_id=names.of(row),
            entries=tuple(
                AclEntry(
                    number=entry.rule_number,
                    is_egress=entry.is_egress,
                    is_allowed=entry.is_allow,
                    match=_match(entry.protocol, entry.from_port, entry.to_port, entry.icmp_type, entry.icmp_code),
                    block=IPv4Network(entry.cidr_ipv4),
                )
                for entry in sorted(row.entries.all(), key=lambda entry: entry.rule_number)
                if entry.cidr_ipv4
            ),
        )
        for row in rows
    }


def _groups(
    vpc_pks: set[int],
    vpc_ids: Mapping[int, str],
    names: _Names,
    interfaces: Mapping[str, Interface],
    lists: Mapping[int, tuple[IPv4Network, ...]],
) -> dict[str, Group]:
    members: dict[str, set[IPv4Address]] = defaultdict(set)
    for interface in interfaces.values():
        for group_id in interface.group_ids:
            members[group_id].update(interface.addresses)
    rules: dict[int, list[GroupRule]] = defaultdict(list)
    rows = models.SecurityGroupRule.objects.filter(group__vpc__in=vpc_pks, cidr_ipv6="")
    for row in rows.select_related("referenced_group", "prefix_list").order_by("pk"):
        is_icmp = row.ip_protocol == "icmp"
        ports = (None, None, row.from_port, row.to_port) if is_icmp else (row.from_port, row.to_port, None, None)
        rules[row.group_id].append(
            GroupRule(
                rule_id=row.resource_id,
                is_egress=row.is_egress,
                match=_match(row.ip_protocol, *ports),
                blocks=_block(row.cidr_ipv4) if row.cidr_ipv4 else lists.get(row.prefix_list_id or 0, ()),
                referenced_group=names.of(row.referenced_group) if row.referenced_group else "",
                prefix_list=row.prefix_list.resource_id if row.prefix_list else "",
            )
        )
    return {
        names.of(row): Group(
            group_id=names.of(row),
            vpc_id=vpc_ids[row.vpc_id],
            rules=tuple(rules[row.pk]),
            members=frozenset(members[names.of(row)]),
        )
        for row in models.SecurityGroup.objects.filter(vpc__in=vpc_pks)
    }


def _match(
    protocol: str, first_port: int | None, last_port: int | None, icmp_type: int | None, icmp_code: int | None
) -> Match:
    number = protocol_number(protocol)
    if number == ICMP:
        return Match(
            protocol=number,
            icmp_type=ALL if icmp_type is None else icmp_type,
            icmp_code=ALL if icmp_code is None else icmp_code,
        )
    if has_ports(number) and first_port is not None and last_port is not None and first_port >= 0:
        return Match(protocol=number, first_port=first_port, last_port=last_port)
    return Match(protocol=number)


def _block(destination: str) -> tuple[IPv4Network, ...]:
    return () if ":" in destination else (IPv4Network(destination),)
