"""Tasks on a real engine, from RunTask to the last container's end, with the worker's and the watcher's own code."""

import asyncio
import queue
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connections

from aws_api.core.execution import process_loop
from aws_api.core.reconcile import set_kicker
from aws_api.services.ecs.models import Task
from tests.support.docker_engine import docker_settings
from tests.support.images import busybox_image
from tests.support.waiting import wait_for
from workers import loop, watcher
from workers.docker import engine
from workers.docker.runtime import DockerRuntime

__all__ = ["docker_settings"]

pytestmark = pytest.mark.docker

WORKERS = 4
#: A machine that runs other things as well.
PATIENCE_S = 90


@dataclass
class Stage:
    """An account whose kicks are worked off by threads, as Celery's would be."""

    ecs: Any
    aws: Callable[..., Any]

    def run(self, *containers: dict[str, Any], until: str, network: Any = None, **definition: Any) -> dict[str, Any]:
        """Run a task of these containers until it has a status."""
        defaults = {"image": busybox_image(), "memory": 64, "stopTimeout": 5}
        self.ecs.register_task_definition(
            family="test", containerDefinitions=[{**defaults, **one} for one in containers], **definition
        )
        request = {"networkConfiguration": network} if network else {}
        arn = self.ecs.run_task(taskDefinition="test", **request)["tasks"][0]["taskArn"]
        return self.wait(arn, until)

    def wait(self, arn: str, status: str) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            task: dict[str, Any] = self.ecs.describe_tasks(tasks=[arn])["tasks"][0]
            if task["lastStatus"] == "STOPPED" != status:
                raise AssertionError(f"stopped: {task['stoppedReason']}")
            return task if task["lastStatus"] == status else None

        return wait_for(reached, timeout_s=PATIENCE_S, every_s=0.1, what=f"{arn} to be {status}") or {}

    def container(self, task: dict[str, Any], name: str) -> str:
        row = Task.objects.select_related("task_definition").get(arn=task["taskArn"])
        return f"ecs-test-{row.task_definition.revision}-{name}-{row.task_id[:12]}"


@pytest.fixture
def stage(docker_settings: None, ecs: Any, aws: Callable[..., Any], account: Any) -> Iterator[Stage]:
    work: queue.Queue[tuple[str, str]] = queue.Queue()
    stopped = threading.Event()

    def serve() -> None:
        runtime = DockerRuntime()
        while not stopped.is_set():
            try:
                kind, key = work.get(timeout=0.2)
            except queue.Empty:
                continue
            if loop.reconcile(kind, key, runtime) == 0:
                work.put((kind, key))
            connections.close_all()

    async def watch(started: "queue.Queue[asyncio.Event]") -> None:
        stop = asyncio.Event()
        started.put(stop)
        await watcher.watch(stop)

    set_kicker(lambda kind, key: work.put((kind, key)) if account.account_id in key else None)
    threads = [threading.Thread(target=serve, name=f"worker {number}", daemon=True) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    watching: queue.Queue[asyncio.Event] = queue.Queue()
    watch_end = asyncio.run_coroutine_threadsafe(watch(watching), process_loop())
    stop_watching = watching.get(timeout=10)
    try:
        yield Stage(ecs=ecs, aws=aws)
        for arn in ecs.list_tasks()["taskArns"]:
            ecs.stop_task(task=arn)
        everything = Task.objects.filter(account_id=account.account_id)
        wait_for(
            lambda: not everything.exclude(last_status="STOPPED").exists(),
            timeout_s=PATIENCE_S,
            every_s=0.1,
            what="the end of every task",
        )
    finally:
        stopped.set()
        for thread in threads:
            thread.join(PATIENCE_S)
        process_loop().call_soon_threadsafe(stop_watching.set)
        watch_end.result(PATIENCE_S)


def shell(script: str, **members: Any) -> dict[str, Any]:
    return {"name": "app", "command": ["sh", "-c", script], **members}


def test_a_task_ends_with_its_programs_exit_code_and_leaves_no_container(stage: Stage) -> None:
    task = stage.run(shell("exit 3"), until="STOPPED")
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert task["containers"][0]["exitCode"] == 3
    names = [name for one in engine.client().containers(all=True) for name in one["Names"]]
    assert f"/{stage.container(task, 'app')}" not in names


def test_a_running_task_is_stopped_with_sigterm(stage: Stage) -> None:
    task = stage.run(shell('trap "exit 7" TERM; while :; do sleep 0.1; done'), until="RUNNING")
    stage.ecs.stop_task(task=task["taskArn"], reason="enough")
    stopped = stage.wait(task["taskArn"], "STOPPED")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "enough")
    assert stopped["containers"][0]["exitCode"] == 7


