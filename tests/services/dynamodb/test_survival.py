"""kill -9 of the gateway and of Postgres, again and again under load: acknowledged items are there, exactly once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.survival import Instance, Producer, kill_under_load

TABLE = "survivors"
KEYS = [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    started = Instance(tmp_path)
    yield started
    started.close()


def test_every_acknowledged_item_survives_twenty_kills_exactly_once(instance: Instance) -> None:
    client = instance.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=KEYS,
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "number", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-number",
                "KeySchema": [{"AttributeName": "number", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    putting, counting, transacting = (instance.client("dynamodb") for _ in range(3))

    def count(_: int) -> None:
        counting.update_item(
            TableName=TABLE,
            Key=key("counter", 0),
            UpdateExpression="ADD visits :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    def transact(number: int) -> None:
        """Two items that are there together, and a token that makes repeating harmless."""
        transacting.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": TABLE, "Item": key("left", number)}},
                {
                    "Update": {
                        "TableName": TABLE,
                        "Key": key("right", 0),
                        "UpdateExpression": "ADD visits :one",
                        "ExpressionAttributeValues": {":one": {"N": "1"}},
                    }
                },
            ],
            ClientRequestToken=f"number-{number}",
        )

    puts = Producer(lambda number: putting.put_item(TableName=TABLE, Item=key("put", number)), repeats=False)
    counts, transactions = Producer(count, repeats=False), Producer(transact, repeats=True)
    kill_under_load(instance, [puts, counts, transactions])

    assert set(puts.acknowledged) <= set(numbers_of(client, "put"))
    # An update whose answer was lost may have been made: twenty kills can lose twenty answers.
    assert 0 <= visits(client, "counter") - len(counts.acknowledged) <= counts.unanswered
    left = numbers_of(client, "left")
    assert left == list(range(len(left))), "with its token each transaction was made once, in order"
    assert visits(client, "right") == len(left)
    assert len(transactions.acknowledged) <= len(left) <= len(transactions.acknowledged) + 1
    pages = client.get_paginator("scan").paginate(TableName=TABLE, IndexName="by-number", Select="COUNT")
    items = client.get_paginator("scan").paginate(TableName=TABLE, Select="COUNT")
    assert sum(page["Count"] for page in pages) == sum(page["Count"] for page in items)


def key(partition: str, number: int) -> dict[str, Any]:
    return {"id": {"S": partition}, "number": {"N": str(number)}}


def numbers_of(client: Any, partition: str) -> list[int]:
    """The sort keys of a partition's items, in their order."""
    pages = client.get_paginator("query").paginate(
        TableName=TABLE, KeyConditionExpression="id = :id", ExpressionAttributeValues={":id": {"S": partition}}
    )
    return [int(item["number"]["N"]) for page in pages for item in page["Items"]]


def visits(client: Any, partition: str) -> int:
    return int(client.get_item(TableName=TABLE, Key=key(partition, 0))["Item"]["visits"]["N"])
