"""botocore's own examples of EC2's networking: taken and answered, or refused as AWS may."""

from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.loaders import Loader

from aws_api.services.ec2.service import ec2 as service

EXAMPLES = [
    pytest.param(xform_name(operation), example.get("input", {}), id=example["id"])
    for operation, examples in Loader().load_service_model("ec2", "examples-1")["examples"].items()
    for example in examples
    if xform_name(operation) in service.operations
]


@pytest.mark.parametrize(("operation", "request_"), EXAMPLES)
def test_an_example_is_answered_or_refused(ec2: Any, operation: str, request_: dict[str, Any]) -> None:
    try:
        getattr(ec2, operation)(**request_)
    except ClientError as refused:
        assert refused.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403), refused
