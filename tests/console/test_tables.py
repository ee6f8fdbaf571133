"""The pages of tables: what is there, queries and scans, and an editor that loses and overwrites nothing."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from console.items import NotAnItem, plain_text, read_plain, read_values, read_wire
from tests.console.test_pages import page

Aws = Callable[..., Any]

LAMP = {
    "customer": {"S": "ann"},
    "number": {"N": "7"},
    "price": {"N": "12345678901234567890.123456789"},
    "tags": {"SS": ["home", "sale"]},
    "picture": {"B": b"\x00\xff"},
    "lines": {"L": [{"M": {"sku": {"S": "lamp"}, "sizes": {"NS": ["1", "2.5"]}}}]},
    "status": {"S": "open"},
}


@pytest.fixture
def dynamodb(aws: Aws) -> Any:
    """A client; the table ``orders`` has twelve items of ann's, one of them with everything in it."""
    client = aws("dynamodb")
    client.create_table(
        TableName="orders",
        AttributeDefinitions=[
            {"AttributeName": "customer", "AttributeType": "S"},
            {"AttributeName": "number", "AttributeType": "N"},
            {"AttributeName": "status", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "customer", "KeyType": "HASH"},
            {"AttributeName": "number", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-status",
                "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(12):
        item = {"customer": {"S": "ann"}, "number": {"N": str(number)}, "status": {"S": "done"}}
        client.put_item(TableName="orders", Item=item)
    client.put_item(TableName="orders", Item=LAMP)
    return client


def key(number: int) -> str:
    return f'{{"customer":{{"S":"ann"}},"number":{{"N":"{number}"}}}}'


def editor(browser: Client, number: int, **query: str) -> tuple[str, dict[str, str]]:
    """The editor's page, and its form as a browser would post it."""
    text = page(browser, f"/tables/orders/item?{urlencode({'key': key(number), **query})}")
    (written,) = re.findall(r"<textarea[^>]*>(.*?)</textarea>", text, re.DOTALL)
    (before,) = set(re.findall(r'name="before" value="([^"]*)"', text))
    (form,) = re.findall(r'name="format" value="(\w+)"', text)
    return text, {"text": unescape(written), "before": unescape(before), "format": form}


def read(client: Any, number: int) -> dict[str, Any]:
    wanted = {"customer": {"S": "ann"}, "number": {"N": str(number)}}
    return dict(client.get_item(TableName="orders", Key=wanted)["Item"])


def test_tables_are_listed_with_keys_and_described(browser: Client, dynamodb: Any) -> None:
    assert "aws dynamodb list-tables --limit 25" in page(browser, "/tables/")
    assert "customer, number" in page(browser, "/tables/")
    text = page(browser, "/tables/orders/")
    assert "by-status" in text
    assert "on demand" in text
    assert "aws dynamodb describe-table --table-name orders" in text


def test_an_account_without_tables_is_told_how_to_make_one(browser: Client) -> None:
    assert "aws dynamodb create-table" in page(browser, "/tables/")


def test_a_scan_filters_by_plain_and_typed_values(browser: Client, dynamodb: Any) -> None:
    query = {"filter": "#status = :open AND #n > :few", "names": '{"#status": "status", "#n": "number"}'}
    query["values"] = '{":open": "open", ":few": {"N": "3"}}'
    text = unescape(page(browser, f"/tables/orders/?{urlencode(query)}"))
    assert "1 item of 13 read" in text or "1 item of 12 read" in text
    assert "capacity units" in text
    assert "--filter-expression '#status = :open AND #n > :few'" in text
    assert query["values"] in text


def test_a_query_chooses_index_condition_and_order(browser: Client, dynamodb: Any) -> None:
    query = {"mode": "query", "hash": "ann", "operator": "between", "sort": "3", "until": "5", "order": "backward"}
    text = unescape(page(browser, f"/tables/orders/?{urlencode(query)}"))
    assert "3 items of 3 read" in text
    assert "aws dynamodb query --table-name orders" in text
    assert re.findall(r'<td class="code">(\d+)</td>', text) == ["5", "4", "3"]
    by_status = {"mode": "query", "index": "by-status", "hash": "open"}
    text = unescape(page(browser, f"/tables/orders/?{urlencode(by_status)}"))
    assert "1 item of 1 read" in text
    assert "--index-name by-status" in text


def test_items_page(browser: Client, dynamodb: Any) -> None:
    text = page(browser, "/tables/orders/?limit=5&mode=query&hash=ann")
    (following,) = re.findall(r'href="(\?[^"]*start=[^"]*)" rel="next"', text)
    second = page(browser, "/tables/orders/" + unescape(following))
    assert re.findall(r'<td class="code">(\d+)</td>', second) == ["5", "6", "7", "8", "9"] or "First page" in second
    assert "First page" in second


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"filter": "a ==", "values": "{}"}, "ValidationException: Invalid FilterExpression"),
        ({"filter": "a = :b", "values": "{no"}, "This is no JSON"),
        ({"filter": "a = :b", "values": "{}"}, "ValidationException"),
        ({"filter": "#a = :b", "names": "[1]", "values": '{":b": 1}'}, "The names are a JSON object"),
        ({"mode": "query", "hash": ""}, "ValidationException"),
        ({"mode": "query", "hash": "ann", "sort": "x"}, "ValidationException"),
        ({"start": "[]"}, "This is no JSON object"),
        ({"filter": "a = :b", "values": '{":b": {"N": {}}}'}, "of another type"),
    ],
)
def test_a_refused_search_keeps_what_was_typed(
    browser: Client, dynamodb: Any, query: dict[str, str], reason: str
) -> None:
    text = unescape(page(browser, f"/tables/orders/?{urlencode(query)}"))
    assert reason in text
    for name in ("filter", "values", "names", "hash"):
        assert query.get(name, "") in text


