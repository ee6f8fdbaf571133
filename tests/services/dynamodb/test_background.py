"""What happens without a request: items expire, large tables enter new indexes, deleted ones make room."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from aws_api.core.context import Context
from aws_api.core.housekeeping import run_chores
from aws_api.services.dynamodb import contents
from aws_api.services.dynamodb.models import IndexEntry, Item, Leftover, Table
from tests.services.dynamodb.conftest import MakeTable
from tests.services.dynamodb.test_concurrency import gather
from tests.services.dynamodb.test_tables import error_of, index
from tests.support.waiting import wait_for

NOW_S = int(datetime.now(UTC).timestamp())


def enable(dynamodb: Any, table: str) -> None:
    specification = {"Enabled": True, "AttributeName": "expires"}
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)


def put(dynamodb: Any, table: str, id: str, expires: dict[str, str] | None) -> None:
    dynamodb.put_item(TableName=table, Item={"id": {"S": id}, **({"expires": expires} if expires else {})})


def ids(dynamodb: Any, table: str) -> set[str]:
    return {item["id"]["S"] for item in dynamodb.scan(TableName=table)["Items"]}


def test_items_expire_when_their_time_has_come(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table()
    put(dynamodb, table, "there before", {"N": str(NOW_S - 10)})
    enable(dynamodb, table)
    put(dynamodb, table, "expired", {"N": f"{NOW_S - 10}.5"})
    put(dynamodb, table, "later", {"N": str(NOW_S + 1000)})
    put(dynamodb, table, "never", None)
    put(dynamodb, table, "not a number", {"S": str(NOW_S - 10)})
    put(dynamodb, table, "too long ago", {"N": "1000"})
    put(dynamodb, table, "prolonged", {"N": str(NOW_S - 10)})
    put(dynamodb, table, "prolonged", {"N": str(NOW_S + 1000)})
    run_chores(datetime.now(UTC))
    assert ids(dynamodb, table) == {"later", "never", "not a number", "too long ago", "prolonged"}
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert "LocalSecondaryIndexes" not in described and "GlobalSecondaryIndexes" not in described

    dynamodb.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires"}
    )
    put(dynamodb, table, "no longer", {"N": str(NOW_S - 10)})
    run_chores(datetime.now(UTC))
    assert "no longer" in ids(dynamodb, table)


def test_streams_tell_that_an_item_expired(dynamodb: Any, make_table: MakeTable, aws: Callable[..., Any]) -> None:
    table = make_table(StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    enable(dynamodb, table)
    put(dynamodb, table, "expired", {"N": str(NOW_S - 10)})
    run_chores(datetime.now(UTC))
    streams = aws("dynamodbstreams")
    arn = streams.list_streams(TableName=table)["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    assert [(record["eventName"], record.get("userIdentity")) for record in records] == [
        ("INSERT", None),
        ("REMOVE", {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}),
    ]


def test_a_large_table_enters_a_new_index_while_it_is_written(
    dynamodb: Any, make_table: MakeTable, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MAX_FILLED_AT_ONCE", 100)
    table = make_table()

    def puts(start: int, stop: int, kind: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            ("PutItem", {"TableName": table, "Item": {"id": {"S": str(n)}, "kind": {"S": kind}}})
            for n in range(start, stop)
        ]

    gather(context, puts(0, 2000, "old"))
    create = {
        "TableName": table,
        "AttributeDefinitions": [{"AttributeName": "kind", "AttributeType": "S"}],
        "GlobalSecondaryIndexUpdates": [{"Create": index("by-kind", ("kind", "HASH"))}],
    }
    delete = [("DeleteItem", {"TableName": table, "Key": {"id": {"S": str(n)}}}) for n in range(500)]
    answers = gather(context, [("UpdateTable", create), *puts(1500, 2500, "new"), *delete])
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    (described,) = answers[0]["TableDescription"]["GlobalSecondaryIndexes"]
    assert (described["IndexStatus"], described["Backfilling"]) == ("CREATING", True)

    def is_active() -> bool:
        (found,) = dynamodb.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"]
        return bool(found["IndexStatus"] == "ACTIVE")

    wait_for(is_active, timeout_s=20, what="the index")

    def count(kind: str) -> int:
        found = dynamodb.query(
            TableName=table,
            IndexName="by-kind",
            KeyConditionExpression="kind = :kind",
            ExpressionAttributeValues={":kind": {"S": kind}},
            Select="COUNT",
        )
        return int(found["Count"])

    assert (count("old"), count("new")) == (1000, 1000)
    assert dynamodb.scan(TableName=table, IndexName="by-kind", Select="COUNT")["Count"] == 2000


def test_an_index_that_is_not_filled_cannot_be_read(dynamodb: Any, make_table: MakeTable, account: Any) -> None:
    table = make_table(
        more_attributes=[{"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[index("by-kind", ("kind", "HASH"))],
    )
    row = Table.objects.get(account_id=account.account_id)
    row.indexes.update(is_filled=False)
    assert error_of(dynamodb.scan, TableName=table, IndexName="by-kind") == (
        "ValidationException",
        "Cannot read from backfilling global secondary index: by-kind",
    )
    run_chores(datetime.now(UTC))
    wait_for(lambda: row.indexes.get().is_filled, timeout_s=10, what="the filling")
    assert dynamodb.scan(TableName=table, IndexName="by-kind")["Count"] == 0


def test_what_was_deleted_makes_room(dynamodb: Any, make_table: MakeTable, account: Any) -> None:
    table = make_table(
        more_attributes=[{"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[index("by-kind", ("kind", "HASH"))],
    )
    dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "kind": {"S": "x"}})
    row = Table.objects.get(account_id=account.account_id)
    index_id = row.indexes.get().pk
    dynamodb.delete_table(TableName=table)
    run_chores(datetime.now(UTC))
    assert not Item.objects.filter(table_id=row.pk).exists()
    assert not IndexEntry.objects.filter(index_id=index_id).exists()
    assert not Leftover.objects.filter(number=row.pk, is_index=False).exists()
