"""Writers at the same time, in one process and in several: nothing is lost, nothing is done twice."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config

from aws_api.core.context import Context
from aws_api.core.execution import run_on_loop
from aws_api.core.invoke import find_operation, invoke_async
from aws_api.services.dynamodb.shapes import ConditionalCheckFailedException
from tests.services.dynamodb.conftest import MakeTable
from tests.services.dynamodb.test_tables import index

KEY = {"id": {"S": "shared"}}
WRITERS = 100


def gather(context: Context, calls: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """Every call at once on the process's event loop."""

    async def run() -> list[Any]:
        return await asyncio.gather(
            *(invoke_async(context, find_operation("dynamodb", name), request) for name, request in calls),
            return_exceptions=True,
        )

    return run_on_loop(run())


def add_one(table: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "Key": KEY,
        "UpdateExpression": "ADD visits :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
        "ReturnValues": "UPDATED_NEW",
    }


def test_a_hundred_additions_at_once_are_a_hundred(dynamodb: Any, make_table: MakeTable, context: Context) -> None:
    table = make_table()
    answers = gather(context, [("UpdateItem", add_one(table))] * WRITERS)
    assert sorted(int(answer["Attributes"]["visits"]["N"]) for answer in answers) == list(range(1, WRITERS + 1))
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"]["visits"] == {"N": str(WRITERS)}


def test_of_many_conditional_puts_one_wins(dynamodb: Any, make_table: MakeTable, context: Context) -> None:
    table = make_table()
    put = {"TableName": table, "ConditionExpression": "attribute_not_exists(id)"}
    answers = gather(context, [("PutItem", {**put, "Item": {**KEY, "writer": {"N": str(n)}}}) for n in range(WRITERS)])
    losers = [answer for answer in answers if isinstance(answer, ConditionalCheckFailedException)]
    assert len(losers) == WRITERS - 1
    assert dynamodb.scan(TableName=table)["Count"] == 1


def test_of_puts_at_once_to_one_key_the_last_stays(dynamodb: Any, make_table: MakeTable, context: Context) -> None:
    table = make_table()
    calls: list[tuple[str, dict[str, Any]]] = [
        ("PutItem", {"TableName": table, "Item": {**KEY, "writer": {"N": str(n)}}}) for n in range(WRITERS)
    ]
    # Once the process knows the table, requests arrive in the order in which they were made.
    dynamodb.put_item(TableName=table, Item=KEY)
    calls.insert(WRITERS // 2, ("DeleteItem", {"TableName": table, "Key": KEY}))
    assert not [answer for answer in gather(context, calls) if isinstance(answer, Exception)]
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"]["writer"] == {"N": str(WRITERS - 1)}


def test_an_index_added_under_load_misses_no_item(dynamodb: Any, make_table: MakeTable, context: Context) -> None:
    table = make_table()
    create = {
        "TableName": table,
        "AttributeDefinitions": [{"AttributeName": "kind", "AttributeType": "S"}],
        "GlobalSecondaryIndexUpdates": [{"Create": index("by-kind", ("kind", "HASH"))}],
    }
    puts = [("PutItem", {"TableName": table, "Item": {"id": {"S": str(n)}, "kind": {"S": "x"}}}) for n in range(600)]
    answers = gather(context, [*puts[:200], ("UpdateTable", create), *puts[200:]])
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    found = dynamodb.query(
        TableName=table,
        IndexName="by-kind",
        KeyConditionExpression="kind = :x",
        ExpressionAttributeValues={":x": {"S": "x"}},
        Select="COUNT",
    )
    assert found["Count"] == 600


@pytest.fixture
def elsewhere(live_gateway: str, account: Any) -> Callable[[], Any]:
    """Clients of another process's gateway for the same account."""

    def make() -> Any:
        return boto3.session.Session().client(
            "dynamodb",
            endpoint_url=live_gateway,
            region_name="us-east-1",
            aws_access_key_id=account.root_access_key_id,
            aws_secret_access_key=account.root_secret_access_key,
            config=Config(retries={"total_max_attempts": 1}),
        )

    return make


def test_additions_in_several_processes_all_count(
    dynamodb: Any, make_table: MakeTable, context: Context, elsewhere: Callable[[], Any]
) -> None:
    table = make_table()
    client = elsewhere()
    with ThreadPoolExecutor(8) as threads:
        theirs = [threads.submit(client.update_item, **add_one(table)) for _ in range(WRITERS)]
        ours = [answer for _ in range(10) for answer in gather(context, [("UpdateItem", add_one(table))] * 10)]
        answers = [*ours, *(future.result() for future in theirs)]
    assert sorted(int(answer["Attributes"]["visits"]["N"]) for answer in answers) == list(range(1, 2 * WRITERS + 1))
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"]["visits"] == {"N": str(2 * WRITERS)}


def test_a_process_that_knows_an_old_table_writes_for_the_new_one(
    dynamodb: Any, make_table: MakeTable, elsewhere: Callable[[], Any]
) -> None:
    table = make_table()
    other = elsewhere()
    other.put_item(TableName=table, Item=KEY)
    dynamodb.update_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index("by-kind", ("kind", "HASH"))}],
    )
    other.put_item(TableName=table, Item={**KEY, "kind": {"S": "x"}})
    assert dynamodb.scan(TableName=table, IndexName="by-kind")["Count"] == 1
    dynamodb.delete_table(TableName=table)
    make_table()
    other.put_item(TableName=table, Item=KEY)
    assert dynamodb.scan(TableName=table)["Items"] == [KEY]
