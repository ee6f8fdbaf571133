"""Whatever a request says, as long as the model allows it, the answer is EC2's and never a failure of ours."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.model import Shape

from aws_api.services.ec2.service import ec2 as service

ROUNDS = 6
MAX_DEPTH = 4
BLOCKS = ["10.0.0.0/16", "10.0.1.0/24", "10.0.2.0/24", "10.9.0.0/16", "0.0.0.0/0", "::/0", "10.0.0.0/99"]
WORDS = ["", "x", "x" * 300, "*", "tcp", "-1", "10.0.1.9", "us-east-1b", "default", "tag:Name", "\N{SNOWMAN}", "a\0b"]
#: How ids begin that a member wants.
PREFIXES = {
    "VpcId": "vpc-",
    "SubnetId": "subnet-",
    "Group": "sg-",
    "SecurityGroupRuleId": "sgr-",
    "RouteTableId": "rtb-",
    "GatewayId": "igw-",
    "NetworkInterfaceId": "eni-",
    "AllocationId": "eipalloc-",
    "NatGatewayId": "nat-",
    "NetworkAclId": "acl-",
    "PrefixListId": "pl-",
    "VpcEndpointId": "vpce-",
    "VpcPeeringConnectionId": "pcx-",
    "DhcpOptionsId": "dopt-",
}


def text_for(name: str, chance: random.Random, ids: list[str]) -> str:
    """Mostly what would suit a member of the name."""
    if chance.random() < 0.15:
        return chance.choice([*ids, *WORDS, *BLOCKS])
    if "Cidr" in name:
        return chance.choice(BLOCKS)
    suitable = [one for one in ids for word, prefix in PREFIXES.items() if word in name and one.startswith(prefix)]
    return chance.choice(suitable or WORDS)


def value_of(shape: Shape, chance: random.Random, ids: list[str], name: str = "", depth: int = 0) -> Any:
    """A value that the model allows for a shape."""
    match shape.type_name:
        case "structure":
            return {
                member: value_of(member_shape, chance, ids, member, depth + 1)
                for member, member_shape in shape.members.items()
                if member != "DryRun" and (member in shape.required_members or chance.random() < 0.5 / (depth + 1))
            }
        case "list":
            count = chance.randrange(3) if depth < MAX_DEPTH else 0
            return [value_of(shape.member, chance, ids, name, depth + 1) for _ in range(count)]
        case "boolean":
            return chance.random() < 0.5
        case "integer" | "long":
            return chance.choice([-1, 0, 1, 5, 22, 443, 70000])
        case _:
            return chance.choice(shape.enum) if shape.enum else text_for(name, chance, ids)


def ids_of_everything(ec2: Any) -> list[str]:
    return [
        *(one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]),
        *(one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]),
        *(one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"]),
        *(one["SecurityGroupRuleId"] for one in ec2.describe_security_group_rules()["SecurityGroupRules"]),
        *(one["RouteTableId"] for one in ec2.describe_route_tables()["RouteTables"]),
        *(one["InternetGatewayId"] for one in ec2.describe_internet_gateways()["InternetGateways"]),
        *(one["NetworkInterfaceId"] for one in ec2.describe_network_interfaces()["NetworkInterfaces"]),
        *(one["DhcpOptionsId"] for one in ec2.describe_dhcp_options()["DhcpOptions"]),
        *(one["AllocationId"] for one in ec2.describe_addresses()["Addresses"]),
        *(one["NatGatewayId"] for one in ec2.describe_nat_gateways()["NatGateways"]),
        *(one["NetworkAclId"] for one in ec2.describe_network_acls()["NetworkAcls"]),
        *(one["PrefixListId"] for one in ec2.describe_managed_prefix_lists()["PrefixLists"]),
        *(one["VpcEndpointId"] for one in ec2.describe_vpc_endpoints()["VpcEndpoints"]),
        *(one["VpcPeeringConnectionId"] for one in ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_every_operation_survives_what_the_model_allows(aws: Callable[..., Any], seed: int) -> None:
    ec2 = aws("ec2", parameter_validation=False)
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    ec2.create_network_interface(SubnetId=subnet_id)
    ec2.allocate_address()
    ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private")
    ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName="com.amazonaws.us-east-1.s3")
    peer_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=peer_id)
    ids = sorted(ids_of_everything(ec2))
    chance = random.Random(seed)
    model = ec2.meta.service_model
    names = {ec2.meta.method_to_api_mapping[operation]: operation for operation in service.operations}
    calls = sorted(names) * ROUNDS
    chance.shuffle(calls)
    answered = 0
    for name in calls:
        shape = model.operation_model(name).input_shape
        request = value_of(shape, chance, ids) if shape else {}
        try:
            getattr(ec2, names[name])(**request)
            answered += 1
        except ClientError as refusal:
            assert refusal.response["Error"]["Code"] != "InternalFailure", (name, request)
    assert answered > len(calls) // 10
