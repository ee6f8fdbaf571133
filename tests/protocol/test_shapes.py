"""The generated types are Python that imports, and say what the models say."""

from typing import Any

import pytest
from django.core.management import call_command

from aws_api.core.errors import AwsError
from aws_api.protocol.models import operation_names
from aws_api.protocol.shapes import generate


def module_of(service: str, *operations: str) -> dict[str, Any]:
    """The names of the generated module."""
    module: dict[str, Any] = {"__name__": f"{service}_shapes"}
    exec(compile(generate(service, operations), service, "exec"), module)
    return module


@pytest.mark.parametrize("service", ["ecs", "dynamodb", "iam", "logs", "s3", "apigateway", "cloudwatch", "elbv2"])
def test_every_operation_of_a_service_has_types_that_import(service: str) -> None:
    module = module_of(service, *operation_names(service))
    assert any(isinstance(value, type) and issubclass(value, AwsError) for value in module.values())


def test_members_are_optional_unless_the_model_requires_them() -> None:
    source = generate("ecs", ["RunTask"])
    assert "    taskDefinition: str\n" in source
    assert "    cluster: NotRequired[str]\n" in source
    assert 'LaunchType = Literal["EC2", "FARGATE"' in source


def test_blobs_moments_and_streams_have_their_python_types() -> None:
    source = generate("s3", ["GetObject"]) + generate("logs", ["StartLiveTail"]) + generate("sqs", ["SendMessage"])
    assert "Body: NotRequired[AsyncIterator[bytes] | bytes]" in source
    assert "LastModified: NotRequired[datetime]" in source
    assert "responseStream: NotRequired[AsyncIterator[StartLiveTailResponseStream]]" in source
    assert "BinaryValue: NotRequired[bytes]" in source


def test_errors_carry_code_status_and_fault() -> None:
    not_found = module_of("iam", "GetRole")["NoSuchEntityException"]
    assert (not_found.code, not_found.query_code, not_found.status, not_found.sender_fault) == (
        "NoSuchEntityException",
        "NoSuchEntity",
        404,
        True,
    )
    failure = module_of("ecs", "RunTask")["ServerException"]
    assert (failure.status, failure.sender_fault) == (500, False)
    queue = module_of("sqs", "SendMessage")["QueueDoesNotExist"]
    assert queue.query_code == "AWS.SimpleQueueService.NonExistentQueue"


def test_members_that_are_python_keywords_are_kept() -> None:
    module = module_of("apigateway", *operation_names("apigateway"))
    assert (
        any("from" in getattr(value, "__annotations__", {}) for value in module.values()) or "PatchOperation" in module
    )


def test_an_operation_that_aws_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError):
        generate("ecs", ["BrewTea"])


def test_the_types_of_every_service_are_what_the_command_writes() -> None:
    call_command("shapes", "--check")
