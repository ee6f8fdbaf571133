"""Transactions: all or none, reasons, tokens, and nobody sees or does half of one."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.services.dynamodb.models import TransactionToken
from tests.services.dynamodb.conftest import MakeTable
from tests.services.dynamodb.test_concurrency import elsewhere, gather
from tests.services.dynamodb.test_tables import error_of, index

__all__ = ["elsewhere"]


def key(id: str) -> dict[str, Any]:
    return {"id": {"S": id}}


def put(table: str, id: str, **members: Any) -> dict[str, Any]:
    attributes = members.pop("attributes", {})
    return {"Put": {"TableName": table, "Item": {**key(id), **attributes}, **members}}


def check(table: str, id: str, condition: str, **members: Any) -> dict[str, Any]:
    return {"ConditionCheck": {"TableName": table, "Key": key(id), "ConditionExpression": condition, **members}}


def add(table: str, id: str, amount: int, **members: Any) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": table,
            "Key": key(id),
            "UpdateExpression": "ADD amount :amount",
            "ExpressionAttributeValues": {":amount": {"N": str(amount)}, **members.pop("values", {})},
            **members,
        }
    }


def cancellation(dynamodb: Any, actions: list[dict[str, Any]], **members: Any) -> tuple[str, list[dict[str, Any]]]:
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as failure:
        dynamodb.transact_write_items(TransactItems=actions, **members)
    return failure.value.response["Error"]["Message"], failure.value.response["CancellationReasons"]


def test_a_transaction_writes_all_of_its_items(dynamodb: Any, make_table: MakeTable) -> None:
    one, other = make_table("one"), make_table("other")
    dynamodb.put_item(TableName=one, Item=key("gone"))
    dynamodb.put_item(TableName=one, Item=key("there"))
    dynamodb.transact_write_items(
        TransactItems=[
            put(one, "new", ConditionExpression="attribute_not_exists(id)"),
            add(other, "counter", 3),
            {"Delete": {"TableName": one, "Key": key("gone")}},
            check(one, "there", "attribute_exists(id)"),
            check(other, "nowhere", "attribute_not_exists(id)"),
        ]
    )
    answer = dynamodb.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": table, "Key": key(id)}}
            for table, id in ((one, "new"), (other, "counter"), (one, "gone"), (one, "there"), (other, "nowhere"))
        ]
    )
    assert answer["Responses"] == [
        {"Item": key("new")},
        {"Item": {**key("counter"), "amount": {"N": "3"}}},
        {},
        {"Item": key("there")},
        {},
    ]


def test_a_cancelled_transaction_writes_nothing_and_says_why(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table()
    dynamodb.put_item(TableName=table, Item={**key("full"), "amount": {"S": "many"}})
    message, reasons = cancellation(
        dynamodb,
        [
            put(table, "new"),
            check(table, "full", "attribute_not_exists(id)", ReturnValuesOnConditionCheckFailure="ALL_OLD"),
        ],
    )
    assert message == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"
    )
    assert reasons == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {**key("full"), "amount": {"S": "many"}},
        },
    ]
    _, reasons = cancellation(dynamodb, [put(table, "new"), add(table, "full", 1)])
    assert reasons[1] == {
        "Code": "ValidationError",
        "Message": "An operand in the update expression has an incorrect data type",
    }
    _, reasons = cancellation(dynamodb, [{"Put": {"TableName": table, "Item": {"other": {"S": "a"}}}}])
    assert reasons[0]["Message"] == "One or more parameter values were invalid: Missing the key id in the item"
    assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] == 1


def test_what_cannot_be_a_transaction_is_refused(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table()
    assert error_of(dynamodb.transact_write_items, TransactItems=[put(table, "a"), put(table, "a")]) == (
        "ValidationException",
        "Transaction request cannot include multiple operations on one item",
    )
    assert error_of(dynamodb.transact_write_items, TransactItems=[put("nowhere", "a")])[0] == (
        "ResourceNotFoundException"
    )
    large = {"body": {"S": "x" * 390_000}}
    assert error_of(
        dynamodb.transact_write_items, TransactItems=[put(table, str(n), attributes=large) for n in range(11)]
    ) == ("ValidationException", "The aggregate size of the items in the transaction cannot exceed 4 MB")
    assert error_of(dynamodb.transact_write_items, TransactItems=[put(table, str(n)) for n in range(101)])[0] == (
        "ValidationException"
    )
    assert dynamodb.scan(TableName=table)["Count"] == 0


def test_a_token_makes_a_transaction_once(dynamodb: Any, make_table: MakeTable, account: Any) -> None:
    table = make_table()
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[add(table, "a", 1)], ClientRequestToken="once")
    new = put(table, "b", ConditionExpression="attribute_not_exists(id)")
    for kind in ("WriteCapacityUnits", "ReadCapacityUnits"):
        answer = dynamodb.transact_write_items(
            TransactItems=[new], ClientRequestToken="new", ReturnConsumedCapacity="TOTAL"
        )
        assert answer["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 2.0, kind: 2.0}]
    assert dynamodb.get_item(TableName=table, Key=key("a"))["Item"]["amount"] == {"N": "1"}
    code, _ = error_of(dynamodb.transact_write_items, TransactItems=[add(table, "a", 2)], ClientRequestToken="once")
    assert code == "IdempotentParameterMismatchException"

    tokens = TransactionToken.objects.filter(account_id=account.account_id, token="once")
    tokens.update(at=tokens.get().at - timedelta(minutes=11))
    dynamodb.transact_write_items(TransactItems=[add(table, "a", 2)], ClientRequestToken="once")
    assert dynamodb.get_item(TableName=table, Key=key("a"))["Item"]["amount"] == {"N": "3"}


def test_transactions_count_twice(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table(
        more_attributes=[{"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[index("by-kind", ("kind", "HASH"))],
    )
    written = dynamodb.transact_write_items(
        TransactItems=[put(table, "a", attributes={"kind": {"S": "x"}}), put(table, "b")],
        ReturnConsumedCapacity="INDEXES",
    )["ConsumedCapacity"]
    assert written == [
        {
            "TableName": table,
            "CapacityUnits": 6.0,
            "WriteCapacityUnits": 6.0,
            "Table": {"CapacityUnits": 4.0, "WriteCapacityUnits": 4.0},
            "GlobalSecondaryIndexes": {"by-kind": {"CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}},
        }
    ]
    read = dynamodb.transact_get_items(
        TransactItems=[{"Get": {"TableName": table, "Key": key("a")}}], ReturnConsumedCapacity="TOTAL"
    )["ConsumedCapacity"]
    assert read == [{"TableName": table, "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}]


def test_transactions_of_several_processes_conflict_and_lose_nothing(
    dynamodb: Any, make_table: MakeTable, elsewhere: Callable[[], Any]
) -> None:
    table = make_table()
    names = ["a", "b", "c"]
    for name in names:
        dynamodb.put_item(TableName=table, Item={**key(name), "amount": {"N": "100"}})
    clients = [dynamodb, elsewhere()]

    def transfer(number: int) -> str:
        source, target = random.Random(number).sample(names, 2)
        actions = [
            add(table, source, -1, ConditionExpression="amount > :least", values={":least": {"N": "0"}}),
            add(table, target, 1),
        ]
        client = clients[number % 2]
        try:
            client.transact_write_items(TransactItems=actions)
        except client.exceptions.TransactionCanceledException as error:
            reasons = (reason["Code"] for reason in error.response["CancellationReasons"])
            return next(str(reason) for reason in reasons if reason != "None")
        return "made"

    def total(number: int) -> int:
        gets = [{"Get": {"TableName": table, "Key": key(name)}} for name in names]
        answer = clients[number % 2].transact_get_items(TransactItems=gets)
        return sum(int(response["Item"]["amount"]["N"]) for response in answer["Responses"])

    with ThreadPoolExecutor(8) as threads:
        transfers = [threads.submit(transfer, number) for number in range(200)]
        totals = [threads.submit(total, number) for number in range(50)]
        assert {future.result() for future in transfers} <= {"made", "TransactionConflict"}
        assert {future.result() for future in totals} == {300}
    assert total(0) == 300


def test_writers_at_once_conflict(dynamodb: Any, make_table: MakeTable, context: Context) -> None:
    table = make_table()
    request = {"TransactItems": [add(table, "a", 1)]}
    answers = gather(context, [("TransactWriteItems", request)] * 100)
    conflicts = [answer for answer in answers if isinstance(answer, AwsError)]
    assert conflicts
    assert {answer.members["CancellationReasons"][0]["Code"] for answer in conflicts} == {"TransactionConflict"}
    made = dynamodb.get_item(TableName=table, Key=key("a"))["Item"]["amount"]
    assert made == {"N": str(100 - len(conflicts))}


def test_two_that_each_demand_the_others_absence_are_not_both_made(
    dynamodb: Any, make_table: MakeTable, context: Context
) -> None:
    table = make_table()
    for attempt in range(10):
        one, other = f"one-{attempt}", f"other-{attempt}"
        gather(
            context,
            [
                (
                    "TransactWriteItems",
                    {"TransactItems": [put(table, one), check(table, other, "attribute_not_exists(id)")]},
                ),
                (
                    "TransactWriteItems",
                    {"TransactItems": [put(table, other), check(table, one, "attribute_not_exists(id)")]},
                ),
            ],
        )
        assert sum("Item" in dynamodb.get_item(TableName=table, Key=key(name)) for name in (one, other)) == 1
