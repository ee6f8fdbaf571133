"""A world in which cases are set: who may do what, who knocks where, what is heard, and what the function answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from aws_api.core.host_ports import INTERNET_ADDRESS
from aws_api.core.ids import new_hex_id
from aws_api.services.ec2 import models
from aws_api.services.ec2.addresses import new_mac_address
from aws_api.services.ec2.filtering.loading import answer_reachability
from tests.network.world import (
    INTERNET_HOST,
    REACHED_WITHIN_S,
    REGION,
    SILENT_FOR_S,
    SIMFRA,
    Probe,
    World,
    internet,
    running_world,
)

NEAR, FAR = "10.50.0.0/16", "10.60.0.0/16"
SUBNETS = {"public": "10.50.1.0/24", "private": "10.50.2.0/24", "isolated": "10.50.3.0/24"}
#: Of a list that AWS keeps, and an address in it.
S3_BLOCK, S3_ADDRESS = "52.216.0.0/15", "52.216.0.10"
NAT_ADDRESS, ENDPOINT_ADDRESS = "10.50.1.250", "10.50.2.250"
ALL = "-1"
ANYTHING = "-1 * 0.0.0.0/0"
OPEN = ((100, "allow", ALL, "0.0.0.0/0"),)
#: What the kernel gives to callers, for the answers.
EPHEMERAL = "tcp 32768-60999"

#: ``tcp 80 10.0.0.0/8``: protocol, ports or type/code, and a block, a list or a namespace's group.
Rule = str
#: Number, verdict, protocol and ports, block.
Line = tuple[int, str, str, str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One sentence about the world: what is set, who knocks where, and whether it is heard."""

    says: str
    knock: str
    heard: bool
    ingress: tuple[Rule, ...] = ()
    egress: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    also: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    acl_in: dict[str, tuple[Line, ...]] = field(default_factory=dict)
    acl_out: dict[str, tuple[Line, ...]] = field(default_factory=dict)
    routes: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    joined: tuple[tuple[str, str], ...] = ()
    #: Subnets that have the VPC's own network ACL.
    default_acl: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        return self.knock.split()[0]

    @property
    def target(self) -> str:
        return self.knock.split()[1]

    @property
    def protocol(self) -> str:
        return self.knock.split()[2]

    @property
    def port(self) -> int:
        return int([*self.knock.split(), "0"][3])


def allows(says: str, knock: str, *ingress: Rule, **others: Any) -> Case:
    return Case(says=says, knock=knock, heard=True, ingress=ingress, **others)


def denies(says: str, knock: str, *ingress: Rule, **others: Any) -> Case:
    return Case(says=says, knock=knock, heard=False, ingress=ingress, **others)


