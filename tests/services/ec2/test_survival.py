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
#: What strings, besides ids of what exists, may be.
WORDS = [
    *("", "x", "*", "tcp", "-1", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.9", "::/0", "0.0.0.0/0", "us-east-1b"),
    *("vpc-0", "sg-0", "subnet-0", "eni-0", "rtb-0", "igw-0", "default", "vpc-id", "tag:Name", "\N{SNOWMAN}"),
]


def value_of(shape: Shape, chance: random.Random, ids: list[str], depth: int = 0) -> Any:
    """A value that the model allows for a shape."""
    match shape.type_name:
        case "structure":
            return {
                name: value_of(member, chance, ids, depth + 1)
                for name, member in shape.members.items()
                if name != "DryRun"
                and (name in shape.required_members or (depth < MAX_DEPTH and chance.random() < 0.4))
            }
        case "list":
            return [value_of(shape.member, chance, ids, depth + 1) for _ in range(chance.randrange(3))]
        case "boolean":
            return chance.random() < 0.5
        case "integer" | "long":
            return chance.choice([-1, 0, 1, 5, 22, 443, 70000])
        case "float" | "double":
            return chance.random()
        case "timestamp":
            return "2026-01-01T00:00:00Z"
        case "blob":
            return b"x"
        case _:
            return chance.choice(shape.enum) if shape.enum else chance.choice(chance.choice([ids, WORDS]))


def ids_of_everything(ec2: Any) -> list[str]:
    return [
        *(one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]),
        *(one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]),
        *(one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"]),
        *(one["SecurityGroupRuleId"] for one in ec2.describe_security_group_rules()["SecurityGroupRules"]),
        *(one["RouteTableId"] for one in ec2.describe_route_tables()["RouteTables"]),
        *(one["InternetGatewayId"] for one in ec2.describe_internet_gateways()["InternetGateways"]),
        *(one["NetworkInterfaceId"] for one in ec2.describe_network_interfaces()["NetworkInterfaces"]),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_every_operation_survives_what_the_model_allows(aws: Callable[..., Any], seed: int) -> None:
    ec2 = aws("ec2", parameter_validation=False)
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    ec2.create_network_interface(SubnetId=subnet_id)
    ids = ids_of_everything(ec2)
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
