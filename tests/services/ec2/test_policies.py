"""What policies are made of rows: also where two peered accounts chose the same ids."""

from typing import Any

from aws_api.core.context import Context, internal_context
from aws_api.core.dns import VpcReference, zones_of
from aws_api.core.ids import new_account_id
from aws_api.core.models import Account
from aws_api.services.ec2 import models
from aws_api.services.ec2.default_vpc import create_subnet, create_vpc
from aws_api.services.ec2.filtering.loading import answer_reachability, load_policies
from aws_api.services.ec2.filtering.rendering import gateway_policies
from aws_api.services.ec2.interfaces import create_interface
from aws_api.services.ec2.zones import zones_of as zones_of_region

VPC, SUBNET, GROUP, INTERFACE, PEERING = "vpc-1", "subnet-1", "sg-1", "eni-1", "pcx-1"


def build(context: Context, cidr: str) -> models.NetworkInterface:
    """A VPC whose resources have the ids above, and which everything leaves to what it is peered with."""
    vpc = create_vpc(context, VPC, f"{cidr}.0.0/16")
    subnet = create_subnet(context, vpc, SUBNET, f"{cidr}.1.0/24", zones_of_region(context.region)[0])
    scope = {"account_id": context.account_id, "region": context.region, "created_at": context.clock.now()}
    group = models.SecurityGroup.objects.create(**scope, resource_id=GROUP, vpc=vpc, group_name="app")
    everywhere = {"is_egress": True, "ip_protocol": "-1", "cidr_ipv4": "0.0.0.0/0"}
    models.SecurityGroupRule.objects.create(**scope, resource_id="sgr-1", group=group, **everywhere)
    table = models.RouteTable.objects.get(vpc=vpc)
    models.Route.objects.create(
        route_table=table, destination="0.0.0.0/0", target="VpcPeeringConnectionId", target_id=PEERING
    )
    return create_interface(
        context, subnet=subnet, groups=[group], description="", resource_id=INTERFACE, for_container=True
    )


def test_peered_accounts_may_have_the_same_ids(context: Context, kicks: list[tuple[str, str]]) -> None:
    other = internal_context(Account.objects.create(account_id=new_account_id()).account_id, context.region)
    mine, theirs = build(context, "10.1"), build(other, "10.2")
    models.VpcPeeringConnection.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=PEERING,
        requester_vpc=mine.vpc,
        accepter_vpc=theirs.vpc,
        accepter_account_id=other.account_id,
        accepter_region=other.region,
        status="active",
    )
    (their_group,) = theirs.groups.all()
    models.SecurityGroupRule.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id="sgr-2",
        group=mine.groups.get(),
        is_egress=False,
        ip_protocol="-1",
        referenced_group=their_group,
    )
    elsewhere = f"@{other.account_id}"
    policies = load_policies([mine.vpc_id])
    assert set(policies.vpcs) == {VPC, VPC + elsewhere}
    assert set(policies.interfaces) == {INTERFACE, INTERFACE + elsewhere}
    told = gateway_policies(policies, VPC, peer_gateways={VPC + elsewhere: "198.19.0.9"}, tokens={INTERFACE: "t"})
    assert told["groups"] == {f"sg_1_{other.account_id}": [theirs.private_address]}
    assert told["interfaces"][INTERFACE]["address"] == mine.private_address
    assert told["peers"] == [{"gateway": "198.19.0.9", "cidrs": ["10.2.0.0/16"]}]
    assert told["ways"][PEERING] == {"kind": "peering", "gateway": "198.19.0.9"}

    def reaches(one: Context, source: str, target: str) -> bool:
        answer = answer_reachability(one.account_id, one.region, source=source, target=target, port=80)
        return answer.is_allowed

    assert reaches(context, theirs.private_address, INTERFACE), "its group is let in"
    assert not reaches(context, INTERFACE, theirs.private_address)
    assert reaches(other, INTERFACE, mine.private_address)


def test_two_peerings_of_one_id_lead_to_their_own_vpcs(context: Context, kicks: list[tuple[str, str]]) -> None:
    """An account that was copied has the ids of the one it was copied from, and may be peered with the same VPC."""
    others = [
        internal_context(Account.objects.create(account_id=new_account_id()).account_id, context.region)
        for _ in range(2)
    ]
    mine, *theirs = (build(one, cidr) for one, cidr in zip((context, *others), ("10.1", "10.2", "10.3"), strict=True))
    for other, interface in zip(others, theirs, strict=True):
        models.VpcPeeringConnection.objects.create(
            account_id=other.account_id,
            region=other.region,
            created_at=other.clock.now(),
            resource_id=PEERING,
            requester_vpc=interface.vpc,
            accepter_vpc=mine.vpc,
            accepter_account_id=context.account_id,
            accepter_region=context.region,
            status="active",
        )
    policies = load_policies([mine.vpc_id])
    assert {frozenset(each.vpc_ids) for each in policies.peerings.values()} == {
        frozenset((VPC, f"{VPC}@{other.account_id}")) for other in others
    }
    assert [each.resource_id for each in policies.peerings.values()] == [PEERING, PEERING]
    for other in others:
        table = policies.tables[f"{policies_table(other)}@{other.account_id}"]
        (way,) = (line.target for line in table.lines if line.target != "local")
        assert policies.peerings[way].other(VPC) == f"{VPC}@{other.account_id}"


def policies_table(context: Context) -> str:
    """The id of the one route table of an account's VPC."""
    table: str = models.RouteTable.objects.get(account_id=context.account_id, region=context.region).resource_id
    return table


def test_private_dns_is_the_endpoints_own_vpcs(ec2: Any, context: Context, vpc_id: str, subnet_id: str) -> None:
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    request = {"VpcId": vpc_id, "VpcEndpointType": "Interface", "SubnetIds": [subnet_id]}
    made = ec2.create_vpc_endpoint(ServiceName="com.amazonaws.us-east-1.ecr.dkr", **request)["VpcEndpoint"]

    def names(of: str) -> dict[str, tuple[str, ...]]:
        reference = VpcReference(account_id=context.account_id, region=context.region, vpc_id=of)
        zones = [zone for zone in zones_of(reference) if zone.name.endswith(".amazonaws.com")]
        return {record.name: record.values for zone in zones for record in zone.records}

    interface = models.NetworkInterface.objects.get(vpc_endpoint__resource_id=made["VpcEndpointId"])
    (shown,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])["VpcEndpoints"]
    found = names(vpc_id)
    assert {entry["DnsName"] for entry in shown["DnsEntries"]} <= set(found)
    assert found["*.dkr.ecr.us-east-1.amazonaws.com"] == (interface.private_address,)
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    assert names(other) == {}
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], PrivateDnsEnabled=False)
    assert "dkr.ecr.us-east-1.amazonaws.com" not in names(vpc_id)
