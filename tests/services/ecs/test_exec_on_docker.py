"""ECS Exec on a real engine: sessions over a real websocket, by a client that speaks the plugin's protocol."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from aws_api.services.ecs.exec import channel, sessions
from aws_api.services.ecs.exec.cleanup import end_lost_sessions
from aws_api.services.ecs.exec.messages import AgentMessage, MessageType, PayloadType
from aws_api.services.ecs.exec.sessions import ALIVE_FOR, note_program, open_session
from aws_api.services.ecs.models import ExecuteCommandSession
from tests.services.ecs.docker_stage import DockerStage, docker_settings, docker_stage, shell
from tests.support.data_channel import ExecClient
from tests.support.threads import in_thread
from tests.support.waiting import wait_for
from tests.support.websocket_gateway import served
from workers.docker import engine
from workers.docker.terminal import DockerTerminal

__all__ = ["docker_settings", "docker_stage"]

pytestmark = pytest.mark.docker

Execute = Callable[..., dict[str, str]]


@pytest.fixture
def endpoint(gateway: Any) -> Iterator[str]:
    with served(gateway) as url:
        yield url


@pytest.fixture
def task(docker_stage: DockerStage) -> dict[str, Any]:
    """A running task with execute command, whose program ends by itself at no time."""
    docker_stage.ecs.register_task_definition(
        family="test",
        containerDefinitions=[
            {"image": docker_stage.image, "memory": 64, "stopTimeout": 1, **shell("while :; do sleep 1; done")}
        ],
    )
    (started,) = docker_stage.ecs.run_task(taskDefinition="test", enableExecuteCommand=True)["tasks"]
    return docker_stage.wait(started["taskArn"], "RUNNING")


@pytest.fixture
def execute(aws: Callable[..., Any], endpoint: str, task: dict[str, Any]) -> Execute:
    """``execute("sh")``: the session of a command in the task's container."""
    ecs = aws("ecs", endpoint_url=endpoint)

    def call(command: str = "sh") -> dict[str, str]:
        answer = ecs.execute_command(task=task["taskArn"], command=command, interactive=True)
        session: dict[str, str] = answer["session"]
        return session

    return call


def processes(stage: DockerStage, task: dict[str, Any]) -> str:
    """What runs in the task's container."""
    listed = engine.client().top(stage.container(task, "app"))["Processes"]
    return "\n".join(" ".join(row) for row in listed)


async def test_a_shell_is_typed_into_resized_and_left_with_its_exit_code(execute: Execute) -> None:
    session = execute("sh")
    async with ExecClient.open(session) as client:
        await client.ready()
        assert client.requests[0]["RequestedClientActions"][0]["ActionType"] == "SessionType"
        await client.resize(33, 101)
        await client.type("stty size\r")
        await client.shows("33 101")
        await client.resize(40, 120)
        await client.type("stty size\r")
        await client.shows("40 120")
        await client.type("id -u; tty | cut -c1-4; echo $TERM\r")
        await client.shows("xterm-256color")
        assert "\r\n0\r\n/dev\r\n" in client.screen.decode()
        await client.type("exit 7\r")
        assert await client.end() == "The command exited with code 7."
        await client.gone()
    row = await ExecuteCommandSession.objects.aget(session_id=session["sessionId"])
    assert (row.exit_code, row.ended_at is not None) == (7, True)


async def test_a_command_is_no_shells_and_ends_by_itself(execute: Execute) -> None:
    async with ExecClient.open(execute("sh -c 'echo \"one  two\" $0' three")) as client:
        assert await client.end() == ""
        assert client.screen == b"one  two three\r\n"
        last = client.received[-1]
        assert last.flags == 2, "the stream's last message says so"


async def test_a_command_that_is_not_there_says_so(execute: Execute) -> None:
    async with ExecClient.open(execute("no-such-program")) as client:
        assert "126" in await client.end() or "127" in await client.end()
        assert b"no-such-program" in client.screen


async def test_a_command_that_cannot_be_parted_says_so(execute: Execute) -> None:
    async with ExecClient.open(execute("sh -c 'echo")) as client:
        assert (await client.end()).startswith("Failed to parse commands input: ")


