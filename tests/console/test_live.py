"""What streams into an open page."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings as django_settings
from django.test import Client

from aws_api.core import log_tail
from aws_api.core.containers import LogLine
from console.discovery import websocket_urlpatterns
from simfra.asgi import application
from tests.support.threads import in_thread

RunTask = Callable[..., str]
WAIT_S = 10


@asynccontextmanager
async def connected(path: str, browser: Client, **scope: Any) -> AsyncIterator[WebsocketCommunicator]:
    cookie = browser.cookies[django_settings.SESSION_COOKIE_NAME].value
    headers = [
        (b"host", b"localhost:4600"),
        (b"origin", b"http://localhost:4600"),
        (b"cookie", f"{django_settings.SESSION_COOKIE_NAME}={cookie}".encode()),
    ]
    socket = WebsocketCommunicator(application, path, headers=headers)
    socket.scope.update(scope)
    accepted, _ = await socket.connect(timeout=WAIT_S)
    assert accepted
    try:
        yield socket
    finally:
        await socket.disconnect()


async def received(socket: WebsocketCommunicator, pattern: str) -> str:
    """The first message that has the pattern."""
    for _ in range(50):
        message = str(await socket.receive_from(timeout=WAIT_S))
        if re.search(pattern, message):
            return message
    raise AssertionError(f"no message with {pattern}")


async def test_the_front_page_learns_of_a_new_task(browser: Client, run_task: RunTask) -> None:
    async with connected("/_simfra/live/home", browser) as socket:
        assert "No task runs" in await received(socket, 'hx-target="#running"')
        arn = await in_thread(run_task)
        message = await received(socket, arn.rpartition("/")[2])
        assert "<hx-partial" in message


async def test_a_task_page_gets_status_and_logs_as_they_come(browser: Client, run_task: RunTask) -> None:
    arn = await in_thread(run_task)
    task_id = arn.rpartition("/")[2]
    tail = f"ecs-web-1-app-{task_id[:12]}"
    async with connected(f"/_simfra/live/clusters/default/tasks/{task_id}", browser) as socket:
        assert "RUNNING" in await received(socket, 'hx-target="#summary"')
        await received(socket, 'hx-target="#log-app" hx-swap="innerHTML"')
        await log_tail.append(tail, [LogLine(at_ns=1_767_225_600_000_000_000, stream="stdout", message="<b>hello</b>")])
        message = await received(socket, "hello")
        assert "&lt;b&gt;hello&lt;/b&gt;" in message, "what a container prints is text, never markup"
        assert 'hx-swap="beforeend"' in message
    async with connected(f"/_simfra/live/clusters/default/tasks/{task_id}", browser) as socket:
        message = await received(socket, "hello")
        assert 'hx-swap="innerHTML"' in message, "a connection made again starts the log anew"


async def test_a_page_of_another_host_gets_no_websocket(browser: Client) -> None:
    headers = [(b"host", b"localhost:4600"), (b"origin", b"https://evil.example")]
    socket = WebsocketCommunicator(application, "/_simfra/live/home", headers=headers)
    accepted, _ = await socket.connect(timeout=WAIT_S)
    assert not accepted


@pytest.mark.parametrize("path", [str(route.pattern) for route in websocket_urlpatterns()])
async def test_a_task_gets_no_websocket(browser: Client, settings: Any, path: str) -> None:
    settings.SIMFRA_UPLINK_SUBNET = "198.19.0.0/20"
    path = "/" + re.sub(r"<str:\w+>", "default", path)
    async with connected(path, browser, client=["198.19.0.2", 1]) as socket:
        assert (await socket.receive_output(timeout=WAIT_S))["type"] == "websocket.close"
