"""The pages of queues: peeking, sending, redriving, and what is refused."""

import json
import re
import time
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from tests.console.test_live import connected, received
from tests.console.test_pages import page
from tests.support.threads import in_thread
from tests.support.waiting import wait_for

Aws = Callable[..., Any]


@pytest.fixture
def sqs(aws: Aws) -> Any:
    return aws("sqs")


@pytest.fixture
def orders(sqs: Any) -> str:
    """A queue whose dead-letter queue is ``failed``; the URL."""
    failed = sqs.create_queue(QueueName="failed")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=failed, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    return str(sqs.create_queue(QueueName="orders", Attributes={"RedrivePolicy": policy})["QueueUrl"])


def received_count(sqs: Any, url: str) -> str:
    (message,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"], VisibilityTimeout=0)["Messages"]
    return str(message["Attributes"]["ApproximateReceiveCount"])


def test_the_list_shows_what_is_in_each_queue(browser: Client, sqs: Any, orders: str) -> None:
    sqs.send_message(QueueUrl=orders, MessageBody="one")
    sqs.send_message(QueueUrl=orders, MessageBody="later", DelaySeconds=600)
    text = re.sub(r"\s+", " ", page(browser, "/queues/"))
    assert '<td class="number">1</td> <td class="number">0</td> <td class="number">1</td>' in text
    assert "aws sqs list-queues --max-results 25" in text
    assert "failed" not in page(browser, "/queues/?q=ord")
    assert "No queue&#x27;s name" in page(browser, "/queues/?q=none") or "begins with" in page(browser, "/queues/?q=n")


def test_peeking_receives_nothing(browser: Client, sqs: Any, orders: str) -> None:
    attributes = {"tenant": {"DataType": "String", "StringValue": "ann"}}
    sqs.send_message(QueueUrl=orders, MessageBody="<b>hello</b>", MessageAttributes=attributes)
    for _ in range(3):
        text = page(browser, "/queues/orders/")
    assert "&lt;b&gt;hello&lt;/b&gt;" in text, "what a message says is text, never markup"
    assert "tenant" in text and "ann" in text
    assert received_count(sqs, orders) == "1"


def test_a_message_in_flight_and_a_delayed_one_are_told_apart(browser: Client, sqs: Any, orders: str) -> None:
    sqs.send_message(QueueUrl=orders, MessageBody="first")
    sqs.receive_message(QueueUrl=orders, VisibilityTimeout=600)
    sqs.send_message(QueueUrl=orders, MessageBody="later", DelaySeconds=600)
    text = page(browser, "/queues/orders/")
    assert '<span class="status in-flight">in flight</span>' in text
    assert '<span class="status delayed">delayed</span>' in text


def test_a_message_alone_is_shown_whole(browser: Client, sqs: Any, orders: str) -> None:
    sqs.send_message(QueueUrl=orders, MessageBody="x" * 3000 + "the end")
    text = page(browser, "/queues/orders/")
    assert "the end" not in text
    (link,) = re.findall(r'href="(/queues/orders/messages/\d+)"', text)
    assert "the end" in page(browser, link)
    sqs.purge_queue(QueueUrl=orders)
    assert browser.get(link).status_code == 404


def test_ten_thousand_messages_page_within_150_ms(browser: Client, sqs: Any, orders: str) -> None:
    entries = [{"Id": str(number), "MessageBody": f"message {number}"} for number in range(10)]
    for _ in range(1000):
        sqs.send_message_batch(QueueUrl=orders, Entries=entries)
    page(browser, "/queues/orders/")  # what is loaded once
    took = []
    text = ""
    for _ in range(5):
        began = time.perf_counter()
        text = page(browser, "/queues/orders/")
        took.append(time.perf_counter() - began)
    assert min(took) < 0.15, took
    seen = re.findall(r"/queues/orders/messages/(\d+)", text)
    assert len(seen) == 50
    (following,) = re.findall(r'href="(/queues/orders/\?after=[\d-]+)"', text)
    assert not set(seen) & set(re.findall(r"/queues/orders/messages/(\d+)", page(browser, following)))
    assert "First page" in page(browser, following)


def test_a_message_is_sent_with_attributes_and_delay(browser: Client, sqs: Any, orders: str) -> None:
    typed = {"body": "hello", "attributes": '{"tenant": "ann", "tries": 3}', "delay": "0"}
    answer = browser.post("/queues/orders/send", typed)
    assert answer["location"] == "/queues/orders/?done=sent"
    assert "The message was sent." in page(browser, answer["location"])
    (message,) = sqs.receive_message(QueueUrl=orders, MessageAttributeNames=["All"])["Messages"]
    assert message["MessageAttributes"]["tries"] == {"DataType": "Number", "StringValue": "3"}


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ({"body": "kept", "attributes": "{no"}, "The attributes are no JSON"),
        ({"body": "kept", "attributes": "[1]"}, "The attributes are a JSON object"),
        ({"body": "kept", "attributes": '{"a": {"DataType": 7}}'}, "MessageAttributes"),
        ({"body": "kept", "attributes": '{"a": {"DataType": "Odd", "StringValue": "x"}}'}, "invalid message attribute"),
        ({"body": "kept", "delay": "901"}, "DelaySeconds"),
        ({"body": "kept", "delay": "soon"}, "The delay is a number of seconds"),
    ],
)
def test_a_refused_message_is_kept_with_the_reason(
    browser: Client, orders: str, typed: dict[str, str], reason: str
) -> None:
    answer = browser.post("/queues/orders/send", typed)
    assert answer.status_code == 400
    text = unescape(answer.content.decode())
    assert reason in text
    for value in typed.values():
        assert value in text


