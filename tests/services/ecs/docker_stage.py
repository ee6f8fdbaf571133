"""A stage for tasks on a real engine: the worker's and the watcher's own code, in threads of the test's process."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connections

from aws_api.core.execution import process_loop
from aws_api.core.reconcile import set_kicker
from aws_api.services.ecs.holds import set_hold
from aws_api.services.ecs.models import Task
from tests.support.docker_engine import docker_settings
from tests.support.images import busybox_image
from tests.support.waiting import wait_for
from workers import hints, loop, watcher
from workers.docker import engine
from workers.docker.runtime import DockerRuntime

__all__ = ["docker_settings", "docker_stage", "shell"]

WORKERS = 4
#: A machine that runs other things as well.
PATIENCE_S = 90


@dataclass
class DockerStage:
    """An account whose kicks are worked off by threads, as Celery's would be."""

    ecs: Any
    aws: Callable[..., Any]
    account_id: str

    def run(self, *containers: dict[str, Any], until: str, network: Any = None, **definition: Any) -> dict[str, Any]:
        """Run a task of these containers until it has a status."""
        defaults = {"image": busybox_image(), "memory": 64, "stopTimeout": 5}
        self.ecs.register_task_definition(
            family="test", containerDefinitions=[_with(defaults, one) for one in containers], **definition
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

    @property
    def image(self) -> str:
        return busybox_image()

    def hold(self, arn: str, *, wanted: bool) -> None:
        """Keep a stopped task's containers, or let them go."""
        set_hold(Task.objects.get(arn=arn), wanted=wanted)

    def inside(self, task: dict[str, Any], name: str, script: str) -> str:
        """What a shell script prints inside a running container."""
        client = engine.client()
        command = client.exec_create(self.container(task, name), ["sh", "-c", script])
        return str(client.exec_start(command["Id"]).decode()).strip()

    def container(self, task: dict[str, Any], name: str) -> str:
        row = Task.objects.select_related("task_definition").get(arn=task["taskArn"])
        return f"ecs-test-{row.task_definition.revision}-{name}-{row.task_id[:12]}"


@pytest.fixture
def docker_stage(docker_settings: None, ecs: Any, aws: Callable[..., Any], account: Any) -> Iterator[DockerStage]:
    work: queue.Queue[tuple[str, str]] = queue.Queue()
    stopped = threading.Event()

    def serve() -> None:
        runtime = DockerRuntime()
        while not stopped.is_set():
            try:
                kind, key = work.get(timeout=0.2)
            except queue.Empty:
                continue
            again_s = loop.reconcile(kind, key, runtime)
            if again_s is not None and hints.once(f"look:{kind}:{key}:{again_s:g}", again_s):
                _later(again_s, stopped, work, (kind, key))
            connections.close_all()

    set_kicker(lambda kind, key: work.put((kind, key)) if account.account_id in key else None)
    threads = [threading.Thread(target=serve, name=f"worker {number}", daemon=True) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    with watching():
        try:
            yield DockerStage(ecs=ecs, aws=aws, account_id=account.account_id)
            for arn in ecs.list_services()["serviceArns"]:
                ecs.delete_service(service=arn, force=True)
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


@contextmanager
def watching() -> Iterator[None]:
    """What the engine tells is heard while the block runs, as the watcher's process does."""

    async def watch(started: "queue.Queue[asyncio.Event]") -> None:
        stop = asyncio.Event()
        started.put(stop)
        await watcher.watch(stop)

    begun: queue.Queue[asyncio.Event] = queue.Queue()
    watch_end = asyncio.run_coroutine_threadsafe(watch(begun), process_loop())
    stop_watching = begun.get(timeout=10)
    try:
        yield
    finally:
        process_loop().call_soon_threadsafe(stop_watching.set)
        watch_end.result(PATIENCE_S)


def _later(
    seconds: float, stopped: threading.Event, work: "queue.Queue[tuple[str, str]]", resource: tuple[str, str]
) -> None:
    """Look again at a resource, as Celery's countdown does."""

    def put() -> None:
        if not stopped.wait(seconds):
            work.put(resource)

    threading.Thread(target=put, name="look again", daemon=True).start()


def _with(defaults: dict[str, Any], container: dict[str, Any]) -> dict[str, Any]:
    """A container with the defaults; None takes one away."""
    return {name: value for name, value in {**defaults, **container}.items() if value is not None}


def shell(script: str, **members: Any) -> dict[str, Any]:
    return {"name": "app", "command": ["sh", "-c", script], **members}
