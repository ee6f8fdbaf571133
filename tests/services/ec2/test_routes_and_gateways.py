"""Route tables and internet gateways, as a client of EC2 sees them."""

from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[..., Any]


@pytest.fixture
def table_id(ec2: Any, vpc_id: str) -> str:
    made: str = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    return made


@pytest.fixture
def gateway_id(ec2: Any, vpc_id: str) -> str:
    made: str = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc_id)
    return made


def routes(ec2: Any, table_id: str) -> list[tuple[str, str, str]]:
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    return [(one["DestinationCidrBlock"], one["GatewayId"], one["State"]) for one in table["Routes"]]


def test_a_route_leads_to_the_internet_while_the_gateway_is_attached(
    ec2: Any, vpc_id: str, table_id: str, gateway_id: str
) -> None:
    local = ("10.0.0.0/16", "local", "active")
    assert routes(ec2, table_id) == [local]
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    assert routes(ec2, table_id) == [local, ("0.0.0.0/0", gateway_id, "active")]
    ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    assert routes(ec2, table_id) == [local, ("0.0.0.0/0", gateway_id, "blackhole")]
    ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0")
    assert routes(ec2, table_id) == [local]


def test_routes_that_make_no_sense_are_refused(ec2: Any, refused: Refused, table_id: str, gateway_id: str) -> None:
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    with refused("RouteAlreadyExists", "The route identified by 0.0.0.0/0 already exists."):
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    with refused("InvalidParameterValue"):
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="anywhere", GatewayId=gateway_id)
    with refused("InvalidRoute.NotFound"):
        ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock="10.9.0.0/16")
    with refused("InvalidParameterValue", f"cannot remove local route 10.0.0.0/16 in route table {table_id}"):
        ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock="10.0.0.0/16")
    with refused("InvalidNatGatewayID.NotFound", "The natGateway ID 'nat-1' does not exist"):
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="10.9.0.0/16", NatGatewayId="nat-1")
    other = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    with refused("InvalidParameterValue"):
        ec2.replace_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=other)
    with refused("InvalidParameterCombination"):
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="10.9.0.0/16")


def test_a_subnet_uses_one_table_and_a_table_in_use_is_not_deleted(
    ec2: Any, refused: Refused, vpc_id: str, subnet_id: str, table_id: str
) -> None:
    association_id = ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)["AssociationId"]
    with refused("Resource.AlreadyAssociated"):
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)
    with refused("DependencyViolation", f"The routeTable '{table_id}' has dependencies and cannot be deleted."):
        ec2.delete_route_table(RouteTableId=table_id)
    other = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    moved = ec2.replace_route_table_association(AssociationId=association_id, RouteTableId=other)
    ec2.delete_route_table(RouteTableId=table_id)
    found = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet_id]}])
    assert [table["RouteTableId"] for table in found["RouteTables"]] == [other]
    ec2.disassociate_route_table(AssociationId=moved["NewAssociationId"])
    with refused("InvalidAssociationID.NotFound"):
        ec2.disassociate_route_table(AssociationId=association_id)


def test_another_table_can_become_the_main_one(ec2: Any, refused: Refused, vpc_id: str, table_id: str) -> None:
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "association.main", "Values": ["true"]}]
    (main,) = ec2.describe_route_tables(Filters=filters)["RouteTables"]
    association_id = main["Associations"][0]["RouteTableAssociationId"]
    with refused("InvalidParameterValue"):
        ec2.disassociate_route_table(AssociationId=association_id)
    ec2.replace_route_table_association(AssociationId=association_id, RouteTableId=table_id)
    assert [one["RouteTableId"] for one in ec2.describe_route_tables(Filters=filters)["RouteTables"]] == [table_id]
    ec2.delete_route_table(RouteTableId=main["RouteTableId"])
    ec2.delete_vpc(VpcId=vpc_id)


def test_a_vpc_has_one_gateway_and_a_gateway_one_vpc(ec2: Any, refused: Refused, vpc_id: str, gateway_id: str) -> None:
    with refused("Resource.AlreadyAssociated"):
        ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    other = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    with refused("InvalidParameterValue", f"Network {vpc_id} already has an internet gateway attached"):
        ec2.attach_internet_gateway(InternetGatewayId=other, VpcId=vpc_id)
    with refused("Gateway.NotAttached", f"resource {other} is not attached to network {vpc_id}"):
        ec2.detach_internet_gateway(InternetGatewayId=other, VpcId=vpc_id)
    with refused("DependencyViolation"):
        ec2.delete_internet_gateway(InternetGatewayId=gateway_id)
    ec2.delete_internet_gateway(InternetGatewayId=other)
    with refused("InvalidInternetGatewayID.NotFound"):
        ec2.describe_internet_gateways(InternetGatewayIds=[other])
