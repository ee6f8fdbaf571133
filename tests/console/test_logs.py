"""Logs: groups, streams, search and the live tail."""

import re
import time
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.console.test_live import connected, received
from tests.console.test_pages import page
from tests.support.threads import in_thread

Aws = Callable[..., Any]
Put = Callable[..., None]


@pytest.fixture
def put(aws: Aws) -> Put:
    """``put("web/1", "one", "two")``: events of a stream of the group ``/shop``."""
    logs = aws("logs")
    logs.create_log_group(logGroupName="/shop")
    for stream in ("web/1", "web/2", "db"):
        logs.create_log_stream(logGroupName="/shop", logStreamName=stream)

    def put_events(stream: str, *messages: str, ago_s: int = 0) -> None:
        now = int(time.time() * 1000) - ago_s * 1000
        events = [{"timestamp": now, "message": message} for message in messages]
        logs.put_log_events(logGroupName="/shop", logStreamName=stream, logEvents=events)

    return put_events


def search(browser: Client, **query: str) -> str:
    return unescape(page(browser, f"/logs/group?{urlencode({'name': '/shop', **query})}"))


def test_groups_and_streams_are_listed(browser: Client, put: Put) -> None:
    assert "aws logs create-log-group" not in page(browser, "/logs/")
    assert "/logs/group?name=/shop" in page(browser, "/logs/?q=sho")
    assert "No group" in page(browser, "/logs/?q=other")
    put("web/1", "hello")
    assert "web/1" in search(browser)
    assert browser.get("/logs/group?name=/sho").status_code == 404


def test_a_search_filters_by_pattern_stream_and_time(browser: Client, put: Put) -> None:
    put("web/1", "ERROR <b>one</b>", "all is well")
    put("web/2", "ERROR two")
    put("db", "ERROR old", ago_s=7200)
    text = search(browser, pattern="ERROR")
    assert "<b>one</b>" in text and "ERROR two" in text
    assert "all is well" not in text and "ERROR old" not in text
    assert "&lt;b&gt;one" in page(browser, "/logs/group?name=/shop&pattern=ERROR"), "text, never markup"
    assert "--filter-pattern ERROR" in text
    assert "ERROR old" in search(browser, pattern="ERROR", range="all", stream="db")
    assert "ERROR two" not in search(browser, pattern="ERROR", stream="web/1")
    assert "Nothing matches" in search(browser, to="2001-01-01T00:00", range="all")


@pytest.mark.parametrize(
    ("query", "reason"),
    [({"pattern": "{ $.a = "}, "InvalidParameterException: Invalid filter pattern"), ({"from": "soon"}, "is no time")],
)
def test_a_refused_search_keeps_what_was_typed(browser: Client, put: Put, query: dict[str, str], reason: str) -> None:
    text = search(browser, **query)
    assert reason in text
    assert next(iter(query.values())) in text


def test_a_search_and_a_stream_page(browser: Client, put: Put) -> None:
    put("web/1", *[f"line {number:03}" for number in range(150)])
    first = search(browser)
    assert "line 099" in first and "line 100" not in first
    (following,) = re.findall(r'href="(\?[^"]*marker=[^"]*)" rel="next"', first)
    assert "line 149" in page(browser, "/logs/group" + following)
    latest = unescape(page(browser, "/logs/stream?name=/shop&stream=web/1"))
    assert "line 149" in latest and "line 049" not in latest
    (older,) = re.findall(r'href="(\?[^"]*marker=[^"]*)" rel="prev"', latest)
    assert "line 049" in page(browser, "/logs/stream" + older)


def test_from_a_task_to_its_streams(browser: Client, aws: Aws, put: Put) -> None:
    options = {"awslogs-group": "/shop", "awslogs-stream-prefix": "web", "awslogs-region": "us-east-1"}
    container = {"name": "app", "image": "busybox", "memory": 64}
    logging = {"logDriver": "awslogs", "options": options}
    ecs = aws("ecs")
    ecs.register_task_definition(family="web", containerDefinitions=[{**container, "logConfiguration": logging}])
    task_id = ecs.run_task(taskDefinition="web")["tasks"][0]["taskArn"].rpartition("/")[2]
    answer = browser.get(f"/logs/of-task/default/{task_id}")
    assert answer["location"] == f"/logs/stream?{urlencode({'name': '/shop', 'stream': f'web/app/{task_id}'})}"
    ecs.register_task_definition(family="quiet", containerDefinitions=[container])
    quiet = ecs.run_task(taskDefinition="quiet")["tasks"][0]["taskArn"].rpartition("/")[2]
    assert "awslogs-stream-prefix" in page(browser, f"/logs/of-task/default/{quiet}")
    assert browser.get(f"/logs/of-task/default/{'0' * 32}").status_code == 404


async def test_a_tail_shows_each_event_once_also_when_it_connects_again(browser: Client, put: Put) -> None:
    await in_thread(put, "web/1", "ERROR before")
    path = f"/_simfra/live/logs?{urlencode({'name': '/shop', 'pattern': 'ERROR'})}"
    async with connected(path, browser) as socket:
        first = await received(socket, "ERROR before")
        assert 'hx-swap="innerHTML"' in first
        await in_thread(put, "web/2", "fine", "ERROR now")
        message = await received(socket, "ERROR now")
        assert 'hx-swap="beforeend"' in message
        assert "fine" not in message and "ERROR before" not in message
        await in_thread(put, "db", "ERROR late", ago_s=300)
        assert "ERROR now" not in await received(socket, "ERROR late")
    await in_thread(put, "web/1", "ERROR while away")
    async with connected(path, browser) as socket:
        again = await received(socket, "ERROR while away")
        assert 'hx-swap="innerHTML"' in again
        assert [again.count(f"ERROR {word}") for word in ("before", "now", "late", "while away")] == [1, 1, 1, 1]


async def test_a_tail_of_another_accounts_group_says_why_it_is_empty(gateway: Any, browser: Client, put: Put) -> None:
    await in_thread(put, "web/1", "private")
    stranger = Client()
    wanted = {"account_id": "999999999999", "region": "us-east-1", "back": "/"}
    await in_thread(stranger.post, "/scope", wanted)
    async with connected("/_simfra/live/logs?name=/shop", stranger) as socket:
        message = await received(socket, "hx-partial")
        assert "ResourceNotFoundException" in message and "private" not in message
    answer = await in_thread(stranger.get, "/logs/group?name=/shop")
    assert answer.status_code == 404
