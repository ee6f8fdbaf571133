"""What botocore sends is what we parse, and what we answer is what botocore reads: every operation of every model."""

from typing import Any

import pytest
from botocore.model import OperationModel, StructureShape

from aws_api.protocol.models import operation_model, operation_names
from aws_api.protocol.plans import Protocol, plan_for
from aws_api.protocol.rest import match_rest
from tests.protocol.client import request_of, result_of
from tests.protocol.generated import BODY_TEXT, Values

REQUEST_ID = "7a62c49f-347e-4fc4-9331-6e8e7a96aa73"

SPOKEN = [
    ("sts", Protocol.QUERY),
    ("sqs", Protocol.JSON),
    ("dynamodb", Protocol.JSON),
    ("ecr", Protocol.JSON),
    ("ec2", Protocol.EC2),
    ("ecs", Protocol.JSON),
    ("iam", Protocol.QUERY),
    ("logs", Protocol.JSON),
    ("secretsmanager", Protocol.JSON),
    ("ssm", Protocol.JSON),
    ("kms", Protocol.JSON),
    ("elbv2", Protocol.QUERY),
    ("servicediscovery", Protocol.CBOR),
    ("servicediscovery", Protocol.JSON),
    ("events", Protocol.JSON),
    ("s3", Protocol.REST_XML),
    ("apigateway", Protocol.REST_JSON),
    ("lambda", Protocol.REST_JSON),
    ("cloudwatch", Protocol.CBOR),
    ("cloudwatch", Protocol.JSON),
    ("cloudwatch", Protocol.QUERY),
    ("application-autoscaling", Protocol.JSON),
]

FULLNESS = [0.0, 0.4, 1.0]

#: Formats that tell an empty list or structure from an absent one.
SAYS_EMPTY = {Protocol.JSON, Protocol.CBOR}

#: S3's old notification configuration, in which two members share the tag Event.
AMBIGUOUS = {("s3", "GetBucketNotification"), ("s3", "PutBucketNotification")}

#: Answers that botocore's bare parser cannot read by their model: a bucket's location is a bare root element.
UNREADABLE = {*AMBIGUOUS, ("s3", "GetBucketLocation")}

#: The same request as another operation's, to another host.
OTHER_HOST = {("s3", "ListDirectoryBuckets")}


@pytest.mark.parametrize(("service", "protocol"), SPOKEN)
def test_what_botocore_sends_is_what_we_parse(service: str, protocol: Protocol) -> None:
    # botocore writes carriage returns into XML as they are, so that no parser can see them.
    text = BODY_TEXT.replace("\r", "") if protocol is Protocol.REST_XML else BODY_TEXT
    for name in operation_names(service):
        operation = operation_model(service, name)
        shape = operation.input_shape
        if shape is None or (service, name) in AMBIGUOUS:
            continue
        plan = plan_for(service, name, protocol)
        for fullness in FULLNESS:
            values = Values(f"{service}.{name}.{fullness}", fullness, can_be_empty=protocol in SAYS_EMPTY, text=text)
            parameters = values.structure(shape)
            request = request_of(operation, protocol, parameters)
            assert plan.parse(request) == parameters, f"{name} at {fullness}: {request}"


@pytest.mark.parametrize(("service", "protocol"), SPOKEN)
def test_what_we_answer_is_what_botocore_reads(service: str, protocol: Protocol) -> None:
    for name in operation_names(service):
        operation = operation_model(service, name)
        shape = operation.output_shape
        plan = plan_for(service, name, protocol)
        if shape is None:
            answered = result_of(operation, protocol, plan.serialize({}, REQUEST_ID))
            assert set(answered) <= {"ResponseMetadata"}
            continue
        if shape.event_stream_name or (service, name) in UNREADABLE:
            continue
        for fullness in FULLNESS:
            values = Values(f"{service}.{name}.{fullness}", fullness, can_be_empty=protocol in SAYS_EMPTY)
            result = values.structure(shape)
            response = plan.serialize({**result, "Unknown": 1}, REQUEST_ID)
            answered = result_of(operation, protocol, response)
            metadata = answered.pop("ResponseMetadata")
            assert metadata.get("RequestId") == REQUEST_ID, f"{name}: {response}"
            assert answered == expected(operation, shape, result, response.status), f"{name} at {fullness}: {response}"


def expected(operation: OperationModel, shape: StructureShape, result: dict[str, Any], status: int) -> dict[str, Any]:
    """The result as botocore's raw parser reads it: payloads as text, the status where the shape asks for it."""
    wanted = dict(result)
    for key, member in shape.members.items():
        if member.serialization.get("location") == "statusCode":
            wanted[key] = status
        if member.serialization.get("location") == "headers":
            wanted.setdefault(key, {})
    payload = shape.serialization.get("payload")
    if payload is not None:
        member = shape.members[payload]
        if member.type_name in {"blob", "string"}:
            value = wanted.get(payload, b"")
            wanted[payload] = value.decode() if isinstance(value, bytes) else value
        else:
            wanted.setdefault(payload, {})
    return wanted


REST = [("s3", Protocol.REST_XML), ("apigateway", Protocol.REST_JSON), ("lambda", Protocol.REST_JSON)]


@pytest.mark.parametrize(("service", "protocol"), REST)
def test_a_rest_request_leads_to_its_operation(service: str, protocol: Protocol) -> None:
    for name in operation_names(service):
        operation = operation_model(service, name)
        if operation.deprecated or (service, name) in OTHER_HOST:
            # What replaced a deprecated operation has its path.
            continue
        shape = operation.input_shape
        for fullness in FULLNESS:
            parameters = (
                Values(f"{service}.{name}.{fullness}", fullness, can_be_empty=False).structure(shape)
                if shape is not None
                else {}
            )
            request = request_of(operation, protocol, parameters)
            matched = match_rest(service, request.method, request.raw_path, request.query, request.headers)
            assert matched is not None, name
            assert matched[0] == name, f"{name}: {request}"