def test_a_task_that_does_not_listen_is_killed_after_its_stop_timeout(stage: Stage) -> None:
    task = stage.run(shell('trap "" TERM; while :; do sleep 0.1; done', stopTimeout=2), until="RUNNING")
    stage.ecs.stop_task(task=task["taskArn"])
    assert stage.wait(task["taskArn"], "STOPPED")["containers"][0]["exitCode"] == 137


def test_an_image_that_cannot_be_pulled_stops_the_task(stage: Stage) -> None:
    task = stage.run(shell("true", image="localhost:1/none:1"), until="STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")


def test_a_program_that_takes_too_much_memory_is_killed_and_says_so(stage: Stage) -> None:
    container = stage.run(shell("tail /dev/zero", memory=8), until="STOPPED")["containers"][0]
    assert container["exitCode"] == 137
    assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_a_bridge_tasks_port_is_published_where_its_binding_says(stage: Stage) -> None:
    script = "echo hello > /tmp/index.html && exec httpd -f -p 8080 -h /tmp"
    task = stage.run(shell(script, portMappings=[{"containerPort": 8080}]), until="RUNNING")
    (binding,) = task["containers"][0]["networkBindings"]
    assert (binding["containerPort"], binding["protocol"]) == (8080, "tcp")

    def served() -> bytes:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{binding['hostPort']}/index.html", timeout=2) as answer:
                return bytes(answer.read())
        except OSError:
            return b""

    assert wait_for(served, what="an answer") == b"hello\n"


def test_containers_wait_for_those_they_depend_on(stage: Stage) -> None:
    check = {"command": ["CMD-SHELL", "test -e /tmp/ready"], "interval": 5, "retries": 5, "timeout": 2}
    task = stage.run(
        {"name": "init", "essential": False, "command": ["true"]},
        {"name": "db", "command": ["sh", "-c", "touch /tmp/ready; sleep 600"], "healthCheck": check},
        shell(
            "exit 4",
            dependsOn=[
                {"containerName": "init", "condition": "SUCCESS"},
                {"containerName": "db", "condition": "HEALTHY"},
            ],
        ),
        until="STOPPED",
    )
    codes = {container["name"]: container["exitCode"] for container in task["containers"]}
    assert (codes["init"], codes["app"]) == (0, 4)
    assert codes["db"] in (137, 143)


def test_an_awsvpc_task_has_its_interfaces_address_and_its_output_is_in_its_log_group(
    stage: Stage, awsvpc: Any
) -> None:
    options = {
        "awslogs-group": "/ecs/test",
        "awslogs-region": "us-east-1",
        "awslogs-stream-prefix": "ecs",
        "awslogs-create-group": "true",
    }
    task = stage.run(
        shell(
            "ip -4 addr show eth0; echo $ECS_CONTAINER_METADATA_URI_V4; cat /etc/resolv.conf",
            logConfiguration={"logDriver": "awslogs", "options": options},
        ),
        until="STOPPED",
        networkMode="awsvpc",
        network=awsvpc,
    )
    details = {detail["name"]: detail["value"] for detail in task["attachments"][0]["details"]}
    assert task["containers"][0]["exitCode"] == 0
    stream = f"ecs/app/{task['taskArn'].rpartition('/')[2]}"

    def output() -> str:
        events = stage.aws("logs").get_log_events(logGroupName="/ecs/test", logStreamName=stream)["events"]
        text = "\n".join(event["message"] for event in events)
        return text if "nameserver" in text else ""

    text = wait_for(output, timeout_s=PATIENCE_S, every_s=0.2, what="the output")
    assert f"inet {details['privateIPv4Address']}/20" in text
    assert "http://169.254.170.2/v4/" in text
    assert "nameserver 172.31.0.2" in text


def test_a_task_whose_network_namespace_dies_stops(stage: Stage, awsvpc: Any) -> None:
    task = stage.run(shell("sleep 600"), until="RUNNING", networkMode="awsvpc", network=awsvpc)
    assert task["attachments"][0]["status"] == "ATTACHED"
    engine.client().kill(stage.container(task, "pause"))
    stopped = stage.wait(task["taskArn"], "STOPPED")
    assert stopped["stopCode"] == "EssentialContainerExited"
    assert stopped["attachments"][0]["status"] == "DELETED"
