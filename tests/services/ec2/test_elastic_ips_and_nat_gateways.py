"""Elastic IPs and NAT gateways."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aws_api.services.ec2.endings import forget_ended
from tests.services.ec2.conftest import Refused


@pytest.fixture
def public_subnet_id(ec2: Any, vpc_id: str, subnet_id: str) -> str:
    """The subnet, in a VPC that has an internet gateway."""
    gateway_id = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    return subnet_id


def allocate(ec2: Any) -> str:
    made: str = ec2.allocate_address(Domain="vpc")["AllocationId"]
    return made


def make_nat_gateway(ec2: Any, subnet_id: str, **options: Any) -> str:
    made: str = ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=allocate(ec2), **options)["NatGateway"][
        "NatGatewayId"
    ]
    return made


def test_an_address_is_kept_until_it_is_released(ec2: Any, refused: Refused) -> None:
    made = ec2.allocate_address(
        TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": [{"Key": "Name", "Value": "nat"}]}]
    )
    assert made["Domain"] == "vpc"
    (found,) = ec2.describe_addresses(PublicIps=[made["PublicIp"]])["Addresses"]
    assert found["AllocationId"] == made["AllocationId"]
    assert found["Tags"] == [{"Key": "Name", "Value": "nat"}]
    assert "AssociationId" not in found
    ec2.release_address(AllocationId=made["AllocationId"])
    with refused("InvalidAllocationID.NotFound", f"The allocation ID '{made['AllocationId']}' does not exist"):
        ec2.release_address(AllocationId=made["AllocationId"])
    with refused("InvalidAddress.NotFound"):
        ec2.describe_addresses(PublicIps=[made["PublicIp"]])


def test_an_address_leads_to_an_interface_and_may_be_moved(
    ec2: Any, vpc_id: str, public_subnet_id: str, refused: Refused, kicks: list[tuple[str, str]]
) -> None:
    first, second = (
        ec2.create_network_interface(SubnetId=public_subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
        for _ in range(2)
    )
    allocation_id = allocate(ec2)
    kicks.clear()
    association_id = ec2.associate_address(AllocationId=allocation_id, NetworkInterfaceId=first)["AssociationId"]
    assert [key.rpartition("/")[2] for _, key in kicks] == [vpc_id]
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[first])["NetworkInterfaces"]
    assert interface["Association"]["AllocationId"] == allocation_id
    assert interface["PrivateIpAddresses"][0]["Association"]["AssociationId"] == association_id
    with refused("Resource.AlreadyAssociated"):
        ec2.associate_address(AllocationId=allocation_id, NetworkInterfaceId=second)
    with refused("InvalidIPAddress.InUse"):
        ec2.release_address(AllocationId=allocation_id)
    moved = ec2.associate_address(AllocationId=allocation_id, NetworkInterfaceId=second, AllowReassociation=True)
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[first])["NetworkInterfaces"]
    assert "Association" not in interface
    ec2.disassociate_address(AssociationId=moved["AssociationId"])
    with refused("InvalidAssociationID.NotFound"):
        ec2.disassociate_address(AssociationId=moved["AssociationId"])
    ec2.release_address(AllocationId=allocation_id)


def test_an_address_needs_an_internet_gateway(ec2: Any, subnet_id: str, refused: Refused) -> None:
    interface_id = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    with refused("Gateway.NotAttached"):
        ec2.associate_address(AllocationId=allocate(ec2), NetworkInterfaceId=interface_id)


def test_the_internet_gateway_stays_while_an_address_is_mapped(
    ec2: Any, vpc_id: str, public_subnet_id: str, refused: Refused
) -> None:
    interface = ec2.create_network_interface(SubnetId=public_subnet_id, SecondaryPrivateIpAddressCount=1)
    addresses = interface["NetworkInterface"]["PrivateIpAddresses"]
    ec2.associate_address(
        AllocationId=allocate(ec2),
        NetworkInterfaceId=interface["NetworkInterface"]["NetworkInterfaceId"],
        PrivateIpAddress=next(each["PrivateIpAddress"] for each in addresses if not each["Primary"]),
    )
    (gateway,) = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc_id]}])[
        "InternetGateways"
    ]
    with refused("DependencyViolation"):
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc_id)


def test_a_reverse_name_is_kept(ec2: Any) -> None:
    allocation_id = allocate(ec2)
    assert ec2.describe_addresses_attribute(Attribute="domain-name")["Addresses"] == []
    ec2.modify_address_attribute(AllocationId=allocation_id, DomainName="mail.example.com")
    (found,) = ec2.describe_addresses_attribute(AllocationIds=[allocation_id], Attribute="domain-name")["Addresses"]
    assert found["PtrRecord"] == "mail.example.com."
    ec2.reset_address_attribute(AllocationId=allocation_id, Attribute="domain-name")
    assert ec2.describe_addresses_attribute(Attribute="domain-name")["Addresses"] == []


def test_a_nat_gateway_holds_its_subnet_and_its_address(
    ec2: Any, vpc_id: str, public_subnet_id: str, refused: Refused
) -> None:
    made = ec2.create_nat_gateway(SubnetId=public_subnet_id, AllocationId=allocate(ec2))["NatGateway"]
    assert made["State"] == "pending"
    nat_id = made["NatGatewayId"]
    (found,) = ec2.describe_nat_gateways(NatGatewayIds=[nat_id])["NatGateways"]
    assert found["State"] == "available"
    (address,) = found["NatGatewayAddresses"]
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[address["NetworkInterfaceId"]])[
        "NetworkInterfaces"
    ]
    assert interface["InterfaceType"] == "nat_gateway"
    assert interface["Status"] == "in-use"
    assert interface["Association"]["PublicIp"] == address["PublicIp"]
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=public_subnet_id)
    with refused("AuthFailure"):
        ec2.disassociate_address(AssociationId=address["AssociationId"])
    table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat_id)
    ec2.delete_nat_gateway(NatGatewayId=nat_id)
    (found,) = ec2.describe_nat_gateways(NatGatewayIds=[nat_id])["NatGateways"]
    assert found["State"] == "deleted"
    assert found["NatGatewayAddresses"][0]["AllocationId"] == address["AllocationId"]
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    assert [route["State"] for route in table["Routes"]] == ["active", "blackhole"]
    ec2.release_address(AllocationId=address["AllocationId"])
    with refused("NatGatewayNotFound"):
        ec2.delete_nat_gateway(NatGatewayId=nat_id)
    forget_ended(datetime.now(UTC) + timedelta(hours=2))
    with refused("NatGatewayNotFound", f"The Nat Gateway {nat_id} was not found"):
        ec2.describe_nat_gateways(NatGatewayIds=[nat_id])


def test_a_nat_gateway_without_a_way_out_has_failed(ec2: Any, subnet_id: str, refused: Refused) -> None:
    allocation_id = allocate(ec2)
    made = ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=allocation_id)["NatGateway"]
    (found,) = ec2.describe_nat_gateways(NatGatewayIds=[made["NatGatewayId"]])["NatGateways"]
    assert (found["State"], found["FailureCode"]) == ("failed", "Gateway.NotAttached")
    ec2.release_address(AllocationId=allocation_id)
    ec2.delete_subnet(SubnetId=subnet_id)
    with refused("InvalidSubnetID.NotFound"):
        ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=allocation_id)


def test_what_a_nat_gateway_cannot_do_is_refused(ec2: Any, public_subnet_id: str, refused: Refused) -> None:
    with refused("MissingParameter"):
        ec2.create_nat_gateway(SubnetId=public_subnet_id)
    with refused("InvalidElasticIpID.NotFound"):
        ec2.create_nat_gateway(SubnetId=public_subnet_id, AllocationId="eipalloc-0")
    with refused("InvalidParameterCombination"):
        ec2.create_nat_gateway(SubnetId=public_subnet_id, ConnectivityType="private", AllocationId=allocate(ec2))


def test_a_nat_gateway_takes_further_addresses(ec2: Any, public_subnet_id: str) -> None:
    nat_id = make_nat_gateway(ec2, public_subnet_id)
    more = ec2.associate_nat_gateway_address(NatGatewayId=nat_id, AllocationIds=[allocate(ec2)])
    assert [each["IsPrimary"] for each in more["NatGatewayAddresses"]] == [True, False]
    association_id = more["NatGatewayAddresses"][1]["AssociationId"]
    ec2.disassociate_nat_gateway_address(NatGatewayId=nat_id, AssociationIds=[association_id])
    (found,) = ec2.describe_nat_gateways(NatGatewayIds=[nat_id])["NatGateways"]
    assert len(found["NatGatewayAddresses"]) == 1


def test_a_private_nat_gateway_has_private_addresses(ec2: Any, subnet_id: str) -> None:
    nat_id = ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    ec2.assign_private_nat_gateway_address(NatGatewayId=nat_id, PrivateIpAddresses=["10.0.1.77"])
    (found,) = ec2.describe_nat_gateways(
        Filter=[{"Name": "state", "Values": ["available"]}, {"Name": "subnet-id", "Values": [subnet_id]}]
    )["NatGateways"]
    assert [each["IsPrimary"] for each in found["NatGatewayAddresses"]] == [True, False]
    assert found["NatGatewayAddresses"][1]["PrivateIp"] == "10.0.1.77"
    ec2.unassign_private_nat_gateway_address(NatGatewayId=nat_id, PrivateIpAddresses=["10.0.1.77"])
    (found,) = ec2.describe_nat_gateways(NatGatewayIds=[nat_id])["NatGateways"]
    assert len(found["NatGatewayAddresses"]) == 1
