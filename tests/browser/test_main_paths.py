"""What people come for, page by page, as they do it: with mouse, keyboard and eyes."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import WebSocketRoute, expect

from simfra.testing import Simfra
from tests.browser.looking import Tab
from tests.browser.product import FAMILY, LOG_GROUP, PASSWORD, QUEUE, SECRET, TABLE, Shop
from tests.end_to_end.stack import Stack
from tests.support.waiting import wait_for

#: What a server says that comes back at once.
RESTARTING = 1012
APP = [{"name": "app", "image": "busybox", "memory": 16}]


def test_a_task_definition_is_registered_by_a_form(tab: Tab, shop: Shop) -> None:
    page = tab.open("/task-definitions/register")
    page.get_by_label("Family").fill("by-form")
    page.get_by_label("Launch type").select_option("EC2")
    page.get_by_label("Image").fill("busybox")
    page.get_by_label("Environment, NAME=value, one a line").fill("COLOR=red\nSIZE=large")
    tab.submit("Register")
    expect(page.get_by_role("heading", level=1)).to_contain_text("by-form:1")
    container = shop.aws("ecs").describe_task_definition(taskDefinition="by-form")["taskDefinition"]
    assert {"name": "COLOR", "value": "red"} in container["containerDefinitions"][0]["environment"]


def test_a_task_definition_is_registered_as_json_and_a_fault_in_it_is_told(tab: Tab, shop: Shop) -> None:
    page = tab.open("/task-definitions/register")
    page.get_by_role("link", name="JSON").click()
    wanted = {"family": "as-json", "containerDefinitions": APP}
    page.locator("#json").fill(json.dumps({**wanted, "family": "no spaces"}))
    with page.expect_response(lambda answer: answer.request.method == "POST") as answer:
        page.get_by_role("button", name="Register", exact=True).click()
    assert answer.value.status == 400
    expect(page.get_by_role("alert")).to_contain_text("ClientException")
    tab.faults.clear()  # Chromium writes of every 400 in its console
    page.locator("#json").fill(json.dumps(wanted))
    tab.submit("Register")
    expect(page.get_by_role("heading", level=1)).to_contain_text("as-json:1")


def test_the_difference_of_two_revisions_is_read(tab: Tab) -> None:
    page = tab.open(f"/task-definitions/{FAMILY}/2/")
    expect(page.locator(".diff .added").first).to_be_visible()
    expect(page.locator(".diff")).to_contain_text("echo tick")


def test_a_task_is_run_and_its_page_lives(tab: Tab, shop: Shop) -> None:
    page = tab.open(f"/task-definitions/{FAMILY}/2/")
    page.get_by_role("link", name="Run this task").click()
    expect(page.get_by_label("Task definition")).to_have_value(f"{FAMILY}:2")
    tab.submit("Run")
    expect(page).to_have_url(re.compile(r"/clusters/default/tasks/\w+/"))
    status = page.locator("#summary .status").first
    expect(status).to_have_text("RUNNING" if shop.has_docker else "STOPPED", timeout=60_000)
    if shop.has_docker:
        expect(page.locator("#log-app")).to_contain_text("tick", timeout=60_000)
        page.get_by_role("button", name="Stop", exact=True).click()
        tab.submit("Stop task")
        expect(page.locator("#summary .status").first).to_have_text("STOPPED", timeout=60_000)
    assert PASSWORD not in page.content()


def test_why_a_task_failed_is_on_the_front_page_and_on_its_own(tab: Tab, shop: Shop) -> None:
    page = tab.open("/")
    page.locator("#failed").get_by_role("link", name=re.compile(shop.failed_task_id[:8])).first.click()
    expect(page.locator("#why")).to_contain_text("What to do next")


def test_a_message_is_sent_and_seen_without_receiving_it(tab: Tab, shop: Shop) -> None:
    page = tab.open("/queues/orders-dead/")
    page.get_by_label("Body").fill('{"order": "by hand"}')
    tab.submit("Send")
    expect(page.locator("main")).to_contain_text("The message was sent.")
    expect(page.locator("#messages")).to_contain_text("by hand")
    attributes = shop.aws("sqs").get_queue_attributes(QueueUrl=_queue_url(shop, "orders-dead"), AttributeNames=["All"])
    assert int(attributes["Attributes"]["ApproximateNumberOfMessages"]) == 2
    assert attributes["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_a_queue_fills_before_ones_eyes_and_pages(tab: Tab, shop: Shop) -> None:
    page = tab.open(f"/queues/{QUEUE}/")
    expect(page.locator("#depths")).to_contain_text("60")
    shop.aws("sqs").send_message(QueueUrl=_queue_url(shop, QUEUE), MessageBody="one more")
    expect(page.locator("#depths")).to_contain_text("61")
    page.locator("#messages").get_by_role("link", name="Next").click()
    expect(page.locator("#messages")).to_contain_text("one more")


def test_items_are_queried_and_edited(tab: Tab, shop: Shop) -> None:
    page = tab.open(f"/tables/{TABLE}/")
    page.get_by_label("Read by").select_option("query")
    page.get_by_label("Partition key").fill("customer-1")
    tab.submit("Read")
    rows = page.get_by_role("region", name="Items").locator("tbody tr")
    expect(rows).to_have_count(10)
    rows.first.get_by_role("link").first.click()
    editor = page.locator("textarea").first
    item = json.loads(editor.input_value())
    editor.fill(json.dumps({**item, "note": "edited"}))
    tab.submit("Save")
    key = {name: {"S": item[name]} for name in ("customer", "order")}
    assert shop.aws("dynamodb").get_item(TableName=TABLE, Key=key)["Item"]["note"] == {"S": "edited"}


@pytest.mark.parametrize("path", [f"/secrets/of/{SECRET}", "/parameters/one?name=/shop/token"])
def test_a_secret_is_masked_until_it_is_asked_for(tab: Tab, path: str) -> None:
    page = tab.open(path)
    assert PASSWORD not in page.content()
    with page.expect_navigation():
        page.get_by_role("button", name=re.compile("^Show")).first.click()
    assert PASSWORD in page.content()


def test_everything_is_found_from_the_keyboard(tab: Tab) -> None:
    page = tab.open("/")
    page.keyboard.press("/")
    page.keyboard.type("shop database")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text(SECRET)
    page.get_by_role("link", name=SECRET).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(SECRET)
    page.get_by_role("button", name=re.compile("arn:aws:secretsmanager")).first.click()
    assert page.evaluate("navigator.clipboard.readText()").startswith("arn:aws:secretsmanager")


def test_what_reaches_what_is_a_click_away(tab: Tab) -> None:
    page = tab.open("/network/")
    things = page.locator("#map [data-end]")
    expect(things.first).to_be_visible()
    things.first.click()
    things.last.click()
    expect(page.locator("#answer")).not_to_be_empty()


def test_a_line_that_is_logged_arrives_in_the_tail(tab: Tab, shop: Shop) -> None:
    page = tab.open(f"/logs/tail?name={LOG_GROUP}")
    expect(page.locator("#tail")).to_contain_text("GET /orders/99 200")
    now_ms = int(page.evaluate("Date.now()"))
    line = [{"timestamp": now_ms, "message": "a line as it comes"}]
    shop.aws("logs").put_log_events(logGroupName=LOG_GROUP, logStreamName="app/one", logEvents=line)
    expect(page.locator("#tail")).to_contain_text("a line as it comes")


def test_a_request_is_watched_filtered_and_made_again(tab: Tab, shop: Shop) -> None:
    page = tab.open("/requests/?operation=ListQueues")
    expect(page.locator("#requests")).not_to_contain_text("ListQueues")
    shop.aws("sqs").list_queues()
    expect(page.locator("#requests tbody tr")).to_have_count(1)
    page.locator("#requests").get_by_role("link").first.click()
    expect(page.locator("main")).to_contain_text("aws sqs list-queues")


def test_another_account_and_region_are_a_form_away(tab: Tab, product: Stack) -> None:
    other = Simfra(product.endpoint).create_account(alias="other")
    page = tab.open("/queues/")
    names = page.locator("#queues tbody td:first-child")
    expect(names).to_have_text([QUEUE, "orders-dead"])
    page.get_by_label("Region").fill("eu-west-1")
    tab.submit("Switch")
    expect(names).to_have_count(0)
    other.client("sqs").create_queue(QueueName="theirs")
    page.get_by_label("Account").fill(other.id)
    page.get_by_label("Region").fill("us-east-1")
    tab.submit("Switch")
    expect(names).to_have_text(["theirs"])


@pytest.mark.parametrize(
    ("path", "call", "asked"),
    [
        ("/parameters/?path=/shop", "ssm.put_parameter", {"Name": "/shop/newcomer", "Value": "x", "Type": "String"}),
        ("/secrets/", "secretsmanager.create_secret", {"Name": "newcomer", "SecretString": "x"}),
        ("/iam/users/", "iam.create_user", {"UserName": "newcomer"}),
        ("/resources/logs/log-groups/", "logs.create_log_group", {"logGroupName": "newcomer"}),
        ("/task-definitions/", "ecs.register_task_definition", {"family": "newcomer", "containerDefinitions": APP}),
    ],
)
def test_lists_show_what_comes(tab: Tab, shop: Shop, path: str, call: str, asked: dict[str, Any]) -> None:
    page = tab.open(path)
    expect(page.locator("#live tbody tr").first).to_be_visible()
    expect(page.locator("#live")).not_to_contain_text("newcomer")
    service, _, operation = call.partition(".")
    getattr(shop.aws(service), operation)(**asked)
    expect(page.locator("#live")).to_contain_text("newcomer")


def test_a_list_keeps_its_filter_and_catches_up_after_its_connection_broke(tab: Tab, shop: Shop) -> None:
    connections: list[WebSocketRoute] = []

    def join(connection: WebSocketRoute) -> None:
        connection.connect_to_server()
        connections.append(connection)

    tab.page.route_web_socket("**/_simfra/live/**", join)
    page = tab.open("/secrets/?q=shop/")
    names = page.locator("#live tbody td:first-child")
    expect(names).to_have_text([SECRET])
    wait_for(lambda: page.wait_for_timeout(20) or connections, what="the page's connection")
    connections[0].close(code=RESTARTING)
    for name in ("not-the-shops", "shop/second"):
        shop.aws("secretsmanager").create_secret(Name=name, SecretString="x")
    expect(names).to_have_text([SECRET, "shop/second"], timeout=20_000)
    assert len(connections) == 2


def _queue_url(shop: Shop, name: str) -> str:
    return str(shop.aws("sqs").get_queue_url(QueueName=name)["QueueUrl"])
