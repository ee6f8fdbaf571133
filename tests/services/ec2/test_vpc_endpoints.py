"""VPC endpoints: gateways bring routes, interfaces bring addresses and names."""

import json
from typing import Any

import pytest

from tests.services.ec2.conftest import Refused

S3 = "com.amazonaws.us-east-1.s3"
SQS = "com.amazonaws.us-east-1.sqs"


@pytest.fixture
def named_vpc_id(ec2: Any, vpc_id: str) -> str:
    """The VPC, with DNS host names."""
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    return vpc_id


def endpoint_of(ec2: Any, endpoint_id: str) -> dict[str, Any]:
    (found,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
    assert isinstance(found, dict)
    return found


def test_a_gateway_endpoint_brings_a_route(
    ec2: Any, vpc_id: str, refused: Refused, kicks: list[tuple[str, str]]
) -> None:
    table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    kicks.clear()
    made = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3, RouteTableIds=[table_id])["VpcEndpoint"]
    assert {key.rpartition("/")[2] for _, key in kicks} == {vpc_id}
    assert (made["VpcEndpointType"], made["State"], made["RouteTableIds"]) == ("Gateway", "available", [table_id])
    assert json.loads(made["PolicyDocument"])["Statement"][0]["Effect"] == "Allow"
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    route = table["Routes"][1]
    assert (route["GatewayId"], route["State"]) == (made["VpcEndpointId"], "active")
    assert route["DestinationPrefixListId"] == "pl-63a5400a"
    with refused("RouteAlreadyExists"):
        ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3, RouteTableIds=[table_id])
    with refused("RouteAlreadyExists"):
        ec2.create_route(
            RouteTableId=table_id,
            DestinationPrefixListId="pl-63a5400a",
            VpcPeeringConnectionId="pcx-0",
        )
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=vpc_id)
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], RemoveRouteTableIds=[table_id])
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    assert len(table["Routes"]) == 1
    assert ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])["Unsuccessful"] == []


def test_an_interface_endpoint_has_an_interface_in_each_subnet(
    ec2: Any, named_vpc_id: str, subnet_id: str, refused: Refused
) -> None:
    group_id = ec2.create_security_group(GroupName="sqs", Description="x", VpcId=named_vpc_id)["GroupId"]
    made = ec2.create_vpc_endpoint(
        VpcId=named_vpc_id,
        ServiceName=SQS,
        VpcEndpointType="Interface",
        SubnetIds=[subnet_id],
        SecurityGroupIds=[group_id],
    )["VpcEndpoint"]
    found = endpoint_of(ec2, made["VpcEndpointId"])
    assert found["State"] == "available"
    assert found["PrivateDnsEnabled"]
    assert found["DnsEntries"][0]["DnsName"].startswith(f"{made['VpcEndpointId']}-")
    assert found["DnsEntries"][0]["DnsName"].endswith(".sqs.us-east-1.vpce.amazonaws.com")
    assert found["DnsEntries"][-1]["DnsName"] == "sqs.us-east-1.amazonaws.com"
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=found["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    assert (interface["InterfaceType"], interface["RequesterManaged"]) == ("vpc_endpoint", True)
    assert [group["GroupId"] for group in interface["Groups"]] == [group_id]
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=group_id)
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnet_id)
    with refused("InvalidParameterValue"):
        ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    ec2.delete_subnet(SubnetId=subnet_id)
    ec2.delete_security_group(GroupId=group_id)


def test_an_interface_endpoint_changes_subnets_groups_and_names(
    ec2: Any, named_vpc_id: str, subnet_id: str, refused: Refused
) -> None:
    (here,) = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
    zones = [each["ZoneName"] for each in ec2.describe_availability_zones()["AvailabilityZones"]]
    there = next(zone for zone in zones if zone != here["AvailabilityZone"])
    same, other = (
        ec2.create_subnet(VpcId=named_vpc_id, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for block, zone in (("10.0.2.0/24", here["AvailabilityZone"]), ("10.0.3.0/24", there))
    )
    endpoint_id = ec2.create_vpc_endpoint(
        VpcId=named_vpc_id, ServiceName=SQS, VpcEndpointType="Interface", SubnetIds=[subnet_id]
    )["VpcEndpoint"]["VpcEndpointId"]
    with refused("DuplicateSubnetsInSameZone"):
        ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, AddSubnetIds=[same])
    group_id = ec2.create_security_group(GroupName="sqs", Description="x", VpcId=named_vpc_id)["GroupId"]
    default_id = endpoint_of(ec2, endpoint_id)["Groups"][0]["GroupId"]
    with refused("InvalidParameter"):
        ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, RemoveSecurityGroupIds=[default_id])
    ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint_id,
        AddSubnetIds=[other],
        RemoveSubnetIds=[subnet_id],
        AddSecurityGroupIds=[group_id],
        RemoveSecurityGroupIds=[default_id],
        PrivateDnsEnabled=False,
    )
    found = endpoint_of(ec2, endpoint_id)
    assert found["SubnetIds"] == [other]
    assert [group["GroupId"] for group in found["Groups"]] == [group_id]
    assert not found["PrivateDnsEnabled"]


def test_private_names_need_dns_and_are_taken_once(ec2: Any, vpc_id: str, subnet_id: str, refused: Refused) -> None:
    request = {"VpcId": vpc_id, "ServiceName": SQS, "VpcEndpointType": "Interface", "SubnetIds": [subnet_id]}
    with refused("InvalidParameter"):
        ec2.create_vpc_endpoint(**request)
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    ec2.create_vpc_endpoint(**request)
    with refused("InvalidParameter"):
        ec2.create_vpc_endpoint(**request)
    ec2.create_vpc_endpoint(**request, PrivateDnsEnabled=False)


def test_what_makes_no_sense_is_refused(ec2: Any, vpc_id: str, subnet_id: str, refused: Refused) -> None:
    with refused("InvalidServiceName", "The Vpc Endpoint Service 'com.amazonaws.us-east-1.nosuch' does not exist"):
        ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName="com.amazonaws.us-east-1.nosuch")
    with refused("InvalidParameter"):
        ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=SQS)
    with refused("InvalidParameter"):
        ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3, SubnetIds=[subnet_id])
    with refused("InvalidPolicyDocument"):
        ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3, PolicyDocument="{")
    with refused("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id 'vpce-0' does not exist"):
        ec2.describe_vpc_endpoints(VpcEndpointIds=["vpce-0"])
    (failed,) = ec2.delete_vpc_endpoints(VpcEndpointIds=["vpce-0"])["Unsuccessful"]
    assert failed["Error"]["Code"] == "InvalidVpcEndpointId.NotFound"


def test_the_services_are_listed(ec2: Any, refused: Refused) -> None:
    answer = ec2.describe_vpc_endpoint_services(Filters=[{"Name": "service-type", "Values": ["Gateway"]}])
    assert answer["ServiceNames"] == ["com.amazonaws.us-east-1.dynamodb", "com.amazonaws.us-east-1.s3"]
    (detail,) = ec2.describe_vpc_endpoint_services(ServiceNames=["com.amazonaws.us-east-1.ecr.api"])["ServiceDetails"]
    assert detail["PrivateDnsName"] == "api.ecr.us-east-1.amazonaws.com"
    with refused("InvalidServiceName"):
        ec2.describe_vpc_endpoint_services(ServiceNames=["nosuch"])
