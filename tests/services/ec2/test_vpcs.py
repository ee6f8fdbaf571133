"""VPCs, as a client of EC2 sees them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from aws_api.services.ec2.models import VpcNetwork

Refused = Callable[..., Any]
Client = Callable[..., Any]


def ids(shapes: list[dict[str, Any]], member: str) -> list[str]:
    return [shape[member] for shape in shapes]


def of_vpc(vpc_id: str) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [vpc_id]}]


def test_every_account_finds_a_default_vpc_with_all_that_it_needs(ec2: Any, account: Any) -> None:
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    assert vpc["IsDefault"] is True
    assert vpc["CidrBlock"] == "172.31.0.0/16"
    assert vpc["State"] == "available"
    assert vpc["OwnerId"] == account.account_id
    vpc_id = vpc["VpcId"]
    subnets = ec2.describe_subnets(Filters=of_vpc(vpc_id))["Subnets"]
    assert ids(subnets, "AvailabilityZone") == [f"us-east-1{letter}" for letter in "abcdef"]
    assert ids(subnets, "CidrBlock") == [f"172.31.{16 * number}.0/20" for number in range(6)]
    assert all(one["DefaultForAz"] and one["MapPublicIpOnLaunch"] for one in subnets)
    assert ids(subnets, "AvailableIpAddressCount") == [4091] * 6
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    assert gateway["Attachments"] == [{"State": "available", "VpcId": vpc_id}]
    (table,) = ec2.describe_route_tables()["RouteTables"]
    assert [association["Main"] for association in table["Associations"]] == [True]
    routes = [(one["DestinationCidrBlock"], one["GatewayId"], one["State"]) for one in table["Routes"]]
    assert routes == [
        ("172.31.0.0/16", "local", "active"),
        ("0.0.0.0/0", gateway["InternetGatewayId"], "active"),
    ]
    (group,) = ec2.describe_security_groups()["SecurityGroups"]
    assert group["GroupName"] == "default"
    (ingress,), (egress,) = group["IpPermissions"], group["IpPermissionsEgress"]
    assert ids(ingress["UserIdGroupPairs"], "GroupId") == [group["GroupId"]]
    assert egress["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]
    (acl,) = ec2.describe_network_acls()["NetworkAcls"]
    assert acl["IsDefault"] is True
    assert sorted(ids(acl["Associations"], "SubnetId")) == sorted(ids(subnets, "SubnetId"))
    assert sorted(ids(acl["Entries"], "RuleNumber")) == [100, 100, 32767, 32767]


def test_regions_have_default_vpcs_of_their_own(aws: Client) -> None:
    here, there = aws("ec2"), aws("ec2", region_name="eu-west-1")
    assert here.describe_vpcs()["Vpcs"][0]["VpcId"] != there.describe_vpcs()["Vpcs"][0]["VpcId"]
    assert ids(there.describe_subnets()["Subnets"], "AvailabilityZone") == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]


def test_a_vpc_is_born_with_route_table_group_and_acl(ec2: Any, vpc_id: str) -> None:
    assert len(ec2.describe_route_tables(Filters=of_vpc(vpc_id))["RouteTables"]) == 1
    assert len(ec2.describe_network_acls(Filters=of_vpc(vpc_id))["NetworkAcls"]) == 1
    (group,) = ec2.describe_security_groups(Filters=of_vpc(vpc_id))["SecurityGroups"]
    assert group["Description"] == "default VPC security group"


def test_two_vpcs_may_have_the_same_block(ec2: Any) -> None:
    first, second = (ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for _ in range(2))
    found = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.0.0.0/16"]}])["Vpcs"]
    assert ids(found, "VpcId") == [first, second]


def test_host_bits_of_a_block_are_cleared(ec2: Any) -> None:
    assert ec2.create_vpc(CidrBlock="10.1.2.3/16")["Vpc"]["CidrBlock"] == "10.1.0.0/16"


@pytest.mark.parametrize("block", ["10.0.0.0/8", "10.0.0.0/29", "127.0.0.0/16", "169.254.0.0/16", "224.1.0.0/16"])
def test_a_block_that_cannot_be_a_vpcs_is_refused(ec2: Any, refused: Refused, block: str) -> None:
    with refused("InvalidVpc.Range", f"The CIDR '{block}' is invalid."):
        ec2.create_vpc(CidrBlock=block)


def test_the_block_that_simfra_itself_uses_is_refused_with_the_reason(ec2: Any, refused: Refused) -> None:
    own = f"{settings.SIMFRA_UPLINK_SUBNET} (SIMFRA_UPLINK_SUBNET)"
    with refused("InvalidVpc.Range", f"The CIDR '198.19.0.0/16' is invalid. Simfra itself uses {own}."):
        ec2.create_vpc(CidrBlock="198.19.0.0/16")


@pytest.mark.parametrize("block", ["10.0.0.0", "10.0.0/16", "ten/16"])
def test_what_is_no_block_is_refused(ec2: Any, refused: Refused, block: str) -> None:
    message = f"Value ({block}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
    with refused("InvalidParameterValue", message):
        ec2.create_vpc(CidrBlock=block)


def test_a_vpc_without_a_block_is_refused(ec2: Any, refused: Refused) -> None:
    with refused("MissingParameter", "The request must contain the parameter cidrBlock"):
        ec2.create_vpc()


@pytest.mark.parametrize("vpc_id", ["vpc-0123456789abcdef0", "nonsense"])
def test_an_unknown_vpc_is_said_not_to_exist(ec2: Any, refused: Refused, vpc_id: str) -> None:
    with refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist"):
        ec2.describe_vpcs(VpcIds=[vpc_id])
    with refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist"):
        ec2.delete_vpc(VpcId=vpc_id)


def test_another_accounts_vpc_does_not_exist(ec2: Any, aws: Client, refused: Refused, vpc_id: str) -> None:
    from aws_api.core.ids import new_account_id
    from aws_api.core.models import Account

    other = Account.objects.create(account_id=new_account_id())
    stranger = aws("ec2", key=other.root_access_key_id, secret=other.root_secret_access_key)
    with refused("InvalidVpcID.NotFound"):
        stranger.describe_vpcs(VpcIds=[vpc_id])


def test_a_deleted_vpc_takes_along_what_it_was_born_with(
    ec2: Any, vpc_id: str, account: Any, kicks: list[tuple[str, str]]
) -> None:
    ec2.delete_vpc(VpcId=vpc_id)
    assert ec2.describe_vpcs(Filters=of_vpc(vpc_id))["Vpcs"] == []
    assert ec2.describe_security_groups(Filters=of_vpc(vpc_id))["SecurityGroups"] == []
    assert ec2.describe_route_tables(Filters=of_vpc(vpc_id))["RouteTables"] == []
    key = f"{account.account_id}/us-east-1/{vpc_id}"
    assert ("ec2.vpc", key) in kicks
    assert VpcNetwork.objects.get(key=key).vpc is None


def test_a_vpc_in_which_something_is_left_is_not_deleted(ec2: Any, refused: Refused, vpc_id: str) -> None:
    message = f"The vpc '{vpc_id}' has dependencies and cannot be deleted."
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    with refused("DependencyViolation", message):
        ec2.delete_vpc(VpcId=vpc_id)
    ec2.delete_subnet(SubnetId=subnet_id)
    group_id = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc_id)["GroupId"]
    with refused("DependencyViolation", message):
        ec2.delete_vpc(VpcId=vpc_id)
    ec2.delete_security_group(GroupId=group_id)
    table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    with refused("DependencyViolation", message):
        ec2.delete_vpc(VpcId=vpc_id)
    ec2.delete_route_table(RouteTableId=table_id)
    gateway_id = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    with refused("DependencyViolation", message):
        ec2.delete_vpc(VpcId=vpc_id)
    ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    ec2.delete_vpc(VpcId=vpc_id)


def test_a_deleted_default_vpc_stays_away_until_it_is_asked_for(ec2: Any, refused: Refused) -> None:
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    with refused("DefaultVpcAlreadyExists"):
        ec2.create_default_vpc()
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc["VpcId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])
    assert ec2.describe_vpcs()["Vpcs"] == []
    assert ec2.create_default_vpc()["Vpc"]["IsDefault"] is True
    assert len(ec2.describe_subnets()["Subnets"]) == 6


def test_attributes_are_set_one_at_a_time(ec2: Any, refused: Refused, vpc_id: str) -> None:
    def attribute(name: str, member: str) -> bool:
        answer: bool = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=name)[member]["Value"]
        return answer

    assert attribute("enableDnsSupport", "EnableDnsSupport") is True
    assert attribute("enableDnsHostnames", "EnableDnsHostnames") is False
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    assert attribute("enableDnsHostnames", "EnableDnsHostnames") is True
    with refused("InvalidParameterCombination"):
        ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": True}, EnableDnsHostnames={"Value": True})


def test_blocks_come_and_go_but_the_primary_one_stays(
    ec2: Any, refused: Refused, vpc_id: str, kicks: list[tuple[str, str]]
) -> None:
    kicks.clear()
    added = ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.9.0.0/16")["CidrBlockAssociation"]
    assert [kind for kind, _ in kicks] == ["ec2.vpc"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    with refused("DependencyViolation"):
        ec2.disassociate_vpc_cidr_block(AssociationId=added["AssociationId"])
    ec2.delete_subnet(SubnetId=subnet_id)
    ec2.disassociate_vpc_cidr_block(AssociationId=added["AssociationId"])
    (primary,) = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["CidrBlockAssociationSet"]
    with refused("OperationNotPermitted"):
        ec2.disassociate_vpc_cidr_block(AssociationId=primary["AssociationId"])
    with refused("InvalidVpc.Range"):
        ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.0.128.0/17")


def test_a_dry_run_changes_nothing_but_meets_the_real_runs_errors(ec2: Any, refused: Refused) -> None:
    before = ec2.describe_vpcs()["Vpcs"]
    with refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set."):
        ec2.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
    with refused("InvalidVpc.Range"):
        ec2.create_vpc(CidrBlock="10.0.0.0/8", DryRun=True)
    assert ec2.describe_vpcs()["Vpcs"] == before


def test_the_caller_may_demand_an_id(ec2: Any, refused: Refused) -> None:
    def demand(request: Any, **_: Any) -> None:
        request.headers["X-Simfra-Id"] = "vpc-abc123"

    ec2.meta.events.register("before-sign.ec2.CreateVpc", demand)
    assert ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] == "vpc-abc123"
    with refused("InvalidParameterValue"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    ec2.delete_vpc(VpcId="vpc-abc123")
    assert ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] == "vpc-abc123"
    assert ec2.describe_vpcs(VpcIds=["vpc-abc123"])["Vpcs"][0]["CidrBlock"] == "10.0.0.0/16"


def test_option_sets_belong_to_vpcs_and_are_not_deleted_while_used(ec2: Any, refused: Refused, vpc_id: str) -> None:
    configurations = [{"Key": "domain-name", "Values": ["example.com"]}]
    options_id = ec2.create_dhcp_options(DhcpConfigurations=configurations)["DhcpOptions"]["DhcpOptionsId"]
    ec2.associate_dhcp_options(VpcId=vpc_id, DhcpOptionsId=options_id)
    assert ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["DhcpOptionsId"] == options_id
    with refused("DependencyViolation"):
        ec2.delete_dhcp_options(DhcpOptionsId=options_id)
    ec2.associate_dhcp_options(VpcId=vpc_id, DhcpOptionsId="default")
    ec2.delete_dhcp_options(DhcpOptionsId=options_id)
    with refused("InvalidDhcpOptionID.NotFound"):
        ec2.describe_dhcp_options(DhcpOptionsIds=[options_id])
