"""Service Connect on a real engine: services find each other by their aliases, and failing tasks do not matter."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from django.test import override_settings

from aws_api.core.execution import process_loop
from tests.services.ecs.docker_stage import PATIENCE_S, DockerStage, docker_settings, docker_stage
from tests.support.images import python_image
from tests.support.waiting import wait_for
from workers.docker import engine

__all__ = ["docker_settings", "docker_stage"]

pytestmark = pytest.mark.docker

SERVE = "hostname > /tmp/index.html && exec httpd -f -p 8080 -h /tmp"
ASK = """
import sys, urllib.request
for _ in range(int(sys.argv[1])):
    try:
        print(urllib.request.urlopen("http://api:80/", timeout=10).read().decode().strip())
    except OSError as error:
        print(f"failed:{error}".replace(" ", "-"))
"""


@pytest.fixture
def reached(docker_settings: None, gateway: Callable[..., Any]) -> Iterator[None]:
    """The gateway where containers reach it."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        port = int(probe.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(gateway, host="0.0.0.0", port=port, log_level="warning", lifespan="off"))
    serving = asyncio.run_coroutine_threadsafe(server.serve(), process_loop())
    wait_for(lambda: server.started, timeout_s=20, what="the gateway")
    with override_settings(SIMFRA_PORT=port):
        yield
    server.should_exit = True
    serving.result(30)


@pytest.fixture
def stage(reached: None, docker_stage: DockerStage) -> DockerStage:
    return docker_stage


def test_services_find_each_other_and_failures_do_not_show(
    stage: DockerStage, aws: Callable[..., Any], awsvpc: dict[str, Any]
) -> None:
    aws("servicediscovery").create_http_namespace(Name="shop")
    programs = (("test", stage.image, SERVE), ("client", python_image(), "exec sleep 600"))
    for family, image, script in programs:
        stage.ecs.register_task_definition(
            family=family,
            networkMode="awsvpc",
            containerDefinitions=[
                {
                    "name": "app",
                    "image": image,
                    "memory": 64,
                    "stopTimeout": 2,
                    "command": ["sh", "-c", script],
                    "portMappings": [{"name": "http", "containerPort": 8080, "appProtocol": "http"}],
                }
            ],
        )
    offered = {"portName": "http", "discoveryName": "backend", "clientAliases": [{"port": 80, "dnsName": "api"}]}
    common = {"networkConfiguration": awsvpc}
    stage.ecs.create_service(
        serviceName="backend",
        taskDefinition="test",
        desiredCount=2,
        serviceConnectConfiguration={"enabled": True, "namespace": "shop", "services": [offered]},
        **common,
    )
    _steady(stage, "backend", 2)
    stage.ecs.create_service(
        serviceName="client",
        taskDefinition="client",
        desiredCount=1,
        serviceConnectConfiguration={"enabled": True, "namespace": "shop"},
        **common,
    )
    (client,) = _steady(stage, "client", 1)
    container = f"ecs-client-1-app-{client['taskArn'].rpartition('/')[2][:12]}"

    def ask(count: int) -> Counter[str]:
        command = engine.client().exec_create(container, ["python3", "-c", ASK, str(count)])
        return Counter(engine.client().exec_start(command["Id"]).decode().split())

    first = ask(10)
    assert sorted(first.values()) == [5, 5], first

    # One of them ends without a word: what it refuses is asked of the other.
    victim = stage.ecs.list_tasks(serviceName="backend")["taskArns"][0]
    task = stage.ecs.describe_tasks(tasks=[victim])["tasks"][0]
    engine.client().kill(stage.container(task, "app"))
    answers = ask(20)
    assert not [answer for answer in answers if answer.startswith("failed")]
    assert sum(answers.values()) == 20

    # Its replacement gets requests as well, and what is gone does not.
    stage.wait(victim, "STOPPED")
    _steady(stage, "backend", 2)
    wait_for(lambda: sorted(ask(10).values()) == [5, 5], timeout_s=PATIENCE_S, what="both of the tasks to be asked")


def _steady(stage: DockerStage, name: str, count: int) -> list[dict[str, Any]]:
    def reached() -> list[dict[str, Any]] | None:
        service = stage.ecs.describe_services(services=[name])["services"][0]
        arns = stage.ecs.list_tasks(serviceName=name)["taskArns"]
        if [each["rolloutState"] for each in service["deployments"]] != ["COMPLETED"] or len(arns) != count:
            return None
        tasks = stage.ecs.describe_tasks(tasks=arns)["tasks"]
        return tasks if all(task["lastStatus"] == "RUNNING" for task in tasks) else None

    return wait_for(reached, timeout_s=PATIENCE_S, every_s=0.2, what=f"{name} to be steady") or []