def test_a_fifo_queue_takes_a_group_and_a_deduplication_id(browser: Client, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    typed = {"body": "one", "group": "a", "deduplication": "1"}
    assert browser.post("/queues/jobs.fifo/send", typed).status_code == 302
    refused = browser.post("/queues/jobs.fifo/send", {"body": "two", "group": "a"})
    assert "deduplication" in refused.content.decode().lower() and refused.status_code == 400
    text = page(browser, "/queues/jobs.fifo/")
    assert "<dt>group</dt>" in text
    assert received_count(sqs, url) == "1"


def test_a_redrive_moves_dead_letters_back_and_shows_how_far_it_is(browser: Client, sqs: Any, orders: str) -> None:
    sqs.send_message(QueueUrl=orders, MessageBody="unlucky")
    sqs.receive_message(QueueUrl=orders, VisibilityTimeout=0)
    sqs.receive_message(QueueUrl=orders)
    assert "unlucky" in page(browser, "/queues/failed/")
    assert 'The dead-letter queue of <a href="/queues/orders/">orders</a>' in page(browser, "/queues/failed/")
    assert '<a href="/queues/failed/">failed</a>' in page(browser, "/queues/orders/")
    assert browser.post("/queues/failed/redrive", {}).status_code == 302
    wait_for(lambda: "1 of 1" in page(browser, "/queues/failed/"), what="the redrive")
    assert "unlucky" in page(browser, "/queues/orders/")
    refused = browser.post("/queues/orders/redrive", {"destination": "nowhere"})
    assert refused.status_code == 400
    assert "nowhere" in refused.content.decode() or "ResourceNotFoundException" in refused.content.decode()


def test_a_queue_is_purged_and_deleted(browser: Client, sqs: Any, orders: str) -> None:
    sqs.send_message(QueueUrl=orders, MessageBody="one")
    assert browser.post("/queues/orders/purge").status_code == 302
    assert "The queue is empty." in page(browser, "/queues/orders/?done=purged")
    assert "PurgeQueueInProgress" in browser.post("/queues/orders/purge").content.decode()
    assert browser.get("/queues/orders/delete").status_code == 405
    assert browser.post("/queues/orders/delete")["location"] == "/queues/"
    assert browser.get("/queues/orders/").status_code == 404


def test_another_account_sees_and_touches_nothing(gateway: Any, sqs: Any, orders: str) -> None:
    stranger = Client()
    stranger.post("/scope", {"account_id": "999999999999", "region": "us-east-1", "back": "/"})
    assert "orders" not in page(stranger, "/queues/").replace("--queue-name orders", "")
    assert stranger.get("/queues/orders/").status_code == 404
    for action in ("send", "purge", "delete", "redrive"):
        assert stranger.post(f"/queues/orders/{action}", {"body": "x"}).status_code == 404
    assert sqs.get_queue_url(QueueName="orders")


async def test_depths_messages_and_the_plot_change_while_somebody_looks(browser: Client, sqs: Any, orders: str) -> None:
    async with connected("/_simfra/live/queues/orders?after=", browser) as socket:
        assert "The queue is empty." in await received(socket, 'hx-target="#messages"')
        await in_thread(sqs.send_message, QueueUrl=orders, MessageBody="news")
        message = await received(socket, "news")
        assert 'hx-target="#depth-visible" hx-swap="beforeend"' in message
        assert re.search(r'data-points="\[\[[\d.]+,1\]\]"', message)
    async with connected("/_simfra/live/queues", browser) as socket:
        assert 'href="/queues/orders/"' in await received(socket, 'hx-target="#queues"')
