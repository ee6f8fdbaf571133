"""The console's terminal: a shell in a container of a task, over the page's websocket."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client

from aws_api.core.execution import run_in_thread
from tests.console.test_live import WAIT_S, connected
from tests.services.ecs.docker_stage import DockerStage, docker_settings, docker_stage, shell
from tests.support.threads import in_thread
from tests.support.waiting import wait_for
from workers.docker import engine

__all__ = ["docker_settings", "docker_stage"]

LOCAL = {"client": ["127.0.0.1", 50000]}


@pytest.fixture
def ecs(aws: Callable[..., Any]) -> Any:
    return aws("ecs")


def path(arn: str, container: str = "app") -> str:
    return f"/_simfra/live/clusters/default/tasks/{arn.rpartition('/')[2]}/terminal/{container}"


async def shown(socket: WebsocketCommunicator, wanted: bytes) -> bytes:
    """Everything that the terminal printed until it has a text."""
    screen = b""
    while wanted not in screen:
        message = await socket.receive_output(timeout=WAIT_S)
        assert message["type"] == "websocket.send", (message, screen)
        screen += message.get("bytes") or (message.get("text") or "").encode()
    return screen


@pytest.mark.docker
async def test_a_shell_is_typed_into_resized_and_left(browser: Client, docker_stage: DockerStage) -> None:
    task = await in_thread(docker_stage.run, shell("sleep 600"), until="RUNNING")
    async with connected(path(task["taskArn"]), browser, **LOCAL) as socket:
        await socket.send_to(text_data=json.dumps({"rows": 31, "columns": 99}))
        await socket.send_to(bytes_data=b"stty size\r")
        await shown(socket, b"31 99")
        await socket.send_to(bytes_data=b"exit 3\r")
        await shown(socket, b'{"end": "The shell exited with code 3."}')


@pytest.mark.docker
async def test_what_runs_in_a_terminal_ends_with_its_page(browser: Client, docker_stage: DockerStage) -> None:
    task = await in_thread(docker_stage.run, shell("sleep 600"), until="RUNNING")
    name = await run_in_thread(docker_stage.container, task, "app")

    def is_running() -> bool:
        return any("4321" in " ".join(row) for row in engine.client().top(name)["Processes"])

    async with connected(path(task["taskArn"]), browser, **LOCAL) as socket:
        await socket.send_to(bytes_data=b"sleep 4321\r")
        await in_thread(wait_for, is_running, what="the program")
    await in_thread(wait_for, lambda: not is_running(), timeout_s=30, what="the program's end")


async def test_a_task_that_is_not_there_has_no_terminal(browser: Client) -> None:
    async with connected(path("x/" + "0" * 32), browser, **LOCAL) as socket:
        assert b"There is no such container." in await shown(socket, b"end")


async def test_who_is_not_on_this_machine_gets_no_terminal(browser: Client) -> None:
    async with connected(path("x/" + "0" * 32), browser, client=["10.1.2.3", 50000]) as socket:
        assert b"on the machine that Simfra runs on" in await shown(socket, b"end")


def test_the_page_serves_its_library_itself(browser: Client, run_task: Callable[..., str]) -> None:
    task_id = run_task().rpartition("/")[2]
    assert f"/tasks/{task_id}/terminal/app" in browser.get(f"/clusters/default/tasks/{task_id}/").content.decode()
    page = browser.get(f"/clusters/default/tasks/{task_id}/terminal/app")
    text = page.content.decode()
    for file in ("vendor/xterm/xterm.js", "vendor/xterm/fit/addon-fit.js", "vendor/xterm/css/xterm.css"):
        assert f'"/_simfra/static/{file}"' in text
        assert browser.get(f"/_simfra/static/{file}").status_code == 200
    assert "style-src 'self' 'unsafe-inline'; " in page.headers["Content-Security-Policy"]
    assert "script-src 'self'; " in page.headers["Content-Security-Policy"]
    assert browser.get(f"/clusters/default/tasks/{task_id}/terminal/none").status_code == 404