@dataclass
class Stage:
    """The world, how it is when no case is set, and what knocks."""

    world: World
    acls: dict[str, models.NetworkAcl]
    tables: dict[str, models.RouteTable]
    targets: dict[str, str]
    probes: dict[str, Probe]
    standard: dict[str, tuple[tuple[str, str], ...]]
    interface_ids: dict[str, str]
    groups: dict[str, models.SecurityGroup]
    s3: models.ManagedPrefixList

    def set(self, case: Case) -> None:
        with transaction.atomic():
            self._set_groups(case)
            self._set_acls(case)
            self._set_routes(case)
        self.world.settle()

    def _set_groups(self, case: Case) -> None:
        for name, interface_id in self.interface_ids.items():
            group = self.groups[name]
            interface = models.NetworkInterface.objects.get(resource_id=interface_id)
            joined = [self.groups[other] for member, other in case.joined if member == name]
            interface.groups.set([group, *joined])
            ingress = case.ingress if name == case.target else case.also.get(name, ())
            group.rules.all().delete()
            for rule in ingress:
                self._add_rule(group, rule, is_egress=False)
            for rule in case.egress.get(name, (ANYTHING,)):
                self._add_rule(group, rule, is_egress=True)

    def _add_rule(self, group: models.SecurityGroup, rule: Rule, *, is_egress: bool) -> None:
        protocol, ports, peer = rule.split()
        first, _, last = ports.replace("/", " ").partition(" ") if "/" in ports else ports.partition("-")
        columns: dict[str, Any] = {}
        if peer.startswith("@"):
            columns["referenced_group"] = self.groups[peer[1:]]
        elif peer == "list:s3":
            columns["prefix_list"] = self.s3
        elif peer.startswith("list:"):
            columns["prefix_list"] = self._prefix_list(peer.removeprefix("list:"))
        elif ":" in peer:
            columns["cidr_ipv6"] = peer
        else:
            name = peer.removesuffix("/32")
            columns["cidr_ipv4"] = f"{self.targets[name]}/32" if name in self.targets else peer
        models.SecurityGroupRule.objects.create(
            **self.world.row(
                resource_id=new_hex_id("sgr-"),
                group=group,
                is_egress=is_egress,
                ip_protocol=protocol,
                from_port=-1 if ports == "*" else int(first),
                to_port=-1 if ports == "*" else int(last or first),
                **columns,
            )
        )

    def _prefix_list(self, blocks: str) -> models.ManagedPrefixList:
        found = models.ManagedPrefixList.objects.create(
            **self.world.row(resource_id=new_hex_id("pl-"), prefix_list_name="blocks", max_entries=10)
        )
        for block in filter(None, blocks.split(",")):
            models.PrefixListEntry.objects.create(prefix_list=found, cidr=block, added_in=1)
        return found

    def _set_acls(self, case: Case) -> None:
        for name, acl in self.acls.items():
            subnet = self.world.subnets[name]
            used = subnet.vpc.network_acls.get(is_default=True) if name in case.default_acl else acl
            models.NetworkAclAssociation.objects.filter(subnet=subnet).update(network_acl=used)
            acl.entries.all().delete()
            for is_egress, given in ((False, case.acl_in), (True, case.acl_out)):
                for line in given.get(name, OPEN):
                    self._add_line(acl, line, is_egress=is_egress)

    def _add_line(self, acl: models.NetworkAcl, line: Line, *, is_egress: bool) -> None:
        number, verdict, match, block = line
        protocol, _, rest = match.partition(" ")
        columns: dict[str, int] = {}
        if protocol == "icmp":
            columns = dict(zip(("icmp_type", "icmp_code"), map(int, rest.split("/")), strict=True))
        elif rest:
            first, _, last = rest.partition("-")
            columns = {"from_port": int(first), "to_port": int(last or first)}
        models.NetworkAclEntry.objects.create(
            network_acl=acl,
            is_egress=is_egress,
            rule_number=number,
            is_allow=verdict == "allow",
            protocol={"tcp": "6", "udp": "17", "icmp": "1"}.get(protocol, protocol),
            cidr_ipv4=block,
            **columns,
        )

    def _set_routes(self, case: Case) -> None:
        for name, table in self.tables.items():
            table.routes.all().delete()
            for destination, target in case.routes.get(name, self.standard[name]):
                target_id = self.targets.get(target, target)
                member = {"igw": "GatewayId", "nat": "NatGatewayId", "pcx": "VpcPeeringConnectionId"}[target_id[:3]]
                models.Route.objects.create(
                    route_table=table, destination=destination, target=member, target_id=target_id
                )

    def is_heard(self, case: Case) -> bool:
        address = self.targets[case.target]
        timeout_s = REACHED_WITHIN_S if case.heard else SILENT_FOR_S
        heard = self.probes[case.source].knock(address, case.protocol, case.port, timeout_s=timeout_s)
        answering = SIMFRA if case.target in ("endpoint", "s3") else case.target
        assert heard in ([], [answering], [address]), "somebody else answers"
        return bool(heard)

    def answer(self, case: Case) -> bool:
        answer = answer_reachability(
            self.world.context.account_id,
            REGION,
            source=self.interface_ids.get(case.source, "internet"),
            target=self.interface_ids.get(case.target, self.targets[case.target]),
            protocol=case.protocol,
            port=case.port or None,
        )
        assert answer.decided_by.is_allowed == answer.is_allowed
        assert answer.decided_by.rule
        return answer.is_allowed