def test_an_item_saved_as_it_was_shown_changes_nothing(browser: Client, dynamodb: Any) -> None:
    for form in ("plain", "dynamodb"):
        _, posted = editor(browser, 7, format=form)
        answer = browser.post("/tables/orders/item", posted)
        assert "done=same" in answer["location"]
        assert read(dynamodb, 7) == LAMP


def test_a_plain_edit_keeps_every_type(browser: Client, dynamodb: Any) -> None:
    _, posted = editor(browser, 7)
    assert "12345678901234567890.123456789" in posted["text"], "numbers to the last digit"
    posted["text"] = posted["text"].replace('"sale"', '"new"').replace('"open"', '"paid"').replace("2.5", "3")
    answer = browser.post("/tables/orders/item", posted)
    assert answer.status_code == 302, answer.content.decode()
    changed = read(dynamodb, 7)
    assert sorted(changed["tags"]["SS"]) == ["home", "new"]
    assert changed["status"] == {"S": "paid"}
    assert changed["lines"]["L"][0]["M"]["sizes"] == {"NS": ["1", "3"]}
    assert changed["picture"] == {"B": b"\x00\xff"}
    assert "The item was saved." in page(browser, answer["location"])


def test_nothing_is_overwritten_unseen_and_nothing_typed_is_lost(browser: Client, dynamodb: Any) -> None:
    _, posted = editor(browser, 7)
    posted["text"] = posted["text"].replace('"open"', '"mine"')
    wanted = {"customer": {"S": "ann"}, "number": {"N": "7"}}
    dynamodb.update_item(
        TableName="orders",
        Key=wanted,
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "theirs"}},
    )
    answer = browser.post("/tables/orders/item", posted)
    text = unescape(answer.content.decode())
    assert answer.status_code == 400
    assert "Somebody changed" in text and "ConditionalCheckFailedException" in text
    assert '"theirs"' in text, "what it is now is shown"
    assert '"mine"' in text, "what was typed is kept"
    assert read(dynamodb, 7)["status"] == {"S": "theirs"}
    (now,) = re.findall(r'<button name="before" value="([^"]*)"', answer.content.decode())
    assert browser.post("/tables/orders/item", {**posted, "before": unescape(now)}).status_code == 302
    assert read(dynamodb, 7)["status"] == {"S": "mine"}


def test_what_others_added_meanwhile_stays(browser: Client, dynamodb: Any) -> None:
    _, posted = editor(browser, 7)
    posted["text"] = posted["text"].replace('"open"', '"mine"')
    dynamodb.update_item(
        TableName="orders",
        Key={"customer": {"S": "ann"}, "number": {"N": "7"}},
        UpdateExpression="SET added = :s",
        ExpressionAttributeValues={":s": {"S": "theirs"}},
    )
    assert browser.post("/tables/orders/item", posted).status_code == 302
    assert read(dynamodb, 7)["added"] == {"S": "theirs"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{broken", "This is no JSON"),
        ('{"customer": "bob", "number": 7}', "key cannot change"),
        ('{"customer": "ann", "number": 7, "tags": []}', "may not contain an empty set"),
        ('{"customer": "ann", "number": 7, "picture": "no base64!"}', "written in base64"),
        ('{"customer": "ann", "number": 7, "price": 1e999}', "Number overflow"),
    ],
)
def test_a_refused_edit_is_kept_with_the_reason(browser: Client, dynamodb: Any, text: str, reason: str) -> None:
    _, posted = editor(browser, 7)
    answer = browser.post("/tables/orders/item", {**posted, "text": text})
    assert answer.status_code == 400
    shown = unescape(answer.content.decode())
    assert reason in shown
    assert text in shown
    assert read(dynamodb, 7) == LAMP


