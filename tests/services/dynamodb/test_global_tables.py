"""Global tables: what is written in one region is there in the others."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.services.dynamodb.conftest import MakeTable
from tests.services.dynamodb.test_tables import error_of, index

KEY = {"id": {"S": "a"}}


@pytest.fixture
def ireland(aws: Callable[..., Any]) -> Any:
    return aws("dynamodb", region_name="eu-west-1")


def replicate(dynamodb: Any, table: str) -> Any:
    return dynamodb.update_table(TableName=table, ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])


def test_replicas_hold_the_same_items_and_indexes(dynamodb: Any, make_table: MakeTable, ireland: Any) -> None:
    table = make_table()
    dynamodb.put_item(TableName=table, Item={**KEY, "kind": {"S": "x"}})
    replicate(dynamodb, table)
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["GlobalTableVersion"] == "2019.11.21"
    assert [(replica["RegionName"], replica["ReplicaStatus"]) for replica in described["Replicas"]] == [
        ("eu-west-1", "ACTIVE")
    ]
    assert ireland.get_item(TableName=table, Key=KEY)["Item"]["kind"] == {"S": "x"}
    ireland.update_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index("by-kind", ("kind", "HASH"))}],
    )
    dynamodb.put_item(TableName=table, Item={"id": {"S": "b"}, "kind": {"S": "x"}})
    for client in (dynamodb, ireland):
        assert client.scan(TableName=table, IndexName="by-kind")["Count"] == 2
    ireland.update_item(
        TableName=table,
        Key=KEY,
        UpdateExpression="ADD visits :one",
        ConditionExpression="kind = :x",
        ExpressionAttributeValues={":one": {"N": "1"}, ":x": {"S": "x"}},
    )
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"]["visits"] == {"N": "1"}


def test_every_replica_has_its_own_stream(
    dynamodb: Any, make_table: MakeTable, ireland: Any, aws: Callable[..., Any]
) -> None:
    table = make_table()
    replicate(dynamodb, table)
    ireland.put_item(TableName=table, Item=KEY)
    for region in ("us-east-1", "eu-west-1"):
        streams = aws("dynamodbstreams", region_name=region)
        (stream,) = streams.list_streams(TableName=table)["Streams"]
        arn = stream["StreamArn"]
        assert region in arn
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        place = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        records = streams.get_records(ShardIterator=place["ShardIterator"])["Records"]
        assert [(record["eventName"], record["awsRegion"]) for record in records] == [("INSERT", region)]


def test_a_replica_that_is_removed_leaves_the_others_their_items(
    dynamodb: Any, make_table: MakeTable, ireland: Any
) -> None:
    table = make_table()
    dynamodb.put_item(TableName=table, Item=KEY)
    replicate(dynamodb, table)
    dynamodb.delete_table(TableName=table)
    assert ireland.get_item(TableName=table, Key=KEY)["Item"] == KEY
    assert "Replicas" not in ireland.describe_table(TableName=table)["Table"]
    ireland.update_table(TableName=table, ReplicaUpdates=[{"Create": {"RegionName": "us-east-1"}}])
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"] == KEY
    ireland.update_table(TableName=table, ReplicaUpdates=[{"Delete": {"RegionName": "us-east-1"}}])
    assert dynamodb.list_tables()["TableNames"] == []


def test_a_replica_that_cannot_be_is_refused(dynamodb: Any, make_table: MakeTable, ireland: Any) -> None:
    table = make_table()
    replicate(dynamodb, table)
    for update in (
        {"Create": {"RegionName": "eu-west-1"}},
        {"Create": {"RegionName": "us-east-1"}},
        {"Create": {"RegionName": "nowhere"}},
        {"Delete": {"RegionName": "eu-central-1"}},
    ):
        code, _ = error_of(dynamodb.update_table, TableName=table, ReplicaUpdates=[update])
        assert code == "ValidationException"
