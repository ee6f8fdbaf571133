"""Streams through boto3: what changed is told once, in order, as the view type shows it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core.context import Context
from aws_api.core.housekeeping import run_chores
from aws_api.services.dynamodb.models import Shard, Stream, StreamRecord
from aws_api.services.dynamodbstreams.iterators import ShardIterator
from tests.services.dynamodb.conftest import MakeTable
from tests.services.dynamodb.test_concurrency import gather

KEY = {"id": {"S": "a"}}


@pytest.fixture
def streams(aws: Callable[..., Any]) -> Any:
    return aws("dynamodbstreams")


@pytest.fixture
def make_streaming(make_table: MakeTable) -> MakeTable:
    def make(view: str = "NEW_AND_OLD_IMAGES", **members: Any) -> str:
        return make_table(StreamSpecification={"StreamEnabled": True, "StreamViewType": view}, **members)

    return make


def arn_of(dynamodb: Any, table: str) -> str:
    return str(dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"])


def shards_of(streams: Any, arn: str) -> list[dict[str, Any]]:
    shards: list[dict[str, Any]] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    return shards


def iterator(streams: Any, arn: str, kind: str = "TRIM_HORIZON", shard: int = -1, **members: Any) -> str:
    shard_id = shards_of(streams, arn)[shard]["ShardId"]
    answer = streams.get_shard_iterator(StreamArn=arn, ShardId=shard_id, ShardIteratorType=kind, **members)
    return str(answer["ShardIterator"])


def records_of(streams: Any, arn: str, **members: Any) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = streams.get_records(ShardIterator=iterator(streams, arn, **members))["Records"]
    return records


def write_some(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item={**KEY, "data": {"B": b"\x00\xff"}})
    dynamodb.put_item(TableName=table, Item={**KEY, "data": {"B": b"\x00\xff"}})
    dynamodb.update_item(
        TableName=table,
        Key=KEY,
        UpdateExpression="SET #n = :n",
        ExpressionAttributeNames={"#n": "n"},
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    dynamodb.delete_item(TableName=table, Key=KEY)
    dynamodb.delete_item(TableName=table, Key=KEY)


def test_a_stream_tells_every_change_and_no_other_write(dynamodb: Any, make_streaming: MakeTable, streams: Any) -> None:
    table = make_streaming()
    write_some(dynamodb, table)
    records = records_of(streams, arn_of(dynamodb, table))
    put, updated = {**KEY, "data": {"B": b"\x00\xff"}}, {**KEY, "data": {"B": b"\x00\xff"}, "n": {"N": "1"}}
    assert [(r["eventName"], r["dynamodb"].get("OldImage"), r["dynamodb"].get("NewImage")) for r in records] == [
        ("INSERT", None, put),
        ("MODIFY", put, updated),
        ("REMOVE", updated, None),
    ]
    first = records[0]
    assert (first["eventSource"], first["eventVersion"], first["awsRegion"]) == ("aws:dynamodb", "1.1", "us-east-1")
    assert first["dynamodb"]["Keys"] == KEY
    assert first["dynamodb"]["SizeBytes"] == 3 + 3 + 6
    assert first["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert "userIdentity" not in first
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert numbers == sorted(numbers)
    assert len({record["eventID"] for record in records}) == 3


@pytest.mark.parametrize(
    ("view", "members"),
    [("KEYS_ONLY", set()), ("NEW_IMAGE", {"NewImage"}), ("OLD_IMAGE", {"OldImage"})],
)
def test_a_view_type_shows_what_it_says(
    dynamodb: Any, make_streaming: MakeTable, streams: Any, view: str, members: set[str]
) -> None:
    table = make_streaming(view)
    write_some(dynamodb, table)
    changed = records_of(streams, arn_of(dynamodb, table))[1]["dynamodb"]
    assert {"NewImage", "OldImage"} & changed.keys() == members
    assert changed["Keys"] == KEY


def test_iterators_begin_where_they_say(dynamodb: Any, make_streaming: MakeTable, streams: Any) -> None:
    table = make_streaming()
    arn = arn_of(dynamodb, table)
    latest = iterator(streams, arn, "LATEST")
    for number in range(5):
        dynamodb.put_item(TableName=table, Item={"id": {"S": str(number)}})
    records = records_of(streams, arn)
    assert len(records) == 5
    assert streams.get_records(ShardIterator=latest)["Records"] == records
    third = records[2]["dynamodb"]["SequenceNumber"]
    assert records_of(streams, arn, kind="AT_SEQUENCE_NUMBER", SequenceNumber=third) == records[2:]
    assert records_of(streams, arn, kind="AFTER_SEQUENCE_NUMBER", SequenceNumber=third) == records[3:]
    page = streams.get_records(ShardIterator=iterator(streams, arn), Limit=3)
    assert page["Records"] == records[:3]
    assert streams.get_records(ShardIterator=page["NextShardIterator"])["Records"] == records[3:]


def test_the_changes_of_an_item_come_in_their_order(
    dynamodb: Any, make_streaming: MakeTable, streams: Any, context: Context
) -> None:
    table = make_streaming()
    add = {
        "TableName": table,
        "UpdateExpression": "ADD visits :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    calls = [("UpdateItem", {**add, "Key": {"id": {"S": name}}}) for _ in range(50) for name in "abcd"]
    assert not [answer for answer in gather(context, calls) if isinstance(answer, Exception)]
    records = records_of(streams, arn_of(dynamodb, table))
    for name in "abcd":
        visits = [r["dynamodb"]["NewImage"]["visits"]["N"] for r in records if r["dynamodb"]["Keys"]["id"]["S"] == name]
        assert visits == [str(number) for number in range(1, 51)]


def test_transactions_and_batches_are_told(dynamodb: Any, make_streaming: MakeTable, streams: Any) -> None:
    table = make_streaming()
    put = {"Put": {"TableName": table, "Item": KEY}}
    check = {
        "ConditionCheck": {
            "TableName": table,
            "Key": {"id": {"S": "none"}},
            "ConditionExpression": "attribute_not_exists(id)",
        }
    }
    dynamodb.transact_write_items(TransactItems=[put, check])
    dynamodb.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": KEY}}]})
    assert [record["eventName"] for record in records_of(streams, arn_of(dynamodb, table))] == ["INSERT", "REMOVE"]


def test_a_disabled_stream_is_closed_and_can_be_read_to_its_end(
    dynamodb: Any, make_streaming: MakeTable, streams: Any
) -> None:
    table = make_streaming()
    arn = arn_of(dynamodb, table)
    dynamodb.put_item(TableName=table, Item=KEY)
    dynamodb.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    dynamodb.delete_item(TableName=table, Key=KEY)
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    assert described["TableName"] == table
    assert "EndingSequenceNumber" in described["Shards"][0]["SequenceNumberRange"]
    page = streams.get_records(ShardIterator=iterator(streams, arn))
    while "NextShardIterator" in page:
        assert len(page["Records"]) == 1
        page = streams.get_records(ShardIterator=page["NextShardIterator"])

    dynamodb.update_table(TableName=table, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    assert arn_of(dynamodb, table) != arn
    dynamodb.put_item(TableName=table, Item=KEY)
    assert [record["eventName"] for record in records_of(streams, arn_of(dynamodb, table))] == ["INSERT"]
    dynamodb.delete_table(TableName=table)
    assert len(streams.list_streams(TableName=table)["Streams"]) == 2


def test_a_long_open_shard_is_followed_by_another(dynamodb: Any, make_streaming: MakeTable, streams: Any) -> None:
    table = make_streaming()
    arn = arn_of(dynamodb, table)
    dynamodb.put_item(TableName=table, Item=KEY)
    Shard.objects.filter(stream__table_name=table, stream__label=arn[-23:]).update(
        opened_at=datetime.now(UTC) - timedelta(hours=5)
    )
    run_chores(datetime.now(UTC))
    first, second = shards_of(streams, arn)
    assert second["ParentShardId"] == first["ShardId"]
    dynamodb.delete_item(TableName=table, Key=KEY)
    assert [record["eventName"] for record in records_of(streams, arn, shard=0)] == ["INSERT"]
    assert [record["eventName"] for record in records_of(streams, arn, shard=1)] == ["REMOVE"]


def test_records_are_kept_for_a_day(dynamodb: Any, make_streaming: MakeTable, streams: Any, account: Any) -> None:
    table = make_streaming()
    arn = arn_of(dynamodb, table)
    for number in range(3):
        dynamodb.put_item(TableName=table, Item={"id": {"S": str(number)}})
    first = records_of(streams, arn)[0]["dynamodb"]["SequenceNumber"]
    horizon = iterator(streams, arn)
    stream = Stream.objects.get(account_id=account.account_id)
    old = StreamRecord.objects.filter(stream_id=stream.pk, sequence__lte=2)
    old.update(at=datetime.now(UTC) - timedelta(hours=25))
    run_chores(datetime.now(UTC))
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in records_of(streams, arn)] == ["2"]
    for call in (
        lambda: streams.get_records(ShardIterator=horizon),
        lambda: iterator(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=first),
    ):
        with pytest.raises(streams.exceptions.TrimmedDataAccessException):
            call()


def test_what_is_no_place_in_a_stream_is_refused(dynamodb: Any, make_streaming: MakeTable, streams: Any) -> None:
    arn = arn_of(dynamodb, make_streaming())
    shard_id = shards_of(streams, arn)[0]["ShardId"]
    old = ShardIterator(stream_arn=arn, shard_id=shard_id, next=1, made_at_ms=0)
    with pytest.raises(streams.exceptions.ExpiredIteratorException):
        streams.get_records(ShardIterator=old.text())
    with pytest.raises(ClientError, match="Invalid ShardIterator"):
        streams.get_records(ShardIterator="no iterator")
    with pytest.raises(streams.exceptions.ResourceNotFoundException):
        streams.describe_stream(StreamArn=arn.replace("things", "others"))
    with pytest.raises(ClientError, match="SequenceNumber is required"):
        iterator(streams, arn, "AT_SEQUENCE_NUMBER")
