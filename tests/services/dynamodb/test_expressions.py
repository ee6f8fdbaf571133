"""The expression language by itself: what parses to what, what is refused how, and what an item becomes."""

from typing import Any

import pytest

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.expressions.bind import Bindings
from aws_api.services.dynamodb.expressions.evaluate import meets
from aws_api.services.dynamodb.expressions.key_condition import key_interval
from aws_api.services.dynamodb.expressions.parse import (
    InvalidExpression,
    parse_condition,
    parse_projection,
    parse_update,
)
from aws_api.services.dynamodb.expressions.paths import project
from aws_api.services.dynamodb.expressions.update import apply_update
from aws_api.services.dynamodb.schema import KeySchema

ITEM: dict[str, Any] = {
    "id": {"S": "one"},
    "count": {"N": "10"},
    "words": {"SS": ["a", "b"]},
    "data": {"B": b"\x01\x02"},
    "flag": {"BOOL": True},
    "list": {"L": [{"N": "0"}, {"S": "x"}, {"M": {"deep": {"N": "1"}}}]},
    "map": {"M": {"part": {"S": "text"}, "dotted.name": {"N": "3"}}},
    "nothing": {"NULL": True},
}
NAMES = {"#count": "count", "#list": "list", "#map": "map", "#data": "data", "#dotted": "dotted.name"}
VALUES = {
    ":ten": {"N": "10.0"},
    ":nine": {"N": "9"},
    ":one": {"S": "one"},
    ":on": {"S": "on"},
    ":x": {"S": "x"},
    ":a": {"S": "a"},
    ":type": {"S": "SS"},
    ":words": {"SS": ["b", "a"]},
    ":bytes": {"B": b"\x02"},
    ":map": {"M": {"dotted.name": {"N": "3"}, "part": {"S": "text"}}},
    ":list": {"L": [{"S": "y"}]},
}


def bindings(expression: str, kind: str) -> Bindings:
    used = {
        member: {alias: value for alias, value in known.items() if alias in expression}
        for member, known in (("ExpressionAttributeNames", NAMES), ("ExpressionAttributeValues", VALUES))
    }
    return Bindings({kind: expression, **{member: found for member, found in used.items() if found}}, kind)


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        ("#count = :ten", True),
        ("#count <> :ten", False),
        ("absent <> :ten", True),
        ("absent = :ten", False),
        ("NOT absent = :ten", True),
        ("#count > :nine", True),
        ("#count < :nine", False),
        ("id > :nine", False),
        ("id >= :on AND id <= :one", True),
        ("#count BETWEEN :nine AND :ten", True),
        ("#count between :nine and :ten and id = :x", False),
        ("id IN (:x, :one)", True),
        ("id in (:x)", False),
        ("attribute_exists(#map.part)", True),
        ("attribute_exists(#map.absent)", False),
        ("attribute_not_exists(#list[3])", True),
        ("attribute_type(words, :type)", True),
        ("begins_with(id, :on)", True),
        ("begins_with(#count, :on)", False),
        ("contains(id, :on)", True),
        ("contains(words, :a)", True),
        ("contains(#list, :x)", True),
        ("contains(#data, :bytes)", True),
        ("words = :words", True),
        ("#map = :map", True),
        ("#list[2].deep < #count", True),
        ("size(words) < :nine AND size(#list) < :nine AND size(id) < :nine", True),
        ("size(#count) < :nine", False),
        ("#map.#dotted < :nine", True),
        ("(id = :x OR id = :one) AND NOT (#count = :nine)", True),
        ("id = :x OR id = :one AND #count = :nine", False),
    ],
)
def test_conditions(condition: str, outcome: bool) -> None:
    bound = bindings(condition, "ConditionExpression").condition("ConditionExpression", condition)
    assert bound is not None
    assert meets(ITEM, bound) is outcome