async def test_a_megabyte_arrives_whole_and_in_order(execute: Execute) -> None:
    count = 1024 * 1024 // 8
    started = time.monotonic()
    async with ExecClient.open(execute(f"sh -c 'i=0; seq 1000000 {1000000 + count - 1}'")) as client:
        assert await client.end() == ""
        lines = client.screen.split(b"\r\n")
    print(f"1 MiB in {time.monotonic() - started:.2f} s")
    assert lines == [str(number).encode() for number in range(1000000, 1000000 + count)] + [b""]


async def test_two_sessions_at_once_do_not_hear_each_other(execute: Execute) -> None:
    async with ExecClient.open(execute()) as one, ExecClient.open(execute()) as other:
        await asyncio.gather(one.ready(), other.ready())
        await one.type("echo $((40+1))\r")
        await other.type("echo $((70+7))\r")
        await asyncio.gather(one.shows("41"), other.shows("77"))
        assert b"77" not in one.screen.replace(b"$((70+7))", b"")
        assert b"41" not in other.screen


async def test_typed_characters_are_taken_in_order_and_once(execute: Execute) -> None:
    async with ExecClient.open(execute("cat")) as client:
        await client.ready()
        first, second, third = (client.skip_number() for _ in range(3))
        await client.send(PayloadType.OUTPUT, b"c\r", number=third)
        await client.send(PayloadType.OUTPUT, b"b", number=second)
        await client.send(PayloadType.OUTPUT, b"b", number=second)
        await client.until_acknowledged(third)
        await client.send(PayloadType.OUTPUT, b"a", number=first)
        await client.send(PayloadType.OUTPUT, b"a", number=first)
        assert "abc\r\nabc\r\n" in await client.shows("abc\r\nabc\r\n")


async def test_what_the_client_does_not_acknowledge_is_sent_again(execute: Execute) -> None:
    async with ExecClient.open(execute("echo hello"), acknowledges=False) as client:
        await client._until(lambda: len(client.received) > 2, "the request again")
        assert len({message.sequence_number for message in client.received}) == 1
        assert len({message.id for message in client.received}) == 1
        client.acknowledges = True
        await client.shows("hello")
        assert await client.end() == ""


async def test_a_paused_client_gets_nothing_until_it_goes_on(execute: Execute) -> None:
    async with ExecClient.open(execute("cat")) as client:
        await client.ready()
        await client.send_message(AgentMessage(type=MessageType.PAUSE_PUBLICATION, created_ms=1))
        number = client._sent
        await client.type("quiet\r")
        await client.until_acknowledged(number)
        before = len(client.received)
        await client.type("more\r")
        await client.until_acknowledged(number + 1)
        assert len(client.received) == before
        await client.send_message(AgentMessage(type=MessageType.START_PUBLICATION, created_ms=1))
        await client.shows("more")


async def test_the_programs_of_a_client_that_goes_are_ended(
    docker_stage: DockerStage, task: dict[str, Any], execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "RESUME_WITHIN_S", 0.1)
    session = execute("sh -c 'sleep 4321; true'")
    async with ExecClient.open(session) as client:
        await client.ready()
        await in_thread(wait_for, lambda: "4321" in processes(docker_stage, task), what="the program")
    await in_thread(
        wait_for, lambda: "4321" not in processes(docker_stage, task), timeout_s=30, what="the program's end"
    )
    assert "sleep 1" in await in_thread(processes, docker_stage, task), "the container's own goes on"


