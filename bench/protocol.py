"""What parsing a request and serialising an answer cost, beside botocore doing the mirrored work.

``python bench/protocol.py``; microseconds of one call, the best of several runs.
"""

import sys
import timeit
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from aws_api.protocol.models import operation_model
from aws_api.protocol.plans import Protocol, plan_for
from tests.protocol.client import request_of

REQUEST_ID = "7a62c49f-347e-4fc4-9331-6e8e7a96aa73"

TASK_ARN = "arn:aws:ecs:us-east-1:000000000000:task/default/0123456789abcdef0123456789abcdef"
TASK = {
    "taskArn": TASK_ARN,
    "clusterArn": "arn:aws:ecs:us-east-1:000000000000:cluster/default",
    "taskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/app:1",
    "lastStatus": "RUNNING",
    "desiredStatus": "RUNNING",
    "cpu": "256",
    "memory": "512",
    "containers": [{"name": "app", "lastStatus": "RUNNING", "image": "app:latest", "networkInterfaces": []}],
    "tags": [{"key": "team", "value": "orders"}],
}
VPC = {
    "VpcId": "vpc-0123456789abcdef0",
    "CidrBlock": "172.31.0.0/16",
    "State": "available",
    "IsDefault": True,
    "OwnerId": "000000000000",
    "Tags": [{"Key": "Name", "Value": "default"}],
}

CASES: list[tuple[str, str, Protocol, dict[str, Any], dict[str, Any]]] = [
    (
        "sqs",
        "SendMessage",
        Protocol.JSON,
        {"QueueUrl": "http://localhost:4599/000000000000/orders", "MessageBody": "x" * 200},
        {"MD5OfMessageBody": "d" * 32, "MessageId": REQUEST_ID},
    ),
    (
        "dynamodb",
        "PutItem",
        Protocol.JSON,
        {
            "TableName": "orders",
            "Item": {"id": {"S": "1"}, "total": {"N": "12.5"}, "lines": {"L": [{"S": "a"}, {"S": "b"}]}},
        },
        {"Attributes": {"id": {"S": "1"}, "total": {"N": "12.5"}}},
    ),
    (
        "ecs",
        "DescribeTasks",
        Protocol.JSON,
        {"cluster": "default", "tasks": [TASK_ARN]},
        {"tasks": [TASK], "failures": []},
    ),
    (
        "ec2",
        "DescribeVpcs",
        Protocol.EC2,
        {"Filters": [{"Name": "is-default", "Values": ["true"]}], "VpcIds": ["vpc-0123456789abcdef0"]},
        {"Vpcs": [VPC]},
    ),
]


def microseconds(function: Any) -> float:
    """The cost of a call, at the machine's quietest."""
    timer = timeit.Timer(function)
    number, _ = timer.autorange()
    return min(timer.repeat(repeat=3, number=max(1, number // 2))) / max(1, number // 2) * 1e6


def main() -> None:
    print(f"{'':24}{'parse':>8}{'serialise':>11}{'botocore serialise':>20}{'botocore parse':>16}  (us)")
    for service, operation, protocol, parameters, result in CASES:
        model = operation_model(service, operation)
        plan = plan_for(service, operation, protocol)
        request = request_of(model, protocol, parameters)
        response = plan.serialize(result, REQUEST_ID)
        answer = {"status_code": 200, "headers": HeadersDict(response.headers), "body": response.body}
        serializer, parser = create_serializer(protocol.value), create_parser(protocol.value)
        assert plan.parse(request) == parameters
        figures = (
            microseconds(lambda plan=plan, request=request: plan.parse(request)),
            microseconds(lambda plan=plan, result=result: plan.serialize(result, REQUEST_ID)),
            microseconds(lambda s=serializer, p=parameters, m=model: s.serialize_to_request(p, m)),
            microseconds(lambda p=parser, a=answer, m=model: p.parse(a, m.output_shape)),
        )
        print(f"{service + ' ' + operation:24}{figures[0]:8.1f}{figures[1]:11.1f}{figures[2]:20.1f}{figures[3]:16.1f}")


if __name__ == "__main__":
    main()