def test_an_item_is_created_once_and_deleted_as_it_was_shown(browser: Client, dynamodb: Any) -> None:
    written = '{"customer": "ann", "number": 99, "note": "new"}'
    assert '"customer": ""' in unescape(page(browser, "/tables/orders/new"))
    assert browser.post("/tables/orders/new", {"text": written, "format": "plain"}).status_code == 302
    again = browser.post("/tables/orders/new", {"text": written, "format": "plain"})
    assert again.status_code == 400
    assert "There is an item of this key already." in again.content.decode()
    assert written in unescape(again.content.decode())
    _, posted = editor(browser, 99)
    dynamodb.put_item(TableName="orders", Item={"customer": {"S": "ann"}, "number": {"N": "99"}})
    refused = browser.post("/tables/orders/delete-item", posted)
    assert refused.status_code == 400
    assert "no longer what was shown" in refused.content.decode()
    _, posted = editor(browser, 99)
    assert "done=deleted" in browser.post("/tables/orders/delete-item", posted)["location"]
    assert browser.get(f"/tables/orders/item?{urlencode({'key': key(99)})}").status_code == 404


def test_partiql_runs_and_refuses_in_dynamodbs_words(browser: Client, dynamodb: Any) -> None:
    statement = "SELECT status FROM orders WHERE customer = 'ann' AND number = 7"
    text = unescape(browser.post("/partiql/", {"statement": statement}).content.decode())
    assert "open" in text and "capacity units" in text
    assert "aws dynamodb execute-statement --statement" in text
    refused = browser.post("/partiql/", {"statement": "SELEKT"})
    assert refused.status_code == 400
    assert "ValidationException" in refused.content.decode() and "SELEKT" in refused.content.decode()


def test_another_account_sees_no_table_and_no_item(gateway: Any, dynamodb: Any) -> None:
    stranger = Client()
    stranger.post("/scope", {"account_id": "999999999999", "region": "us-east-1", "back": "/"})
    assert "/tables/orders/" not in page(stranger, "/tables/")
    for path in ("/tables/orders/", "/tables/orders/new", f"/tables/orders/item?{urlencode({'key': key(7)})}"):
        assert stranger.get(path).status_code == 404
    assert (
        "ResourceNotFoundException"
        in stranger.post("/partiql/", {"statement": "SELECT * FROM orders"}).content.decode()
    )


def test_plain_json_keeps_types_where_they_fit_and_takes_natural_ones_else() -> None:
    like: Any = {"a": {"SS": ["x"]}, "b": {"NS": ["1"]}, "c": {"B": "AA=="}, "d": {"L": [{"BS": ["AA=="]}]}}
    text = '{"a": ["y", "z"], "b": [2], "c": "AQ==", "d": [["AQ=="], "new"], "e": {"f": [1, null, true]}}'
    assert read_plain(text, like) == {
        "a": {"SS": ["y", "z"]},
        "b": {"NS": ["2"]},
        "c": {"B": "AQ=="},
        "d": {"L": [{"BS": ["AQ=="]}, {"S": "new"}]},
        "e": {"M": {"f": {"L": [{"N": "1"}, {"NULL": True}, {"BOOL": True}]}}},
    }
    assert read_plain('{"a": "text", "b": ["x"]}', {"a": {"N": "1"}, "b": {"NS": ["1"]}}) == {
        "a": {"S": "text"},
        "b": {"L": [{"S": "x"}]},
    }
    number = "0.12345678901234567890123456789012345678"
    assert read_plain(plain_text({"n": {"N": number}})) == {"n": {"N": number}}
    assert read_values('{":a": {"N": "1"}, ":b": {"x": 1}}')[":b"] == {"M": {"x": {"N": "1"}}}
    wrongs = ['{"a": {"Q": "x"}}', '{"a": {"NULL": false}}', '{"a": {"N": "x"}}', '{"a": {"SS": [1]}}', "[]", "NaN"]
    for wrong in wrongs:
        with pytest.raises(NotAnItem):
            read_wire(wrong)
