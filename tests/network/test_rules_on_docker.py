"""Security groups, network ACLs and routes: packets between namespaces and the reachability function always agree."""

import pytest

from aws_api.core.host_ports import INTERNET_ADDRESS
from tests.network.stage import ALL, ANYTHING, EPHEMERAL, OPEN, Case, Stage, allows, denies

pytestmark = pytest.mark.docker

WEB = "client server tcp 80"
NEXT_DOOR = "client neighbour tcp 80"

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
    denies("from the internet to a subnet without a route there", "internet client tcp 80", "tcp 80 0.0.0.0/0",
           routes={"public": ()}),
    denies("from the internet to a subnet behind a NAT gateway", "internet client tcp 80", "tcp 80 0.0.0.0/0",
           routes={"public": (("0.0.0.0/0", "nat"),)}),
    # What every VPC is born with
    allows("members of the default group", WEB, joined=(("client", "default"), ("server", "default"))),
    denies("who is no member of the default group", WEB, joined=(("server", "default"),)),
    allows("the default group lets everything out", WEB, ANYTHING,
           egress={"client": ()}, joined=(("client", "default"),)),
    allows("the default ACL", WEB, ANYTHING, acl_in={"private": (), "public": ()},
           acl_out={"private": (), "public": ()}, default_acl=("public", "private")),
    denies("the default ACL beside one without a line", WEB, ANYTHING, acl_in={"private": ()}, default_acl=("public",)),
    # Interface endpoints
    allows("an endpoint, from a subnet without a route out", "lonely endpoint tcp 80", "tcp 80 0.0.0.0/0"),
    allows("an endpoint at Simfra's own port", "lonely endpoint tcp 4599", "tcp 4599 10.50.3.0/24"),
    allows("an endpoint that lets a group in", "lonely endpoint tcp 80", "tcp 80 @lonely"),
    denies("an endpoint that lets another group in", "lonely endpoint tcp 80", "tcp 80 @client"),
    denies("an endpoint without a rule", "lonely endpoint tcp 80"),
    denies("an endpoint where nothing is served", "lonely endpoint tcp 443", ANYTHING),
    denies("an endpoint does not answer pings", "lonely endpoint icmp", ANYTHING),
    denies("egress to an endpoint", "lonely endpoint tcp 80", ANYTHING, egress={"lonely": ("tcp 443 0.0.0.0/0",)}),
    denies("the ACL of an endpoint's subnet", "lonely endpoint tcp 80", ANYTHING,
           acl_in={"private": ((90, "deny", "tcp 80", "0.0.0.0/0"), *OPEN)}),
    denies("the ACL of an endpoint's subnet and the answer", "lonely endpoint tcp 80", ANYTHING,
           acl_out={"private": ((100, "allow", "tcp 80", "0.0.0.0/0"),)}),
    denies("the ACL of the caller's subnet and an endpoint's answer", "lonely endpoint tcp 80", ANYTHING,
           acl_in={"isolated": ((90, "deny", ALL, "10.50.2.0/24"), *OPEN)}),
    allows("an endpoint within the subnet", "server endpoint tcp 80", ANYTHING,
           acl_in={"private": ()}, acl_out={"private": ()}),
    denies("an endpoint of a peered VPC", "distant endpoint tcp 80", ANYTHING),
    # Gateway endpoints
    allows("a table with a gateway endpoint", "server s3 tcp 80"),
    allows("egress to a gateway endpoint's list", "server s3 tcp 80", egress={"server": ("tcp 80 list:s3",)}),
    denies("egress elsewhere", "server s3 tcp 80", egress={"server": ("tcp 80 10.0.0.0/8",)}),
    denies("a gateway endpoint where nothing is served", "server s3 tcp 443"),
    denies("a table without the endpoint", "lonely s3 tcp 80"),
    denies("an ACL on the way to a gateway endpoint", "server s3 tcp 80",
           acl_out={"private": ((90, "deny", ALL, "52.216.0.0/15"), *OPEN)}),
    denies("an ACL and a gateway endpoint's answer", "server s3 tcp 80",
           acl_in={"private": ((90, "deny", ALL, "52.216.0.0/15"), *OPEN)}),
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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_packets_and_the_answer_agree(stage: Stage, case: Case) -> None:
    stage.set(case)
    answer, is_heard = stage.answer(case), stage.is_heard(case)
    assert (answer, is_heard) == (case.heard, case.heard), f"answer: {answer}, packets: {is_heard}"
