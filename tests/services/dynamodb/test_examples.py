"""botocore's own examples of DynamoDB: each is a request that AWS answers."""

from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from aws_api.core.service import get_service
from tests.services.dynamodb.conftest import MakeTable

_EXAMPLES = botocore.session.get_session().get_component("data_loader").load_service_model("dynamodb", "examples-1")
EXAMPLES = [
    pytest.param(operation, example["input"], id=example["id"])
    for operation, examples in _EXAMPLES["examples"].items()
    for example in examples
]


@pytest.mark.parametrize(("operation", "parameters"), EXAMPLES)
def test_an_example_is_answered(
    dynamodb: Any, make_table: MakeTable, operation: str, parameters: dict[str, Any]
) -> None:
    service = get_service("dynamodb")
    assert service is not None and service.find(operation) is not None
    if operation != "CreateTable":
        schema = {"hash": "Artist:S", "range": "SongTitle:S"}
        table = make_table(parameters.get("TableName", "Music"), **schema)
        if operation == "UpdateTable":
            # The example changes capacities, which a table on demand has not.
            dynamodb.update_table(
                TableName=table,
                BillingMode="PROVISIONED",
                ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            )
    assert getattr(dynamodb, xform_name(operation))(**parameters)
