"""Security groups, network ACLs and routes: packets between namespaces and the reachability function always agree."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction

from aws_api.core.host_ports import INTERNET_ADDRESS
from aws_api.core.ids import new_hex_id
from aws_api.services.ec2 import models
from aws_api.services.ec2.filtering.loading import answer_reachability
from tests.network.world import (
    INTERNET_HOST,
    REACHED_WITHIN_S,
    REGION,
    SILENT_FOR_S,
    Probe,
    World,
    internet,
    running_world,
)

pytestmark = pytest.mark.docker

NEAR, FAR = "10.50.0.0/16", "10.60.0.0/16"
SUBNETS = {"public": "10.50.1.0/24", "private": "10.50.2.0/24", "isolated": "10.50.3.0/24"}
ALL = "-1"
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


WEB = "client server tcp 80"
NEXT_DOOR = "client neighbour tcp 80"
ANYTHING = "-1 * 0.0.0.0/0"

#: ``ingress`` is the target's; everybody's egress is open and everybody else's ingress closed, unless said.
CASES = [
    # Security groups: protocols and ports
    denies("a group without rules lets nothing in", WEB),
    allows("a port from everywhere", WEB, "tcp 80 0.0.0.0/0"),
    denies("another port", WEB, "tcp 81 0.0.0.0/0"),
    denies("another protocol", WEB, "udp 80 0.0.0.0/0"),
    allows("the first of a range", WEB, "tcp 80-90 0.0.0.0/0"),
    allows("the last of a range", "client server tcp 90", "tcp 80-90 0.0.0.0/0"),
    denies("beyond a range", "client server tcp 443", "tcp 80-90 0.0.0.0/0"),
    denies("before a range", WEB, "tcp 81-90 0.0.0.0/0"),
    allows("all ports", "client server tcp 65535", "tcp 0-65535 0.0.0.0/0"),
    denies("all ports of another protocol", WEB, "udp 0-65535 0.0.0.0/0"),
    allows("all traffic", WEB, ANYTHING),
    allows("all traffic is UDP too", "client server udp 5000", ANYTHING),
    allows("all traffic is ICMP too", "client server icmp", ANYTHING),
    allows("all traffic is every protocol", "client server 253", ANYTHING),
    allows("UDP by port", "client server udp 5000", "udp 5000 0.0.0.0/0"),
    denies("UDP by another port", "client server udp 5000", "udp 5001 0.0.0.0/0"),
    allows("several rules add up", "client server tcp 443", "tcp 80 0.0.0.0/0", "tcp 443 0.0.0.0/0"),
    allows("a protocol by number", "client server 253", "253 * 0.0.0.0/0"),
    # From another one: without ports, the kernel takes it for more of what was let in before.
    denies("another protocol by number", "neighbour server 253", "254 * 0.0.0.0/0"),
    denies("a number is not TCP", WEB, "253 * 0.0.0.0/0"),
    # ICMP
    allows("any ICMP", "client server icmp", "icmp -1/-1 0.0.0.0/0"),
    allows("echo requests", "client server icmp", "icmp 8/-1 0.0.0.0/0"),
    allows("echo requests of the one code there is", "client server icmp", "icmp 8/0 0.0.0.0/0"),
    denies("echo replies are not requests", "client server icmp", "icmp 0/-1 0.0.0.0/0"),
    denies("ICMP is not TCP", WEB, "icmp -1/-1 0.0.0.0/0"),
    # Blocks
    allows("the source's address", WEB, "tcp 80 client/32"),
    denies("another address", WEB, "tcp 80 neighbour/32"),
    allows("the source's subnet", WEB, "tcp 80 10.50.1.0/24"),
    denies("the target's own subnet", WEB, "tcp 80 10.50.2.0/24"),
    allows("the VPC", WEB, "tcp 80 10.50.0.0/16"),
    allows("one of two blocks", WEB, "tcp 80 192.168.0.0/16", "tcp 80 10.50.1.0/24"),
    allows("a prefix list", WEB, "tcp 80 list:10.50.1.0/24,172.16.0.0/12"),
    allows("a prefix list whose blocks overlap", WEB, "tcp 80 list:10.50.0.0/16,10.50.1.0/24"),
    denies("a prefix list of others", WEB, "tcp 80 list:10.51.0.0/16,172.16.0.0/12"),
    denies("an empty prefix list", WEB, "tcp 80 list:"),
    denies("IPv6 is not IPv4", WEB, "tcp 80 ::/0"),
    # Within a subnet, where no router is asked
    denies("a neighbour is no friend", NEXT_DOOR),
    allows("a neighbour that is let in", NEXT_DOOR, "tcp 80 10.50.1.0/24"),
    denies("a neighbour, another port", "client neighbour tcp 443", "tcp 80 10.50.1.0/24"),
    # References to groups
    allows("the source's group", WEB, "tcp 80 @client"),
    denies("another group", WEB, "tcp 80 @neighbour"),
    denies("its own group, of which the source is none", WEB, "tcp 80 @server"),
    allows("its own group, of which the source is one", WEB, "tcp 80 @server", joined=(("client", "server"),)),
    allows("one of two groups", WEB, "tcp 80 @neighbour", "tcp 80 @client"),
    allows("a group that the source has joined", WEB, "tcp 80 @neighbour", joined=(("client", "neighbour"),)),
    allows("the rules of a second group", WEB,
           joined=(("server", "neighbour"),), also={"neighbour": ("tcp 80 @client",)}),
    denies("a group by another port", "client server tcp 443", "tcp 80 @client"),
    allows("a group next door", NEXT_DOOR, "-1 * @client"),
    # Egress
    denies("no egress at all", WEB, ANYTHING, egress={"client": ()}),
    allows("egress to the port", WEB, ANYTHING, egress={"client": ("tcp 80 0.0.0.0/0",)}),
    denies("egress to another port", WEB, ANYTHING, egress={"client": ("tcp 443 0.0.0.0/0",)}),
    allows("egress to a group", WEB, ANYTHING, egress={"client": ("tcp 80 @server",)}),
    denies("egress to another group", WEB, ANYTHING, egress={"client": ("tcp 80 @neighbour",)}),
    allows("answers need no egress", WEB, ANYTHING, egress={"server": ()}),
    allows("answers of UDP need no egress", "client server udp 5000", ANYTHING, egress={"server": ()}),
    allows("echoes need no egress", "client server icmp", ANYTHING, egress={"server": ()}),
    # Network ACLs
    denies("an ACL without a line denies", WEB, ANYTHING, acl_in={"private": ()}),
    denies("a line that denies before one that allows", WEB, ANYTHING,
           acl_in={"private": ((90, "deny", "tcp 80", "0.0.0.0/0"), *OPEN)}),
    allows("a line that allows before one that denies", WEB, ANYTHING,
           acl_in={"private": ((90, "allow", "tcp 80", "0.0.0.0/0"), (100, "deny", ALL, "0.0.0.0/0"))}),
    denies("an ACL by the source's block", WEB, ANYTHING,
           acl_in={"private": ((90, "deny", ALL, "10.50.1.0/24"), *OPEN)}),
    allows("an ACL by another block", WEB, ANYTHING,
           acl_in={"private": ((90, "deny", ALL, "10.50.3.0/24"), *OPEN)}),
    denies("the source's subnet denies on the way out", WEB, ANYTHING,
           acl_out={"public": ((90, "deny", "tcp 80", "10.50.2.0/24"), *OPEN)}),
    denies("ACLs know no connections: the answer is denied on its way out", WEB, ANYTHING,
           acl_out={"private": ((100, "allow", "tcp 80", "0.0.0.0/0"),)}),
    allows("ACLs know no connections: the answer's ports are allowed", WEB, ANYTHING,
           acl_out={"private": ((100, "allow", EPHEMERAL, "10.50.1.0/24"),)}),
    denies("the answer is denied on its way in", WEB, ANYTHING,
           acl_in={"public": ((100, "allow", "tcp 80", "0.0.0.0/0"),)}),
    allows("within a subnet no ACL is asked", NEXT_DOOR, ANYTHING, acl_in={"public": ()}, acl_out={"public": ()}),
    denies("an ACL and echo requests", "client server icmp", ANYTHING,
           acl_in={"private": ((90, "deny", "icmp 8/-1", "0.0.0.0/0"), *OPEN)}),
    allows("an ACL and other ICMP", "client server icmp", ANYTHING,
           acl_in={"private": ((90, "deny", "icmp 3/-1", "0.0.0.0/0"), *OPEN)}),
    # Routes to the internet
    allows("a public address and a route to an internet gateway", "client internet tcp 80"),
    denies("no public address", "neighbour internet tcp 80"),
    denies("no route", "lonely internet tcp 80"),
    allows("a NAT gateway", "server internet tcp 80"),
    allows("a NAT gateway and UDP", "server internet udp 5000"),
    denies("a NAT gateway whose subnet has no route out", "server internet tcp 80", routes={"public": ()}),
    denies("the most specific route leads nowhere", "client internet tcp 80",
           routes={"public": (("0.0.0.0/0", "igw"), ("198.51.100.0/24", "nat-gone"))}),
    allows("the most specific route leads out", "client internet tcp 80",
           routes={"public": (("0.0.0.0/0", "nat-gone"), ("198.51.100.0/24", "igw"))}),
    denies("egress to the internet", "client internet tcp 80", egress={"client": ("tcp 443 0.0.0.0/0",)}),
    denies("an ACL on the way to the internet", "client internet tcp 80",
           acl_out={"public": ((90, "deny", ALL, "198.51.100.0/24"), *OPEN)}),
    denies("the ACL of a NAT gateway's subnet", "server internet tcp 80",
           acl_in={"public": ((90, "deny", ALL, "10.50.2.0/24"), *OPEN)}),
    allows("subnets without a route out reach their VPC", "lonely server tcp 80", ANYTHING),
    # From the internet
    allows("from the internet to a public address", "internet client tcp 80", "tcp 80 0.0.0.0/0"),
    denies("from the internet, closed", "internet client tcp 80", "tcp 80 10.0.0.0/8"),
    denies("from the internet past an ACL", "internet client tcp 80", "tcp 80 0.0.0.0/0",
           acl_in={"public": ((90, "deny", ALL, f"{INTERNET_ADDRESS}/32"), *OPEN)}),
    # Peering
    allows("a peered VPC with routes on both sides", "client distant tcp 80", "tcp 80 10.50.0.0/16"),
    allows("from the other side", "distant client tcp 80", "tcp 80 10.60.0.0/16"),
    denies("a peered VPC without a rule", "client distant tcp 80"),
    denies("no route there", "client distant tcp 80", ANYTHING, routes={"public": (("0.0.0.0/0", "igw"),)}),
    denies("no route back", "client distant tcp 80", ANYTHING, routes={"distant": ()}),
    denies("no route from another subnet", "lonely distant tcp 80", ANYTHING),
    allows("a group of a peered VPC", "client distant tcp 80", "tcp 80 @client"),
    denies("another group of a peered VPC", "client distant tcp 80", "tcp 80 @neighbour"),
    denies("an ACL of a peered VPC", "client distant tcp 80", ANYTHING,
           acl_in={"distant": ((90, "deny", ALL, "10.50.1.0/24"), *OPEN)}),
]  # fmt: skip


@dataclass
class Stage:
    """The world, how it is when no case is set, and what knocks."""

    world: World
    acls: dict[str, models.NetworkAcl]
    tables: dict[str, models.RouteTable]
    targets: dict[str, str]
    probes: dict[str, Probe]
    standard: dict[str, tuple[tuple[str, str], ...]]

    def set(self, case: Case) -> None:
        with transaction.atomic():
            self._set_groups(case)
            self._set_acls(case)
            self._set_routes(case)
        self.world.settle()

    def _set_groups(self, case: Case) -> None:
        rows = self.world.namespaces
        for name, namespace in rows.items():
            interface = models.NetworkInterface.objects.get(resource_id=namespace.interface_id)
            joined = [rows[group].group for member, group in case.joined if member == name]
            interface.groups.set([namespace.group, *joined])
            ingress = case.ingress if name == case.target else case.also.get(name, ())
            namespace.group.rules.all().delete()
            for rule in ingress:
                self._add_rule(namespace.group, rule, is_egress=False)
            for rule in case.egress.get(name, (ANYTHING,)):
                self._add_rule(namespace.group, rule, is_egress=True)

    def _add_rule(self, group: models.SecurityGroup, rule: Rule, *, is_egress: bool) -> None:
        protocol, ports, peer = rule.split()
        first, _, last = ports.replace("/", " ").partition(" ") if "/" in ports else ports.partition("-")
        columns: dict[str, Any] = {}
        if peer.startswith("@"):
            columns["referenced_group"] = self.world.namespaces[peer[1:]].group
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
        address = INTERNET_HOST if case.target == "internet" else self.targets[case.target]
        timeout_s = REACHED_WITHIN_S if case.heard else SILENT_FOR_S
        heard = self.probes[case.source].knock(address, case.protocol, case.port, timeout_s=timeout_s)
        assert heard in ([], [case.target], [address]), "somebody else answers"
        return bool(heard)

    def answer(self, case: Case) -> bool:
        ends = {name: namespace.interface_id for name, namespace in self.world.namespaces.items()}
        there = INTERNET_HOST if case.target == "internet" else ends[case.target]
        answer = answer_reachability(
            self.world.context.account_id,
            REGION,
            source=ends.get(case.source, "internet"),
            target=there,
            protocol=case.protocol,
            port=case.port or None,
        )
        assert answer.decided_by.is_allowed == answer.is_allowed
        assert answer.decided_by.rule
        return answer.is_allowed


@pytest.fixture(scope="module")
def stage(docker_settings: None) -> Iterator[Stage]:
    with running_world() as world, internet() as outside:
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
        targets = {name: namespace.address for name, namespace in world.namespaces.items()}
        targets |= {
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
        yield Stage(world, acls, tables, targets, probes, standard)
        del outside


def _nat_gateway(world: World, vpc: models.Vpc) -> models.NatGateway:
    subnet = world.subnets["public"]
    interface = models.NetworkInterface.objects.create(
        **world.row(
            resource_id=new_hex_id("eni-"),
            vpc=vpc,
            subnet=subnet,
            mac_address="02:00:00:00:00:99",
            interface_type="nat_gateway",
        )
    )
    models.PrivateAddress.objects.create(subnet=subnet, interface=interface, address="10.50.1.250", primary=True)
    return models.NatGateway.objects.create(
        **world.row(resource_id=new_hex_id("nat-"), vpc=vpc, subnet=subnet, interface=interface)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_packets_and_the_answer_agree(stage: Stage, case: Case) -> None:
    stage.set(case)
    answer, is_heard = stage.answer(case), stage.is_heard(case)
    assert (answer, is_heard) == (case.heard, case.heard), f"answer: {answer}, packets: {is_heard}"
