"""Query and Scan through boto3: order, pages, filters, indexes, segments."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.dynamodb.conftest import MakeTable
from tests.services.dynamodb.test_tables import error_of, index

NUMBERS = ["-1E2", "-7", "-0.5", "0", "0.5", "3", "20", "1E20"]


def names_of(pages: Any, member: str = "name") -> list[str]:
    return [next(iter(item[member].values())) for page in pages for item in page["Items"]]


@pytest.fixture
def by_number(dynamodb: Any, make_table: MakeTable) -> str:
    table = make_table(range="at:N")
    for number in reversed(NUMBERS):
        dynamodb.put_item(
            TableName=table, Item={"id": {"S": "a"}, "at": {"N": number}, "name": {"S": number}, "even": {"BOOL": True}}
        )
    dynamodb.put_item(TableName=table, Item={"id": {"S": "b"}, "at": {"N": "1"}, "name": {"S": "elsewhere"}})
    return table


@pytest.mark.parametrize(
    ("condition", "values", "found"),
    [
        ("", [], NUMBERS),
        (" AND #at = :x", ["3.0"], ["3"]),
        (" AND #at < :x", ["0"], ["-1E2", "-7", "-0.5"]),
        (" AND #at <= :x", ["0"], ["-1E2", "-7", "-0.5", "0"]),
        (" AND #at > :x", ["0.5"], ["3", "20", "1E20"]),
        (" AND #at >= :x", ["0.5"], ["0.5", "3", "20", "1E20"]),
        (" AND :x > #at", ["-5"], ["-1E2", "-7"]),
        (" AND #at BETWEEN :x AND :y", ["-7", "0.5"], ["-7", "-0.5", "0", "0.5"]),
    ],
)
def test_a_query_is_a_range_in_the_order_of_numbers(
    dynamodb: Any, by_number: str, condition: str, values: list[str], found: list[str]
) -> None:
    query = {
        "TableName": by_number,
        "KeyConditionExpression": f"id = :id{condition}",
        "ExpressionAttributeValues": {
            ":id": {"S": "a"},
            **{alias: {"N": value} for alias, value in zip((":x", ":y"), values, strict=False)},
        },
        **({"ExpressionAttributeNames": {"#at": "at"}} if condition else {}),
    }
    assert names_of([dynamodb.query(**query)]) == found
    assert names_of([dynamodb.query(**query, ScanIndexForward=False)]) == found[::-1]
    for forward in (True, False):
        pages = list(
            dynamodb.get_paginator("query").paginate(
                **query, ScanIndexForward=forward, PaginationConfig={"PageSize": 2}
            )
        )
        assert names_of(pages) == (found if forward else found[::-1])
        assert all(page["ScannedCount"] <= 2 for page in pages)


def test_strings_begin_with_and_sort_by_bytes(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table(range="name:S")
    words = ["", "Z", "a", "ab", "ab\uffff", "abc", "b", "\U0001f600"]
    for word in words[1:]:
        dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "name": {"S": word}})

    def found(condition: str, **values: str) -> list[str]:
        return names_of(
            [
                dynamodb.query(
                    TableName=table,
                    KeyConditionExpression=f"id = :id{condition}",
                    ExpressionAttributeValues={
                        ":id": {"S": "a"},
                        **{f":{alias}": {"S": value} for alias, value in values.items()},
                    },
                    **({"ExpressionAttributeNames": {"#name": "name"}} if condition else {}),
                )
            ]
        )

    assert found("") == sorted(words[1:], key=str.encode)
    assert found(" AND begins_with(#name, :p)", p="ab") == ["ab", "abc", "ab\uffff"]
    assert found(" AND #name > :p", p="ab") == ["abc", "ab\uffff", "b", "\U0001f600"]


def test_binary_keys_sort_by_bytes_up_to_the_last(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table(range="name:B")
    keys = [b"\x00", b"\x00\xff", b"\x7f", b"\xff", b"\xff" * 1024]
    for name in keys:
        dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "name": {"B": name}})
    found = dynamodb.query(
        TableName=table,
        KeyConditionExpression="id = :id AND begins_with(#name, :p)",
        ExpressionAttributeNames={"#name": "name"},
        ExpressionAttributeValues={":id": {"S": "a"}, ":p": {"B": b"\xff"}},
    )
    assert names_of([found]) == keys[3:]
    assert names_of([dynamodb.scan(TableName=table)]) == keys


def test_filters_projections_and_counts(dynamodb: Any, by_number: str) -> None:
    query: dict[str, Any] = {
        "TableName": by_number,
        "KeyConditionExpression": "id = :id",
        "ExpressionAttributeValues": {":id": {"S": "a"}, ":three": {"S": "3"}},
        "ExpressionAttributeNames": {"#name": "name"},
        "FilterExpression": "#name = :three",
    }
    assert {**dynamodb.query(**query, ProjectionExpression="even"), "ResponseMetadata": 0} == {
        "Items": [{"even": {"BOOL": True}}],
        "Count": 1,
        "ScannedCount": len(NUMBERS),
        "ResponseMetadata": 0,
    }
    counted = dynamodb.query(**query, Select="COUNT", Limit=3)
    assert (counted["Count"], counted["ScannedCount"], "Items" in counted) == (0, 3, False)
    assert counted["LastEvaluatedKey"] == {"id": {"S": "a"}, "at": {"N": "-0.5"}}
    query["FilterExpression"] = "#name = :three AND id = :id"
    assert error_of(dynamodb.query, **query) == (
        "ValidationException",
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: id",
    )
    legacy = dynamodb.query(
        TableName=by_number,
        KeyConditions={
            "id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
            "at": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "0"}]},
        },
        QueryFilter={"name": {"ComparisonOperator": "CONTAINS", "AttributeValueList": [{"S": "0"}]}},
        AttributesToGet=["name"],
    )
    assert names_of([legacy]) == ["0.5", "20", "1E20"]


def test_a_page_ends_at_a_megabyte(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table(range="at:N")
    for number in range(25):
        dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "at": {"N": str(number)}, "v": {"S": "x" * 100_000}})
    pages = list(
        dynamodb.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": {"S": "a"}},
            ReturnConsumedCapacity="TOTAL",
        )
    )
    assert [page["Count"] for page in pages] == [10, 10, 5]
    assert pages[0]["ConsumedCapacity"]["CapacityUnits"] == pytest.approx(10 * 100_000 / 8192, rel=0.01)
    assert [len(page["Items"]) for page in dynamodb.get_paginator("scan").paginate(TableName=table)] == [10, 10, 5]


def test_segments_of_a_scan_are_together_the_table(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table()
    wanted = {str(number) for number in range(60)}
    for number in wanted:
        dynamodb.put_item(TableName=table, Item={"id": {"S": number}})

    def scan(**options: Any) -> Iterator[str]:
        pages = dynamodb.get_paginator("scan").paginate(TableName=table, PaginationConfig={"PageSize": 7}, **options)
        return iter(names_of(pages, "id"))

    assert set(scan()) == wanted
    segments = [set(scan(Segment=segment, TotalSegments=4)) for segment in range(4)]
    assert all(segments)
    assert sum(map(len, segments)) == len(wanted)
    assert set.union(*segments) == wanted
    assert error_of(dynamodb.scan, TableName=table, Segment=4, TotalSegments=4)[1] == (
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 4 is not less "
        "than TotalSegments: 4"
    )


@pytest.fixture
def scores(dynamodb: Any, make_table: MakeTable) -> str:
    """Players by game, with a global index by game and score and a local one by score."""
    table = make_table(
        range="game:S",
        more_attributes=[{"AttributeName": "score", "AttributeType": "N"}],
        GlobalSecondaryIndexes=[
            index("all", ("game", "HASH"), ("score", "RANGE")),
            index("keys", ("game", "HASH"), ("score", "RANGE"), projection={"ProjectionType": "KEYS_ONLY"}),
            index(
                "some",
                ("game", "HASH"),
                projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["colour"]},
            ),
        ],
        LocalSecondaryIndexes=[
            index("own", ("id", "HASH"), ("score", "RANGE"), projection={"ProjectionType": "KEYS_ONLY"})
        ],
    )
    for number, player in enumerate(("ann", "bob", "cid", "dot")):
        for game in ("chess", "go"):
            dynamodb.put_item(
                TableName=table,
                Item={
                    "id": {"S": player},
                    "game": {"S": game},
                    "score": {"N": str(10 * (number % 3))},
                    "colour": {"S": "red"},
                    "note": {"S": "x"},
                },
            )
    dynamodb.put_item(TableName=table, Item={"id": {"S": "eve"}, "game": {"S": "chess"}})
    return table


def chess(index_name: str, table: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "IndexName": index_name,
        "KeyConditionExpression": "game = :game",
        "ExpressionAttributeValues": {":game": {"S": "chess"}},
    }


def test_an_index_holds_the_items_that_have_its_keys_in_its_order(dynamodb: Any, scores: str) -> None:
    found = dynamodb.query(**chess("all", scores))
    assert [item["score"]["N"] for item in found["Items"]] == ["0", "0", "10", "20"]
    assert found["Items"][0].keys() == {"id", "game", "score", "colour", "note"}
    for forward in (True, False):
        pages = dynamodb.get_paginator("query").paginate(
            **chess("all", scores), ScanIndexForward=forward, PaginationConfig={"PageSize": 1}
        )
        players = names_of(pages, "id")
        assert sorted(players) == ["ann", "bob", "cid", "dot"]
        assert players == names_of([found], "id")[:: 1 if forward else -1]
    assert dynamodb.query(**chess("some", scores))["Count"] == 5
    assert sorted(
        names_of(
            dynamodb.get_paginator("scan").paginate(
                TableName=scores, IndexName="all", PaginationConfig={"PageSize": 3}
            ),
            "id",
        )
    ) == sorted(2 * ["ann", "bob", "cid", "dot"])


def test_an_index_shows_what_it_projects(dynamodb: Any, scores: str) -> None:
    assert dynamodb.query(**chess("keys", scores))["Items"][0].keys() == {"id", "game", "score"}
    assert dynamodb.query(**chess("some", scores))["Items"][0].keys() == {"id", "game", "colour"}
    assert error_of(dynamodb.query, **chess("keys", scores), Select="ALL_ATTRIBUTES")[1] == (
        "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary "
        "index keys because its projection type is not ALL"
    )
    assert error_of(dynamodb.query, **chess("keys", scores), ProjectionExpression="note")[1] == (
        "One or more parameter values were invalid: Global secondary index keys does not project [note]"
    )
    assert error_of(dynamodb.query, **chess("keys", scores), ConsistentRead=True)[1] == (
        "Consistent reads are not supported on global secondary indexes"
    )
    own = {
        "TableName": scores,
        "IndexName": "own",
        "KeyConditionExpression": "id = :id AND score >= :zero",
        "ExpressionAttributeValues": {":id": {"S": "ann"}, ":zero": {"N": "0"}},
        "ConsistentRead": True,
    }
    assert dynamodb.query(**own)["Items"][0].keys() == {"id", "game", "score"}
    assert "note" in dynamodb.query(**own, Select="ALL_ATTRIBUTES")["Items"][0]
    assert dynamodb.query(**own, ProjectionExpression="note")["Items"] == 2 * [{"note": {"S": "x"}}]


def test_an_index_follows_every_change_of_its_items(dynamodb: Any, scores: str) -> None:
    ann = {"id": {"S": "ann"}, "game": {"S": "chess"}}

    def players() -> list[str]:
        return names_of([dynamodb.query(**chess("all", scores))], "id")

    dynamodb.update_item(
        TableName=scores, Key=ann, UpdateExpression="SET score = :s", ExpressionAttributeValues={":s": {"N": "99"}}
    )
    assert players() == ["dot", "bob", "cid", "ann"]
    dynamodb.update_item(TableName=scores, Key=ann, UpdateExpression="REMOVE score")
    assert players() == ["dot", "bob", "cid"]
    dynamodb.put_item(TableName=scores, Item={**ann, "score": {"N": "-5"}})
    assert players() == ["ann", "dot", "bob", "cid"]
    dynamodb.delete_item(TableName=scores, Key=ann)
    assert players() == ["dot", "bob", "cid"]
    assert error_of(dynamodb.put_item, TableName=scores, Item={**ann, "score": {"S": "high"}}) == (
        "ValidationException",
        "One or more parameter values were invalid: Type mismatch for Index Key score Expected: N Actual: S "
        "IndexName: own",
    )
    counts = {
        described["IndexName"]: described["ItemCount"]
        for described in dynamodb.describe_table(TableName=scores)["Table"]["GlobalSecondaryIndexes"]
    }
    assert counts == {"all": 7, "keys": 7, "some": 8}


def test_starting_keys_that_cannot_be(dynamodb: Any, by_number: str) -> None:
    query = {
        "TableName": by_number,
        "KeyConditionExpression": "id = :id AND #at > :x",
        "ExpressionAttributeNames": {"#at": "at"},
        "ExpressionAttributeValues": {":id": {"S": "a"}, ":x": {"N": "0"}},
    }

    def refused(key: dict[str, Any]) -> str:
        return error_of(dynamodb.query, **query, ExclusiveStartKey=key)[1]

    assert refused({"id": {"S": "a"}}) == (
        "The provided starting key is invalid: The provided key element does not match the schema"
    )
    assert refused({"id": {"S": "b"}, "at": {"N": "1"}}) == (
        "The provided starting key is outside query boundaries based on provided conditions"
    )
    assert refused({"id": {"S": "a"}, "at": {"N": "-1"}}) == (
        "The provided starting key does not match the range key predicate"
    )
    assert error_of(dynamodb.query, TableName=by_number)[1] == (
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
    )