@pytest.mark.parametrize(
    ("update", "changed"),
    [
        ("SET id = :x", {"id": {"S": "x"}}),
        ("SET #count = #count + :nine", {"count": {"N": "19"}}),
        ("SET #count = #count - :ten", {"count": {"N": "0"}}),
        ("SET #count = if_not_exists(absent, :nine)", {"count": {"N": "9"}}),
        ("SET absent = if_not_exists(absent, :nine) + :ten", {"absent": {"N": "19"}}),
        ("SET #map.part = :x", {"map": {"M": {"part": {"S": "x"}, "dotted.name": {"N": "3"}}}}),
        ("SET #list[1] = :one", {"list": {"L": [{"N": "0"}, {"S": "one"}, {"M": {"deep": {"N": "1"}}}]}}),
        (
            "SET #list[9] = :x, #list[7] = :one",
            {"list": {"L": [*ITEM["list"]["L"], {"S": "one"}, {"S": "x"}]}},
        ),
        ("SET #list = list_append(:list, #list)", {"list": {"L": [{"S": "y"}, *ITEM["list"]["L"]]}}),
        ("REMOVE flag, #list[0], #list[1]", {"flag": None, "list": {"L": [{"M": {"deep": {"N": "1"}}}]}}),
        ("REMOVE absent, #list[17]", {}),
        ("ADD #count :nine, fresh :nine", {"count": {"N": "19"}, "fresh": {"N": "9"}}),
        ("ADD words :words, more :words", {"more": {"SS": ["b", "a"]}}),
        ("DELETE words :words", {"words": None}),
        ("DELETE absent :words", {}),
        (
            "SET id = #map.part, #map.part = id",
            {
                "id": {"S": "text"},
                "map": {"M": {"part": {"S": "one"}, "dotted.name": {"N": "3"}}},
            },
        ),
    ],
)
def test_updates(update: str, changed: dict[str, Any]) -> None:
    before = repr(ITEM)
    after = apply_update(bindings(update, "UpdateExpression").update(update), ITEM)
    expected = {**ITEM, **changed}
    assert after == {name: value for name, value in expected.items() if value is not None}
    assert repr(ITEM) == before


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ("SET absent.part = :x", "The document path provided in the update expression is invalid for update"),
        ("SET id[0] = :x", "The document path provided in the update expression is invalid for update"),
        ("REMOVE absent.part", "The document path provided in the update expression is invalid for update"),
        ("SET a = absent", "The provided expression refers to an attribute that does not exist in the item"),
        ("SET a = id + :nine", "An operand in the update expression has an incorrect data type"),
        ("ADD id :nine", "An operand in the update expression has an incorrect data type"),
        (
            "SET #map = :x, #map.part = :x",
            "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of "
            "these paths; path one: [map], path two: [map, part]",
        ),
        (
            "SET #list[0] = :x REMOVE #list.a",
            "Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite one of "
            "these paths; path one: [list, [0]], path two: [list, a]",
        ),
        (
            "ADD id :x",
            "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, "
            "operand type: STRING",
        ),
        (
            "SET a = :undefined",
            "Invalid UpdateExpression: An expression attribute value used in expression is not defined; "
            "attribute value: :undefined",
        ),
        (
            "SET #undefined = :x",
            "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; "
            "attribute name: #undefined",
        ),
    ],
)
def test_updates_that_cannot_be(update: str, message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        apply_update(bindings(update, "UpdateExpression").update(update), ITEM)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_condition, " ", "The expression can not be empty;"),
        (parse_condition, "a", 'Syntax error; token: "<EOF>", near: "a"'),
        (parse_condition, "a = ", 'Syntax error; token: "<EOF>", near: "="'),
        (parse_condition, "_a = :x", 'Syntax error; token: "_", near: "_a"'),
        (parse_condition, "a = :x b = :y", 'Syntax error; token: "b", near: ":x b ="'),
        (parse_condition, "((a = :x))", "The expression has redundant parentheses;"),
        (parse_condition, "status = :x", "Attribute name is a reserved keyword; reserved keyword: status"),
        (parse_condition, "matches(a, :x)", "Invalid function name; function: matches"),
        (
            parse_condition,
            "size(a)",
            "The function is not allowed to be used this way in an expression; function: size",
        ),
        (
            parse_condition,
            "attribute_exists(:x)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            parse_condition,
            "contains(a)",
            "Incorrect number of operands for operator or function; operator or function: contains, "
            "number of operands: 1",
        ),
        (parse_update, "SET", 'Syntax error; token: "<EOF>", near: "SET"'),
        (parse_update, "SET a = , :b", 'Syntax error; token: ",", near: "= , :b"'),
        (parse_update, "SET #, = :x", 'Syntax error; token: "#", near: "SET #,"'),
        (
            parse_update,
            "SET a = :a SET b = :b",
            'The "SET" section can only be used once in an update expression;',
        ),
        (parse_projection, "a, , b", 'Syntax error; token: ",", near: ", , b"'),
        (
            parse_projection,
            "a" * 4097,
            "Expression size has exceeded the maximum allowed size; expression size: 4097",
        ),
    ],
)
def test_what_does_not_parse_is_worded_as_dynamodb_words_it(parse: Any, text: str, message: str) -> None:
    with pytest.raises(InvalidExpression) as refused:
        parse(text)
    assert str(refused.value) == message


def test_deep_expressions_are_refused_and_do_not_exhaust_the_stack() -> None:
    with pytest.raises(InvalidExpression, match="too many operators"):
        parse_condition("NOT " * 900 + "a = :x")
    with pytest.raises(InvalidExpression):
        parse_condition("(" * 2000 + "a = :x" + ")" * 2000)


def test_what_is_defined_and_not_used_is_refused() -> None:
    unused = Bindings(
        {"ConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": {"S": "a"}, ":b": {"S": "b"}}},
        "ConditionExpression",
    )
    unused.condition("ConditionExpression", "a = :a")
    with pytest.raises(ValidationException) as refused:
        unused.check_all_used()
    assert refused.value.message == ("Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}")


def test_a_projection_keeps_the_maps_and_lists_around_what_it_names() -> None:
    expression = "id, #map.part, #list[2].deep, #list[0], absent"
    paths = bindings(expression, "ProjectionExpression").projection(expression)
    assert paths is not None
    assert project(ITEM, paths) == {
        "id": {"S": "one"},
        "map": {"M": {"part": {"S": "text"}}},
        "list": {"L": [{"N": "0"}, {"M": {"deep": {"N": "1"}}}]},
    }


KEYS = KeySchema(hash_name="id", hash_type="S", range_name="moment", range_type="N")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("moment = :nine", "Query condition missed key schema element: id"),
        ("id > :one", "Query key condition not supported"),
        (
            "id = :one OR moment = :nine",
            "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: OR",
        ),
        (
            "id = :one AND moment > :nine AND moment < :ten",
            "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key",
        ),
        ("id = :one AND another = :x", "Query condition missed key schema element: moment"),
        (
            "id = :one AND moment = :x",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
    ],
)
def test_key_conditions_that_cannot_be(condition: str, message: str) -> None:
    bound = bindings(condition, "KeyConditionExpression").condition("KeyConditionExpression", condition)
    assert bound is not None
    with pytest.raises(ValidationException) as refused:
        key_interval(bound, KEYS)
    assert refused.value.message == message
