"""Containers' output in its log stream, as the options of awslogs have it, on a real engine."""

from typing import Any

import pytest

from tests.services.ecs.docker_stage import PATIENCE_S, DockerStage, docker_settings, docker_stage, shell
from tests.support.waiting import wait_for

__all__ = ["docker_settings", "docker_stage"]

pytestmark = pytest.mark.docker


def awslogs(**options: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in options.items()}
    defaults = {"awslogs-group": "/ecs/test", "awslogs-region": "us-east-1", "awslogs-create-group": "true"}
    return {"logDriver": "awslogs", "options": {**defaults, **named}}


def messages(stage: DockerStage, task: dict[str, Any], last: str) -> list[str]:
    """The stream's messages, once one has the last words."""
    stream = f"app/{task['taskArn'].rpartition('/')[2]}"

    def read() -> list[str]:
        events = stage.aws("logs").get_log_events(logGroupName="/ecs/test", logStreamName=stream, startFromHead=True)[
            "events"
        ]
        found = [event["message"] for event in events]
        return found if any(last in message for message in found) else []

    return wait_for(read, timeout_s=PATIENCE_S, every_s=0.2, what="the output") or []


def test_a_long_line_of_a_terminal_has_no_times_of_dockers_in_it(docker_stage: DockerStage) -> None:
    script = "i=0; while [ $i -lt 4000 ]; do printf 0123456789; i=$((i+1)); done; echo; echo last"
    task = docker_stage.run(shell(script, pseudoTerminal=True, logConfiguration=awslogs()), until="STOPPED")
    assert messages(docker_stage, task, "last") == ["0123456789" * 4000, "last"]


def test_a_stack_trace_is_one_event(docker_stage: DockerStage) -> None:
    script = "echo '2026-11-22 ERROR failed'; echo '  at one'; echo '  at two'; echo '2026-11-22 INFO last'"
    log = awslogs(awslogs_datetime_format="%Y-%m-%d")
    task = docker_stage.run(shell(script, logConfiguration=log), until="STOPPED")
    assert messages(docker_stage, task, "last") == [
        "2026-11-22 ERROR failed\n  at one\n  at two\n",
        "2026-11-22 INFO last\n",
    ]


def test_the_mode_non_blocking_ships_what_finds_room(docker_stage: DockerStage) -> None:
    log = awslogs(mode="non-blocking", max_buffer_size="1m")
    task = docker_stage.run(shell("seq 1000; echo last", logConfiguration=log), until="STOPPED")
    assert messages(docker_stage, task, "last") == [*map(str, range(1, 1001)), "last"]


def test_options_that_the_driver_does_not_take_stop_the_task(docker_stage: DockerStage) -> None:
    log = awslogs(awslogs_multiline_pattern="(")
    task = docker_stage.run(shell("true", logConfiguration=log), until="STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert "failed to validate logger args: awslogs could not parse multiline pattern key" in task["stoppedReason"]