async def test_the_programs_of_a_gateway_that_was_killed_run_on_until_they_are_ended(
    docker_stage: DockerStage, task: dict[str, Any], execute: Execute
) -> None:
    session = execute("sh -c 'sleep 4322; true'")
    # What a kill leaves: a row that says it is open, and a program whose terminal the kernel has closed.
    assert await open_session(session["sessionId"], session["tokenValue"], timezone.now())
    container = await in_thread(docker_stage.container, task, "app")
    terminal = await DockerTerminal.open(container, ["sh", "-c", "sleep 4322; true"])
    await note_program(session["sessionId"], terminal.program)
    terminal._writer.transport.abort()
    await in_thread(wait_for, lambda: "4322" in processes(docker_stage, task), what="the program")
    await in_thread(end_lost_sessions, timezone.now())
    assert "4322" in await in_thread(processes, docker_stage, task), "its gateway may be alive"
    await in_thread(end_lost_sessions, timezone.now() + 2 * ALIVE_FOR)
    await in_thread(
        wait_for, lambda: "4322" not in processes(docker_stage, task), timeout_s=30, what="the program's end"
    )
    row = await ExecuteCommandSession.objects.aget(session_id=session["sessionId"])
    assert row.ended_at is not None


async def test_the_client_can_terminate_the_session(execute: Execute) -> None:
    async with ExecClient.open(execute("sleep 600")) as client:
        await client.ready()
        await client.send(PayloadType.FLAG, (2).to_bytes(4, "big"))
        assert await client.end() == "The session was terminated."


async def test_a_session_nobody_uses_ends(execute: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "IDLE_TIMEOUT_S", 0.5)
    async with ExecClient.open(execute("sleep 600")) as client:
        assert await client.end() == "Your session timed out due to inactivity."


async def test_a_session_ends_with_its_task(docker_stage: DockerStage, task: dict[str, Any], execute: Execute) -> None:
    async with ExecClient.open(execute("sleep 600")) as client:
        await client.ready()
        await in_thread(docker_stage.ecs.stop_task, task=task["taskArn"])
        await client.end()


async def test_a_token_opens_once_and_only_its_session(execute: Execute) -> None:
    session, other = execute("cat"), execute("cat")
    async with ExecClient.open(session, token=other["tokenValue"]) as client:
        await client.gone()
    async with ExecClient.open(session, token="AAAA") as client:
        await client.gone()
    async with ExecClient.open(session) as client:
        await client.ready()
        async with ExecClient.open(session) as again:
            await again.gone()
            assert not again.received
    late = execute("cat")
    await ExecuteCommandSession.objects.filter(session_id=late["sessionId"]).aupdate(expires_at=timezone.now())
    async with ExecClient.open(late) as client:
        await client.gone()
        assert not client.received


async def test_a_client_that_refuses_the_session_type_is_told(execute: Execute) -> None:
    async with ExecClient.open(execute("cat"), handshake_status=3) as client:
        assert (await client.end()).startswith("Handshake failed: ")


async def test_output_is_logged_where_the_cluster_says(
    docker_stage: DockerStage, execute: Execute, aws: Callable[..., Any]
) -> None:
    logs = aws("logs")
    logs.create_log_group(logGroupName="/exec")
    docker_stage.ecs.update_cluster(
        cluster="default",
        configuration={
            "executeCommandConfiguration": {
                "logging": "OVERRIDE",
                "logConfiguration": {"cloudWatchLogGroupName": "/exec"},
            }
        },
    )
    session = execute("sh -c 'echo first; echo; echo last'")
    async with ExecClient.open(session) as client:
        await client.end()

    def logged() -> list[str]:
        row = ExecuteCommandSession.objects.get(session_id=session["sessionId"])
        if row.ended_at is None:
            return []
        events = logs.get_log_events(logGroupName="/exec", logStreamName=session["sessionId"], startFromHead=True)[
            "events"
        ]
        return [event["message"] for event in events]

    assert await in_thread(wait_for, logged, what="the log") == ["first", "last"]


def test_the_aws_cli_opens_a_session_with_the_real_plugin(task: dict[str, Any], endpoint: str, account: Any) -> None:
    if shutil.which("session-manager-plugin") is None:
        pytest.skip("THE REAL CLIENT IS NOT TRIED: session-manager-plugin is not installed on this machine")
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": account.root_access_key_id,
        "AWS_SECRET_ACCESS_KEY": account.root_secret_access_key,
    }
    command = ["aws", "ecs", "execute-command", "--interactive", "--task", task["taskArn"], "--command", "echo hello"]
    result = subprocess.run(
        ["script", "-qec", subprocess.list2cmdline(command), "/dev/null"],
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"hello" in result.stdout
