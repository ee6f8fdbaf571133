"""Subnets, as a client of EC2 sees them."""

from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[..., Any]


def test_a_subnet_says_where_it_is_and_what_it_has(ec2: Any, vpc_id: str, account: Any) -> None:
    subnet = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1c")["Subnet"]
    assert subnet["AvailabilityZone"] == "us-east-1c"
    assert subnet["AvailabilityZoneId"] == "use1-az3"
    assert subnet["AvailableIpAddressCount"] == 251
    assert subnet["State"] == "available"
    assert subnet["MapPublicIpOnLaunch"] is False
    assert subnet["SubnetArn"] == f"arn:aws:ec2:us-east-1:{account.account_id}:subnet/{subnet['SubnetId']}"
    assert ec2.describe_subnets(SubnetIds=[subnet["SubnetId"]])["Subnets"] == [subnet]


def test_subnets_without_a_zone_are_spread_over_the_zones(ec2: Any, vpc_id: str) -> None:
    zones = [
        ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["AvailabilityZone"]
        for number in range(6)
    ]
    assert sorted(zones) == [f"us-east-1{letter}" for letter in "abcdef"]


def test_a_subnet_overlapping_another_is_refused(ec2: Any, refused: Refused, vpc_id: str, subnet_id: str) -> None:
    with refused("InvalidSubnet.Conflict", "The CIDR '10.0.0.0/20' conflicts with another subnet"):
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/20")


@pytest.mark.parametrize("block", ["10.1.0.0/24", "10.0.0.0/15", "10.0.0.0/29"])
def test_a_subnet_outside_of_its_vpc_is_refused(ec2: Any, refused: Refused, vpc_id: str, block: str) -> None:
    with refused("InvalidSubnet.Range", f"The CIDR '{block}' is invalid."):
        ec2.create_subnet(VpcId=vpc_id, CidrBlock=block)


def test_an_unknown_zone_is_refused_with_those_that_are_known(ec2: Any, refused: Refused, vpc_id: str) -> None:
    with refused(
        "InvalidParameterValue",
        "Value (us-east-1z) for parameter availabilityZone is invalid. Subnets can currently only be created in the "
        "following availability zones: us-east-1a, us-east-1b, us-east-1c, us-east-1d, us-east-1e, us-east-1f.",
    ):
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1z")


def test_unknown_subnets_are_named_together(ec2: Any, refused: Refused) -> None:
    with refused("InvalidSubnetID.NotFound", "The subnet ID 'subnet-abc' does not exist"):
        ec2.describe_subnets(SubnetIds=["subnet-abc"])
    with refused("InvalidSubnetID.NotFound", "The subnet IDs 'subnet-abc, subnet-def' do not exist"):
        ec2.describe_subnets(SubnetIds=["subnet-abc", "subnet-def"])


def test_a_new_subnet_is_told_to_the_network(ec2: Any, vpc_id: str, kicks: list[tuple[str, str]]) -> None:
    kicks.clear()
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    ec2.delete_subnet(SubnetId=subnet_id)
    assert [key.rpartition("/")[2] for kind, key in kicks if kind == "ec2.vpc"] == [vpc_id, vpc_id]


def test_a_subnet_with_an_interface_is_not_deleted(ec2: Any, refused: Refused, subnet_id: str) -> None:
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    assert ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]["AvailableIpAddressCount"] == 250
    with refused("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted."):
        ec2.delete_subnet(SubnetId=subnet_id)
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    ec2.delete_subnet(SubnetId=subnet_id)
    with refused("InvalidSubnetID.NotFound"):
        ec2.describe_subnets(SubnetIds=[subnet_id])


def test_public_addresses_on_launch_can_be_switched(ec2: Any, subnet_id: str) -> None:
    ec2.modify_subnet_attribute(SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": True})
    assert ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]["MapPublicIpOnLaunch"] is True


def test_a_deleted_default_subnet_can_be_made_again(ec2: Any, refused: Refused) -> None:
    with refused("DefaultSubnetAlreadyExistsInAvailabilityZone"):
        ec2.create_default_subnet(AvailabilityZone="us-east-1b")
    subnet = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": ["us-east-1b"]}])["Subnets"][0]
    ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    made = ec2.create_default_subnet(AvailabilityZone="us-east-1b")["Subnet"]
    assert (made["CidrBlock"], made["DefaultForAz"]) == ("172.31.16.0/20", True)
