"""Items through boto3: one by one, in batches, under conditions, at the limits."""

from typing import Any

import pytest

from tests.services.dynamodb.conftest import MakeTable
from tests.services.dynamodb.test_tables import error_of

EVERYTHING: dict[str, Any] = {
    "id": {"S": "all"},
    "text": {"S": "with a \x00 in it, and \U0001f600"},
    "empty": {"S": ""},
    "number": {"N": "-12.5"},
    "bytes": {"B": b"\x00\xff"},
    "B": {"S": "named like a type"},
    "strings": {"SS": ["x", "y"]},
    "numbers": {"NS": ["1", "2.5"]},
    "blobs": {"BS": [b"\x01", b""]},
    "yes": {"BOOL": True},
    "null": {"NULL": True},
    "list": {"L": [{"B": b"\x02"}, {"L": []}, {"M": {"B": {"B": b"\x03"}}}]},
    "map": {"M": {}},
}


def key(text: str) -> dict[str, Any]:
    return {"id": {"S": text}}


def test_an_item_comes_back_as_it_went(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table()
    dynamodb.put_item(TableName=table, Item=EVERYTHING)
    assert dynamodb.get_item(TableName=table, Key=key("all"), ConsistentRead=True)["Item"] == EVERYTHING
    dynamodb.delete_item(TableName=table, Key=key("all"))
    assert "Item" not in dynamodb.get_item(TableName=table, Key=key("all"))


def test_a_number_is_one_key_however_it_is_spelled(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table(hash="number:N")
    dynamodb.put_item(TableName=table, Item={"number": {"N": "1.50"}, "value": {"N": "1E2"}})
    item = dynamodb.get_item(TableName=table, Key={"number": {"N": "15e-1"}})["Item"]
    assert item == {"number": {"N": "1.5"}, "value": {"N": "100"}}


def test_what_a_write_returns(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table()
    assert "Attributes" not in dynamodb.put_item(TableName=table, Item=key("a"), ReturnValues="ALL_OLD")
    old = dynamodb.put_item(TableName=table, Item={**key("a"), "n": {"N": "1"}}, ReturnValues="ALL_OLD")
    assert old["Attributes"] == key("a")
    update = {
        "TableName": table,
        "Key": key("a"),
        "UpdateExpression": "SET n = n + :one, fresh.part = :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    assert error_of(dynamodb.update_item, **update) == (
        "ValidationException",
        "The document path provided in the update expression is invalid for update",
    )
    dynamodb.update_item(
        TableName=table,
        Key=key("a"),
        UpdateExpression="SET fresh = :map",
        ExpressionAttributeValues={":map": {"M": {"keep": {"S": "x"}}}},
    )
    answers = {
        wanted: dynamodb.update_item(**update, ReturnValues=wanted).get("Attributes")
        for wanted in ("UPDATED_OLD", "UPDATED_NEW", "ALL_OLD", "ALL_NEW", "NONE")
    }
    assert answers["UPDATED_OLD"] == {"n": {"N": "1"}}
    assert answers["UPDATED_NEW"] == {"n": {"N": "3"}, "fresh": {"M": {"part": {"N": "1"}}}}
    assert answers["ALL_OLD"]["n"] == {"N": "3"}
    assert answers["ALL_NEW"] == {
        **key("a"),
        "n": {"N": "5"},
        "fresh": {"M": {"keep": {"S": "x"}, "part": {"N": "1"}}},
    }
    assert answers["NONE"] is None
    deleted = dynamodb.delete_item(TableName=table, Key=key("a"), ReturnValues="ALL_OLD")
    assert deleted["Attributes"]["n"] == {"N": "6"}
    assert "Attributes" not in dynamodb.delete_item(TableName=table, Key=key("a"), ReturnValues="ALL_OLD")


def test_an_update_makes_the_item_that_is_missing(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table()
    dynamodb.update_item(TableName=table, Key=key("bare"))
    dynamodb.update_item(
        TableName=table,
        Key=key("counted"),
        UpdateExpression="ADD visits :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert dynamodb.get_item(TableName=table, Key=key("bare"))["Item"] == key("bare")
    assert dynamodb.get_item(TableName=table, Key=key("counted"))["Item"]["visits"] == {"N": "1"}


def test_conditions_guard_every_write(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table()
    once = {
        "TableName": table,
        "Item": {**key("a"), "n": {"N": "1"}},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    dynamodb.put_item(**once)
    failed = ("ConditionalCheckFailedException", "The conditional request failed")
    assert error_of(dynamodb.put_item, **once) == failed
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as failure:
        dynamodb.put_item(**once, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert failure.value.response["Item"] == once["Item"]
    guarded = {
        "TableName": table,
        "Key": key("a"),
        "ConditionExpression": "n = :n",
        "ExpressionAttributeValues": {":n": {"N": "2"}},
    }
    assert error_of(dynamodb.delete_item, **guarded) == failed
    assert error_of(dynamodb.update_item, **guarded, UpdateExpression="SET n = n + :n") == failed
    guarded["ExpressionAttributeValues"] = {":n": {"N": "1.0"}}
    dynamodb.delete_item(**guarded)
    assert "Item" not in dynamodb.get_item(TableName=table, Key=key("a"))


def test_the_parameters_from_before_expressions(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table()
    dynamodb.put_item(TableName=table, Item={**key("a"), "n": {"N": "1"}}, Expected={"id": {"Exists": False}})
    assert (
        error_of(dynamodb.put_item, TableName=table, Item=key("a"), Expected={"id": {"Exists": False}})[0]
        == "ConditionalCheckFailedException"
    )
    updated = dynamodb.update_item(
        TableName=table,
        Key=key("a"),
        AttributeUpdates={
            "n": {"Action": "ADD", "Value": {"N": "4"}},
            "tags": {"Action": "PUT", "Value": {"SS": ["x"]}},
            "gone": {"Action": "DELETE"},
        },
        Expected={"n": {"ComparisonOperator": "LT", "AttributeValueList": [{"N": "2"}]}},
        ReturnValues="ALL_NEW",
    )
    assert updated["Attributes"] == {**key("a"), "n": {"N": "5"}, "tags": {"SS": ["x"]}}
    part = dynamodb.get_item(TableName=table, Key=key("a"), AttributesToGet=["n"])
    assert part["Item"] == {"n": {"N": "5"}}
    _, message = error_of(
        dynamodb.update_item,
        TableName=table,
        Key=key("a"),
        AttributeUpdates={"n": {"Action": "DELETE"}},
        ConditionExpression="attribute_exists(id)",
    )
    assert message.startswith("Can not use both expression and non-expression parameters in the same request")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"other": {"S": "x"}}, "One or more parameter values were invalid: Missing the key id in the item"),
        (
            {"id": {"N": "1"}},
            "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N",
        ),
        (
            {"id": {"S": ""}},
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            "empty string value. Key: id",
        ),
        (
            {"id": {"S": "x" * 2049}},
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 "
            "bytes",
        ),
        (
            {**key("a"), "v": {"SS": []}},
            "One or more parameter values were invalid: An AttributeValue may not contain an empty set",
        ),
        (
            {**key("a"), "v": {"NS": ["1", "1.0"]}},
            "One or more parameter values were invalid: Input collection [1, 1.0] contains duplicates.",
        ),
        (
            {**key("a"), "v": {"NULL": False}},
            "One or more parameter values were invalid: Null attribute value types must have the value of true",
        ),
        ({**key("a"), "v": {"N": "x"}}, "The parameter cannot be converted to a numeric value: x"),
        ({**key("a"), "v": {"S": "x" * 409_600}}, "Item size has exceeded the maximum allowed size"),
    ],
)
def test_items_that_cannot_be(dynamodb: Any, make_table: MakeTable, item: dict[str, Any], message: str) -> None:
    table = make_table()
    assert error_of(dynamodb.put_item, TableName=table, Item=item) == ("ValidationException", message)
    assert dynamodb.scan(TableName=table)["Count"] == 0


def test_an_item_at_the_limits_fits_and_grows_no_further(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table()
    room = 409_600 - len("id") - len("big") - len("v")
    dynamodb.put_item(TableName=table, Item={**key("big"), "v": {"S": "x" * room}})
    assert error_of(
        dynamodb.update_item,
        TableName=table,
        Key=key("big"),
        UpdateExpression="SET w = :w",
        ExpressionAttributeValues={":w": {"BOOL": True}},
    ) == ("ValidationException", "Item size to update has exceeded the maximum allowed size")
    nested: dict[str, Any] = {"S": "deep"}
    for _ in range(32):
        nested = {"L": [nested]}
    dynamodb.put_item(TableName=table, Item={**key("deep"), "v": nested})
    assert error_of(dynamodb.put_item, TableName=table, Item={**key("deeper"), "v": {"L": [nested]}}) == (
        "ValidationException",
        "Nesting Levels have exceeded supported limits",
    )


def test_keys_that_do_not_fit_the_table(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table(range="at:N")
    mismatch = ("ValidationException", "The provided key element does not match the schema")
    for wrong in (key("a"), {**key("a"), "at": {"S": "1"}}, {**key("a"), "at": {"N": "1"}, "more": {"S": "x"}}):
        assert error_of(dynamodb.get_item, TableName=table, Key=wrong) == mismatch
    assert error_of(
        dynamodb.update_item,
        TableName=table,
        Key={**key("a"), "at": {"N": "1"}},
        UpdateExpression="SET #at = :n",
        ExpressionAttributeNames={"#at": "at"},
        ExpressionAttributeValues={":n": {"N": "2"}},
    ) == (
        "ValidationException",
        "One or more parameter values were invalid: Cannot update attribute at. This attribute is part of the key",
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"ExpressionAttributeValues": {":x": {"S": "x"}}},
            "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and "
            "ConditionExpression are null",
        ),
        (
            {
                "UpdateExpression": "SET a = :a",
                "ExpressionAttributeValues": {":a": {"S": "a"}, ":x": {"S": "x"}},
            },
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}",
        ),
        (
            {"UpdateExpression": "REMOVE a", "ExpressionAttributeNames": {"#a": "a"}},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}",
        ),
        (
            {"UpdateExpression": "SET name = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}},
            "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name",
        ),
        (
            {"UpdateExpression": "SET a == :a", "ExpressionAttributeValues": {":a": {"S": "a"}}},
            'Invalid UpdateExpression: Syntax error; token: "=", near: "== :a"',
        ),
    ],
)
def test_expressions_that_cannot_be(
    dynamodb: Any, make_table: MakeTable, parameters: dict[str, Any], message: str
) -> None:
    table = make_table()
    assert error_of(dynamodb.update_item, TableName=table, Key=key("a"), **parameters) == (
        "ValidationException",
        message,
    )


def test_capacity_is_computed_from_sizes(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table(
        more_attributes=[{"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    big = {**key("a"), "kind": {"S": "x"}, "v": {"S": "x" * 5000}}
    put = dynamodb.put_item(TableName=table, Item=big, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert put == {
        "TableName": table,
        "CapacityUnits": 6.0,
        "Table": {"CapacityUnits": 5.0},
        "GlobalSecondaryIndexes": {"by-kind": {"CapacityUnits": 1.0}},
    }

    def read(**options: Any) -> float:
        answer = dynamodb.get_item(TableName=table, ReturnConsumedCapacity="TOTAL", **options)
        units: float = answer["ConsumedCapacity"]["CapacityUnits"]
        return units

    assert read(Key=key("a")) == 1.0
    assert read(Key=key("a"), ConsistentRead=True) == 2.0
    assert read(Key=key("nothing")) == 0.5


def test_batches_write_and_read_many_items(dynamodb: Any, make_table: MakeTable) -> None:
    one, two = make_table("one"), make_table("two")
    dynamodb.put_item(TableName=two, Item=key("old"))
    answer = dynamodb.batch_write_item(
        RequestItems={
            one: [{"PutRequest": {"Item": {**key(str(n)), "n": {"N": str(n)}}}} for n in range(20)],
            two: [{"DeleteRequest": {"Key": key("old")}}, {"PutRequest": {"Item": key("new")}}],
        }
    )
    assert answer["UnprocessedItems"] == {}
    read = dynamodb.batch_get_item(
        RequestItems={
            one: {"Keys": [key(str(n)) for n in range(30)], "ProjectionExpression": "n"},
            two: {"Keys": [key("old"), key("new")]},
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert sorted(int(item["n"]["N"]) for item in read["Responses"][one]) == list(range(20))
    assert read["Responses"][two] == [key("new")]
    assert read["UnprocessedKeys"] == {}
    assert {used["TableName"]: used["CapacityUnits"] for used in read["ConsumedCapacity"]} == {one: 15.0, two: 1.0}


def test_batches_that_cannot_be(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table()
    put = {"PutRequest": {"Item": key("a")}}
    assert error_of(dynamodb.batch_write_item, RequestItems={table: [put, put]}) == (
        "ValidationException",
        "Provided list of item keys contains duplicates",
    )
    bad = {"PutRequest": {"Item": {"other": {"S": "x"}}}}
    assert error_of(dynamodb.batch_write_item, RequestItems={table: [put, bad]})[0] == "ValidationException"
    assert dynamodb.scan(TableName=table)["Count"] == 0
    assert error_of(dynamodb.batch_get_item, RequestItems={table: {"Keys": [key("a"), key("a")]}}) == (
        "ValidationException",
        "Provided list of item keys contains duplicates",
    )
    assert error_of(dynamodb.batch_get_item, RequestItems={"nowhere": {"Keys": [key("a")]}}) == (
        "ResourceNotFoundException",
        "Requested resource not found",
    )
