"""Tables of the test's own account."""

from collections.abc import Callable
from typing import Any

import pytest

MakeTable = Callable[..., str]


@pytest.fixture
def dynamodb(aws: Callable[..., Any]) -> Any:
    return aws("dynamodb")


@pytest.fixture
def make_table(dynamodb: Any) -> MakeTable:
    """``make_table(range="at:N", name="things", **members)``: a table on demand with the partition key ``id``."""

    def make(name: str = "things", *, hash: str = "id:S", range: str | None = None, **members: Any) -> str:
        keys = [("HASH", *hash.split(":")), *([("RANGE", *range.split(":"))] if range else [])]
        definitions = [{"AttributeName": key, "AttributeType": kind} for _, key, kind in keys]
        dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[*definitions, *members.pop("more_attributes", ())],
            KeySchema=[{"AttributeName": key, "KeyType": role} for role, key, _ in keys],
            BillingMode="PAY_PER_REQUEST",
            **members,
        )
        return name

    return make
