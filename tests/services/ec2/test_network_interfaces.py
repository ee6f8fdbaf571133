"""Network interfaces, as a client of EC2 sees them."""

from collections.abc import Callable
from typing import Any

import pytest

from aws_api.core.context import Context
from aws_api.core.network import NetworkAttachment, network_provider
from aws_api.services.ec2.models import PrivateAddress

Refused = Callable[..., Any]
ATTACHMENT_ARN = "arn:aws:ecs:us-east-1:000000000000:attachment/0f1e"


@pytest.fixture
def attachment(context: Context, kicks: list[tuple[str, str]]) -> NetworkAttachment:
    """A task's interface in the default VPC."""
    return network_provider().create(
        context,
        subnet_ids=network_provider().default_subnet_ids(context)[:1],
        security_group_ids=[],
        description=ATTACHMENT_ARN,
        assign_public_ip=True,
        requester_id="amazon-ecs",
    )


def test_an_interface_has_the_address_and_groups_asked_for(ec2: Any, vpc_id: str, subnet_id: str) -> None:
    group_id = ec2.create_security_group(GroupName="web", Description="d", VpcId=vpc_id)["GroupId"]
    made = ec2.create_network_interface(
        SubnetId=subnet_id, PrivateIpAddress="10.0.1.10", Groups=[group_id], Description="mine"
    )["NetworkInterface"]
    assert made["PrivateIpAddress"] == "10.0.1.10"
    assert made["PrivateDnsName"] == "ip-10-0-1-10.ec2.internal"
    assert made["Groups"] == [{"GroupId": group_id, "GroupName": "web"}]
    assert made["Status"] == "available"
    assert made["RequesterManaged"] is False
    filters = [{"Name": "private-ip-address", "Values": ["10.0.1.10"]}, {"Name": "vpc-id", "Values": [vpc_id]}]
    assert ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"] == [made]


@pytest.mark.parametrize("address", ["10.0.1.0", "10.0.1.3", "10.0.1.255", "10.0.2.10"])
def test_addresses_that_aws_keeps_are_refused(ec2: Any, refused: Refused, subnet_id: str, address: str) -> None:
    with refused("InvalidParameterValue"):
        ec2.create_network_interface(SubnetId=subnet_id, PrivateIpAddress=address)


def test_an_address_has_one_owner(ec2: Any, refused: Refused, subnet_id: str) -> None:
    ec2.create_network_interface(SubnetId=subnet_id, PrivateIpAddress="10.0.1.10")
    with refused("InvalidIPAddress.InUse", "Address 10.0.1.10 is in use."):
        ec2.create_network_interface(SubnetId=subnet_id, PrivateIpAddress="10.0.1.10")


def test_an_interface_may_have_several_addresses(ec2: Any, subnet_id: str) -> None:
    made = ec2.create_network_interface(
        SubnetId=subnet_id,
        PrivateIpAddresses=[
            {"PrivateIpAddress": "10.0.1.20", "Primary": False},
            {"PrivateIpAddress": "10.0.1.10", "Primary": True},
        ],
        SecondaryPrivateIpAddressCount=2,
    )["NetworkInterface"]
    assert made["PrivateIpAddress"] == "10.0.1.10"
    addresses = [one["PrivateIpAddress"] for one in made["PrivateIpAddresses"]]
    assert len(set(addresses)) == 4
    assert addresses[0] == "10.0.1.10"
    assert "10.0.1.20" in addresses


def test_a_tasks_interface_is_shown_and_out_of_users_reach(
    ec2: Any, refused: Refused, attachment: NetworkAttachment
) -> None:
    interface_id = attachment.network_interface_id
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"]
    assert interface["Description"] == ATTACHMENT_ARN
    assert interface["Status"] == "in-use"
    assert interface["RequesterManaged"] is True
    assert interface["PrivateIpAddress"] == attachment.private_address
    assert interface["MacAddress"] == attachment.mac_address
    assert interface["Attachment"]["Status"] == "attached"
    assert interface["Association"]["PublicIp"] == attachment.public_address
    assert interface["Association"]["PublicDnsName"].endswith(".compute-1.amazonaws.com")
    with refused("InvalidParameterValue", f"Network interface '{interface_id}' is currently in use."):
        ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    with refused("AuthFailure"):
        ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, Description={"Value": "mine"})


def test_an_internet_gateway_stays_while_something_has_a_public_address(
    ec2: Any, refused: Refused, attachment: NetworkAttachment
) -> None:
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    with refused("DependencyViolation"):
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=attachment.vpc_id)


def test_attributes_of_an_interface_can_be_changed(ec2: Any, vpc_id: str, subnet_id: str) -> None:
    interface_id = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    group_id = ec2.create_security_group(GroupName="web", Description="d", VpcId=vpc_id)["GroupId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, Groups=[group_id])
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, SourceDestCheck={"Value": False})
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"]
    assert [group["GroupId"] for group in interface["Groups"]] == [group_id]
    answer = ec2.describe_network_interface_attribute(NetworkInterfaceId=interface_id, Attribute="sourceDestCheck")
    assert answer["SourceDestCheck"]["Value"] is False


def test_an_unknown_interface_and_a_malformed_one_are_told_apart(ec2: Any, refused: Refused) -> None:
    with refused("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID 'eni-abc' does not exist"):
        ec2.describe_network_interfaces(NetworkInterfaceIds=["eni-abc"])
    with refused("InvalidNetworkInterfaceId.Malformed"):
        ec2.describe_network_interfaces(NetworkInterfaceIds=["abc"])


def test_an_interface_that_is_deleted_while_it_is_read_is_not_there(
    ec2: Any, vpc_id: str, subnet_id: str, refused: Refused
) -> None:
    interface_id = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    # Its addresses are read after it: this is what a reader finds between the two.
    PrivateAddress.objects.filter(interface__resource_id=interface_id).delete()
    in_vpc = [{"Name": "vpc-id", "Values": [vpc_id]}]
    assert ec2.describe_network_interfaces(Filters=in_vpc)["NetworkInterfaces"] == []
    with refused("InvalidNetworkInterfaceID.NotFound"):
        ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])