@contextmanager
def running_stage() -> Iterator[Stage]:
    """Two peered VPCs, one of them with every kind of subnet and way out."""
    with running_world() as world, internet():
        near = world.add_vpc("near", NEAR, SUBNETS)
        far = world.add_vpc("far", FAR, {"distant": "10.60.1.0/24"})
        acls, tables = {}, {}
        for name, subnet in world.subnets.items():
            acls[name] = models.NetworkAcl.objects.create(**world.row(resource_id=new_hex_id("acl-"), vpc=subnet.vpc))
            models.NetworkAclAssociation.objects.filter(subnet=subnet).update(network_acl=acls[name])
            tables[name] = models.RouteTable.objects.create(**world.row(resource_id=new_hex_id("rtb-"), vpc=subnet.vpc))
            models.RouteTableAssociation.objects.create(
                association_id=new_hex_id("rtbassoc-"), route_table=tables[name], vpc=subnet.vpc, subnet=subnet
            )
        internet_gateway = models.InternetGateway.objects.create(**world.row(resource_id=new_hex_id("igw-"), vpc=near))
        peering = models.VpcPeeringConnection.objects.create(
            **world.row(
                resource_id=new_hex_id("pcx-"),
                requester_vpc=near,
                accepter_vpc=far,
                accepter_account_id=world.context.account_id,
                accepter_region=REGION,
                status="active",
            )
        )
        nat = _nat_gateway(world, near)
        for name, subnet_name in {
            "client": "public",
            "neighbour": "public",
            "server": "private",
            "lonely": "isolated",
            "distant": "distant",
        }.items():
            world.add_namespace(name, subnet_name, is_public=name == "client")
        s3 = _s3_endpoint(world, near, tables["private"])
        endpoint = _interface_endpoint(world, near)
        world.settle()
        groups = {name: namespace.group for name, namespace in world.namespaces.items()}
        groups["endpoint"] = endpoint.groups.get()
        groups["default"] = models.SecurityGroup.objects.get(vpc=near, group_name="default")
        interface_ids = {name: namespace.interface_id for name, namespace in world.namespaces.items()}
        interface_ids["endpoint"] = endpoint.resource_id
        targets = {name: namespace.address for name, namespace in world.namespaces.items()}
        targets |= {
            "endpoint": ENDPOINT_ADDRESS,
            "s3": S3_ADDRESS,
            "internet": INTERNET_HOST,
            "igw": internet_gateway.resource_id,
            "pcx": peering.resource_id,
            "nat": nat.resource_id,
            "nat-gone": "nat-0123456789abcdef0",
        }
        probes = {name: namespace.probe for name, namespace in world.namespaces.items()}
        probes["internet"] = world.probe(world.gateway("near"), "internet", INTERNET_ADDRESS)
        standard = {
            "public": (("0.0.0.0/0", "igw"), (FAR, "pcx")),
            "private": (("0.0.0.0/0", "nat"), (FAR, "pcx")),
            "isolated": (),
            "distant": ((NEAR, "pcx"),),
        }
        yield Stage(world, acls, tables, targets, probes, standard, interface_ids, groups, s3)


def _nat_gateway(world: World, vpc: models.Vpc) -> models.NatGateway:
    interface = _interface(world, vpc, "public", NAT_ADDRESS, interface_type="nat_gateway")
    return models.NatGateway.objects.create(
        **world.row(resource_id=new_hex_id("nat-"), vpc=vpc, subnet=interface.subnet, interface=interface)
    )


def _s3_endpoint(world: World, vpc: models.Vpc, table: models.RouteTable) -> models.ManagedPrefixList:
    """A gateway endpoint of one table; answers the list of its addresses."""
    name = f"com.amazonaws.{REGION}.s3"
    found = models.ManagedPrefixList.objects.create(
        **world.row(resource_id=new_hex_id("pl-"), prefix_list_name=name, max_entries=1, is_aws_managed=True)
    )
    models.PrefixListEntry.objects.create(prefix_list=found, cidr=S3_BLOCK, added_in=1)
    endpoint = models.VpcEndpoint.objects.create(
        **world.row(
            resource_id=new_hex_id("vpce-"), vpc=vpc, endpoint_type="Gateway", service_name=name, prefix_list=found
        )
    )
    endpoint.route_tables.add(table)
    return found


def _interface_endpoint(world: World, vpc: models.Vpc) -> models.NetworkInterface:
    """An interface endpoint of SQS in the private subnet, in a group of its own; answers its interface."""
    endpoint = models.VpcEndpoint.objects.create(
        **world.row(
            resource_id=new_hex_id("vpce-"),
            vpc=vpc,
            endpoint_type="Interface",
            service_name=f"com.amazonaws.{REGION}.sqs",
            private_dns_enabled=True,
        )
    )
    group = models.SecurityGroup.objects.create(
        **world.row(resource_id=new_hex_id("sg-"), vpc=vpc, group_name="endpoint", description="endpoint")
    )
    interface = _interface(
        world, vpc, "private", ENDPOINT_ADDRESS, interface_type="vpc_endpoint", vpc_endpoint=endpoint
    )
    interface.groups.add(group)
    return interface


def _interface(world: World, vpc: models.Vpc, subnet: str, address: str, **columns: Any) -> models.NetworkInterface:
    row = world.row(
        resource_id=new_hex_id("eni-"),
        vpc=vpc,
        subnet=world.subnets[subnet],
        mac_address=new_mac_address(),
        **columns,
    )
    made = models.NetworkInterface.objects.create(**row)
    models.PrivateAddress.objects.create(subnet=made.subnet, interface=made, address=address, primary=True)
    return made
