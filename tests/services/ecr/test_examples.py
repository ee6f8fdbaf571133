"""botocore's own examples: every implemented operation takes them and answers them, or refuses them as AWS may."""

from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.loaders import Loader

from aws_api.services.ecr.service import ecr as service

EXAMPLES = [
    pytest.param(xform_name(operation), example.get("input", {}), id=example["id"])
    for operation, examples in Loader().load_service_model("ecr", "examples-1")["examples"].items()
    for example in examples
]


@pytest.mark.parametrize(("operation", "request_"), EXAMPLES)
def test_an_example_is_answered_or_refused(aws: Any, operation: str, request_: dict[str, Any]) -> None:
    is_implemented = operation in service.operations
    try:
        getattr(aws("ecr"), operation)(**request_)
    except ClientError as refused:
        status = refused.response["ResponseMetadata"]["HTTPStatusCode"]
        assert status == (400 if is_implemented else 501), refused
    else:
        assert is_implemented
