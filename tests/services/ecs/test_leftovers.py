"""What goes when nobody wants it any more, and what a task cannot have."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings

from aws_api.services.ecs.engine_limits import is_below
from aws_api.services.ecs.environment_files import parse
from aws_api.services.ecs.models import Task
from tests.services.ecs.stage import Stage
from tests.support.fake_runtime import Program
from workers import garbage


def test_garbage_forgets_old_tasks_and_removes_what_they_left(stage: Stage, register: Callable[..., str]) -> None:
    mount = {"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]}
    register("job", {"name": "app", "command": ["true"], **mount}, volumes=[{"name": "data"}])
    stage.runtime.programs[("true",)] = Program(exit_code=0)
    arn = stage.run("job", tags=[{"key": "simfra:hold", "value": "true"}])
    now = datetime.now(UTC)
    Task.objects.filter(arn=arn).update(last_stopped_at=now - timedelta(hours=23))
    garbage.collect(stage.runtime, now)
    assert (len(stage.runtime.names), len(stage.runtime.volumes)) == (1, 1), "a hold lasts a day"
    garbage.collect(stage.runtime, now + timedelta(hours=2))
    assert not Task.objects.filter(arn=arn).exists()
    assert (stage.runtime.names, stage.runtime.volumes) == ([], [])


def test_an_environment_file_that_cannot_be_read_stops_the_task_with_the_reason(
    stage: Stage, register: Callable[..., str], role: str
) -> None:
    file = {"type": "s3", "value": "arn:aws:s3:::no-such-bucket/app.env"}
    register("web", {"name": "app", "environmentFiles": [file]}, executionRoleArn=role)
    task = stage.describe(stage.run("web"))
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    assert task["stoppedReason"].startswith("ResourceInitializationError: failed to download env files")


def test_environment_files_are_read_as_ecs_reads_them() -> None:
    text = '# a comment\nCOLOUR=blue green\r\nEMPTY=\nQUOTED="a=b"\nnothing\n=nameless\n'
    assert parse(text) == {"COLOUR": "blue green", "EMPTY": "", "QUOTED": '"a=b"'}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/srv/data", True),
        ("/srv/data/deeper", True),
        ("/srv/database", False),
        ("/srv/data/../../etc", False),
        ("srv/data", False),
        ("/", False),
    ],
)
def test_host_folders_are_those_below_the_roots(path: str, allowed: bool) -> None:
    assert is_below(path, ["/srv/data"]) is allowed


@override_settings(SIMFRA_ARCHITECTURE="x86_64")
@pytest.mark.parametrize(
    ("platform", "reason"),
    [
        ({"cpuArchitecture": "ARM64"}, "runtimePlatform asks for ARM64: this engine is X86_64."),
        ({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}, "this engine runs LINUX containers only."),
        ({"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"}, ""),
    ],
)
def test_a_task_for_another_platform_says_so(
    stage: Stage, register: Callable[..., str], platform: dict[str, str], reason: str
) -> None:
    register("web", runtimePlatform=platform)
    task = stage.describe(stage.run("web"))
    assert reason in task.get("stoppedReason", "")
    assert task["lastStatus"] == ("STOPPED" if reason else "RUNNING")
