"""An error travels in each format as botocore's client reads it, and is worded as AWS words it."""

from typing import Any

import orjson
import pytest

from aws_api.core.errors import AwsError, InternalFailure, UnknownOperationException
from aws_api.protocol.models import operation_model, service_model
from aws_api.protocol.plans import Protocol, plan_for, serialize_error_for
from aws_api.protocol.shapes import generate
from aws_api.protocol.wire import WireRequest
from tests.protocol.client import error_of
from tests.protocol.generated import Values
from tests.protocol.test_round_trip import REQUEST_ID, SPOKEN


@pytest.mark.parametrize(("service", "protocol"), SPOKEN)
def test_every_declared_error_is_read_by_botocore(service: str, protocol: Protocol) -> None:
    errors = generated_errors(service)
    for name in service_model(service).operation_names:
        operation = operation_model(service, name)
        plan = plan_for(service, name, protocol)
        for shape in operation.error_shapes:
            members = Values(f"{service}.{shape.name}", 1.0, can_be_empty=False).structure(shape)
            message = next((members.pop(key) for key in list(members) if key.lower() == "message"), "It failed.")
            error = errors[shape.name](message, **members)
            response = plan.serialize_error(error, REQUEST_ID)
            read = error_of(operation, protocol, response)
            assert read["Error"]["Message"] == message, shape.name
            assert shape.name in {read["Error"]["Code"], read["Error"].get("QueryErrorCode")} or read["Error"][
                "Code"
            ] == str(shape.error_code), shape.name
            assert read["ResponseMetadata"]["RequestId"] == REQUEST_ID
            assert response.status == error.status
            assert {key: read.get(key) for key in members} == members, shape.name


def generated_errors(service: str) -> dict[str, type[AwsError]]:
    """The error classes that ``manage.py shapes`` writes for every operation of a service."""
    module: dict[str, Any] = {"__name__": f"{service}_shapes"}
    exec(compile(generate(service, service_model(service).operation_names), service, "exec"), module)
    return {value.code: value for value in module.values() if isinstance(value, type) and issubclass(value, AwsError)}


@pytest.mark.parametrize("protocol", list(Protocol))
def test_an_error_before_the_operation_is_known_is_in_the_protocol_of_the_request(protocol: Protocol) -> None:
    response = serialize_error_for(protocol, UnknownOperationException("No such thing."), REQUEST_ID)
    operation = operation_model("ec2", "DescribeVpcs")
    read = error_of(operation, protocol, response)
    assert (response.status, read["Error"]["Code"], read["Error"]["Message"]) == (
        400,
        "UnknownOperationException",
        "No such thing.",
    )


def test_an_internal_failure_is_the_services_fault() -> None:
    response = plan_for("sts", "GetCallerIdentity", Protocol.QUERY).serialize_error(InternalFailure("x"), REQUEST_ID)
    assert response.status == 500
    assert b"<Type>Receiver</Type>" in response.body  # type: ignore[operator]


def refused(service: str, operation: str, body: bytes, protocol: Protocol = Protocol.JSON) -> tuple[str, str]:
    """The code and message that a body is refused with."""
    with pytest.raises(AwsError) as raised:
        plan_for(service, operation, protocol).parse(WireRequest(body=body))
    return raised.value.code, raised.value.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"TableName":1}', "NUMBER_VALUE cannot be converted to String"),
        (b'{"TableName":true}', "TRUE_VALUE cannot be converted to String"),
        (b'{"TableName":{}}', "Start of structure or map found where not expected."),
        (b'{"TableName":[]}', "Unrecognized collection type class java.util.ArrayList"),
        (b'{"Item":"x"}', "Unexpected field type"),
        (b'{"Item":{"a":{"B":"x"}}}', "Base64 encoded length is expected a multiple of 4 bytes but found: 1"),
    ],
)
def test_dynamodb_words_a_wrong_type_its_own_way(body: bytes, message: str) -> None:
    assert refused("dynamodb", "PutItem", body) == ("SerializationException", message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"QueueUrl":1}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"DelaySeconds":"1"}', "STRING_VALUE can not be converted to an Integer"),
        (b'{"DelaySeconds":1.5}', "NUMBER_VALUE can not be converted to an Integer"),
        (b'{"DelaySeconds":2147483648}', "NUMBER_VALUE can not be converted to an Integer"),
        (b'{"QueueUrl":', ""),
        (b"\xff", ""),
        (b"[]", "Start of list found where not expected"),
    ],
)
def test_a_json_body_of_the_wrong_form_is_a_serialization_exception(body: bytes, message: str) -> None:
    assert refused("sqs", "SendMessage", body) == ("SerializationException", message)


def test_a_missing_parameter_is_named_as_each_service_names_it() -> None:
    assert refused("sqs", "SendMessage", b"{}") == (
        "MissingRequiredParameterException",
        "The request must contain the parameter QueueUrl.",
    )
    assert refused("dynamodb", "GetItem", b'{"Key":{}}') == (
        "ValidationException",
        "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null",
    )
    assert refused("iam", "GetRole", b"", Protocol.QUERY) == (
        "ValidationError",
        "1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null",
    )
    assert refused("ec2", "CreateSubnet", b"", Protocol.EC2) == (
        "MissingParameter",
        "The request must contain the parameter VpcId",
    )
    assert refused("ec2", "RequestSpotFleet", b"SpotFleetRequestConfig.TargetCapacity=1", Protocol.EC2) == (
        "MissingParameter",
        "The request must contain the parameter SpotFleetRequestConfig.IamFleetRole",
    )


def test_each_broken_constraint_is_told_with_its_place_and_value() -> None:
    body = orjson.dumps({"TableName": "t", "KeySchema": [{"AttributeName": "", "KeyType": "BOTH"}]})
    assert refused("dynamodb", "CreateTable", body) == (
        "ValidationException",
        "2 validation errors detected: Value '' at 'keySchema.1.member.attributeName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1; Value 'BOTH' at 'keySchema.1.member.keyType' failed to "
        "satisfy constraint: Member must satisfy enum value set: [HASH, RANGE]",
    )
    assert refused("logs", "CreateLogGroup", b'{"logGroupName":"a b"}') == (
        "InvalidParameterException",
        "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
    )
    assert refused("iam", "CreateUser", b"UserName=" + b"a" * 65, Protocol.QUERY)[1].endswith(
        "at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64"
    )


def test_a_secret_value_is_not_repeated_in_the_message() -> None:
    code, message = refused("secretsmanager", "CreateSecret", b'{"Name":"n","SecretString":""}')
    assert code == "ValidationException"
    assert "Value at 'secretString' failed" in message


def test_sqs_tells_both_of_an_errors_codes() -> None:
    error = generated_errors("sqs")["QueueDoesNotExist"]("The specified queue does not exist.")
    response = plan_for("sqs", "SendMessage", Protocol.JSON).serialize_error(error, REQUEST_ID)
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body)["__type"] == "com.amazonaws.sqs#QueueDoesNotExist"
    assert dict(response.headers)["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    old = plan_for("sqs", "SendMessage", Protocol.QUERY).serialize_error(error, REQUEST_ID)
    assert b"<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in old.body  # type: ignore[operator]


def test_dynamodb_answers_shape_ids_and_a_checksum() -> None:
    error = generated_errors("dynamodb")["ResourceNotFoundException"]("Requested resource not found")
    response = plan_for("dynamodb", "GetItem", Protocol.JSON).serialize_error(error, REQUEST_ID)
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body)["__type"] == "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
    assert "x-amz-crc32" in dict(response.headers)
