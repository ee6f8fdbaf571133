"""Tasks of ECS on a real engine, through the loop: from RunTask to the exit code, without a broker."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from aws_api.core.reconcile import set_kicker
from tests.support.images import busybox_image
from tests.support.waiting import wait_for
from workers import loop
from workers.docker import host
from workers.docker.runtime import DockerRuntime

pytestmark = pytest.mark.docker


@pytest.fixture
def subnet(aws: Callable[..., Any]) -> str:
    """One of the default VPC's subnets."""
    return str(aws("ec2").describe_subnets()["Subnets"][0]["SubnetId"])


@pytest.fixture
def ecs(docker_settings: None, aws: Callable[..., Any]) -> Iterator[Any]:
    """A client of an account whose kicks are honoured at once, by as many threads as a worker has."""
    host.prepare()
    executor = ThreadPoolExecutor(16)

    def reconcile(kind: str, key: str) -> None:
        try:
            again_s = loop.reconcile(kind, key, DockerRuntime())
            if again_s is not None and again_s < 2:
                executor.submit(later, again_s, kind, key)
        finally:
            connections.close_all()

    def later(seconds: float, kind: str, key: str) -> None:
        time.sleep(seconds)
        reconcile(kind, key)

    def submit(kind: str, key: str) -> None:
        executor.submit(reconcile, kind, key)

    client = aws("ecs")
    set_kicker(submit)
    yield client
    for task_arn in client.list_tasks()["taskArns"]:
        client.stop_task(task=task_arn)
        stopped(client, task_arn)
    set_kicker(None)
    executor.shutdown()


def run(ecs: Any, subnet: str, script: str, **container: Any) -> str:
    ecs.register_task_definition(
        family="app",
        networkMode="awsvpc",
        containerDefinitions=[
            {"name": "app", "image": busybox_image(), "command": ["sh", "-c", script], "memory": 64, **container}
        ],
    )
    network = {"awsvpcConfiguration": {"subnets": [subnet]}}
    (task,) = ecs.run_task(taskDefinition="app", networkConfiguration=network)["tasks"]
    return str(task["taskArn"])


def describe(ecs: Any, task_arn: str) -> Any:
    (task,) = ecs.describe_tasks(tasks=[task_arn])["tasks"]
    return task


def running(ecs: Any, task_arn: str) -> Any:
    wait_for(lambda: describe(ecs, task_arn)["lastStatus"] in ("RUNNING", "STOPPED"), timeout_s=60, what="RUNNING")
    task = describe(ecs, task_arn)
    assert task["lastStatus"] == "RUNNING", task
    return task


def stopped(ecs: Any, task_arn: str) -> Any:
    wait_for(lambda: describe(ecs, task_arn)["lastStatus"] == "STOPPED", timeout_s=60, what="STOPPED")
    return describe(ecs, task_arn)


def kick_ended(ecs: Any, task_arn: str) -> None:
    """What the watcher does when the engine tells of a container's end."""
    from aws_api.core.reconcile import kick

    (container,) = DockerRuntime().find_containers({"simfra.key": task_arn, "simfra.role": "app"})
    wait_for(
        lambda: DockerRuntime().find_containers({"simfra.key": task_arn, "simfra.role": "app"})[0].state == "exited",
        timeout_s=30,
        what=f"{container.name} to end",
    )
    kick("ecs.task", task_arn)


def test_a_task_runs_on_its_vpc_and_stops_with_its_exit_code(ecs: Any, subnet: str) -> None:
    task_arn = run(ecs, subnet, "trap 'exit 143' TERM; while :; do sleep 0.1; done")
    task = running(ecs, task_arn)
    (container,) = task["containers"]
    assert container["lastStatus"] == "RUNNING"
    assert container["networkInterfaces"][0]["privateIpv4Address"].startswith("172.31.")
    ecs.stop_task(task=task_arn, reason="enough")
    kick_ended(ecs, task_arn)
    task = stopped(ecs, task_arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough")
    assert task["containers"][0]["exitCode"] == 143
    assert DockerRuntime().find_containers({"simfra.key": task_arn}) == []


def test_an_essential_container_that_ends_stops_its_task(ecs: Any, subnet: str) -> None:
    task_arn = run(ecs, subnet, "sleep 1; exit 3")
    running(ecs, task_arn)
    kick_ended(ecs, task_arn)
    task = stopped(ecs, task_arn)
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert task["containers"][0]["exitCode"] == 3


def test_an_image_that_nobody_has_stops_the_task_with_the_reason(ecs: Any, subnet: str) -> None:
    task_arn = run(ecs, subnet, "true", image="localhost:9/nothing/here:1")
    task = stopped(ecs, task_arn)
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: pull image manifest has been retried")
