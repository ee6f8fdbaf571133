"""Service Connect on a real engine: services find each other by their aliases, and failing tasks do not matter."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from django.conf import settings
from django.test import override_settings

from aws_api.core.execution import process_loop
from tests.services import elbv2
from tests.services.ecs.docker_stage import PATIENCE_S, DockerStage, docker_settings, docker_stage
from tests.support.waiting import wait_for
from workers.docker import engine

__all__ = ["docker_settings", "docker_stage"]

pytestmark = pytest.mark.docker

#: Says which task it is over HTTP on 8080, and answers gRPC on 8081.
SERVER = Path(elbv2.__file__).with_name("target_server.py").read_text()
SERVE = ["python3", "-c", SERVER, "8080", "9001", "9002", "8081"]
PORTS = [
    {"name": "http", "containerPort": 8080, "appProtocol": "http"},
    {"name": "grpc", "containerPort": 8081, "appProtocol": "grpc"},
]
ASK = """
import json, sys, urllib.request
for _ in range(int(sys.argv[2])):
    try:
        print(json.load(urllib.request.urlopen("http://api:80" + sys.argv[1], timeout=10))["host"])
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
    for family, command in (("test", SERVE), ("client", ["sleep", "600"])):
        stage.ecs.register_task_definition(
            family=family,
            networkMode="awsvpc",
            containerDefinitions=[
                {
                    "name": "app",
                    "image": settings.SIMFRA_SIDECAR_IMAGE,
                    "memory": 128,
                    "stopTimeout": 2,
                    "command": command,
                    "portMappings": PORTS,
                }
            ],
        )
    offered = [
        {
            "portName": "http",
            "discoveryName": "backend",
            "clientAliases": [{"port": 80, "dnsName": "api"}],
            "ingressPortOverride": 15_000,
        },
        {"portName": "grpc", "discoveryName": "calls", "clientAliases": [{"port": 50_051, "dnsName": "calls"}]},
    ]
    common = {"networkConfiguration": awsvpc}
    stage.ecs.create_service(
        serviceName="backend",
        taskDefinition="test",
        desiredCount=2,
        serviceConnectConfiguration={"enabled": True, "namespace": "shop", "services": offered},
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

    def run(*command: str) -> str:
        created = engine.client().exec_create(container, list(command))
        return str(engine.client().exec_start(created["Id"]).decode())

    def ask(count: int, path: str = "/") -> Counter[str]:
        return Counter(run("python3", "-c", ASK, path, str(count)).split())

    first = ask(10)
    assert sorted(first.values()) == [5, 5], first
    # On their way in they come through the port that the service has for that.
    places = aws("servicediscovery").discover_instances(NamespaceName="shop", ServiceName="backend")["Instances"]
    assert {place["Attributes"]["AWS_INSTANCE_PORT"] for place in places} == {"15000"}
    called = run(
        "curl", "-sv", "--http2-prior-knowledge", "-H", "content-type: application/grpc", "-H", "te: trailers",
        "--data-binary", "hello", "-D", "-", "-o", "/dev/null", "http://calls:50051/test.Service/Call",
    )  # fmt: skip
    assert "grpc-status: 0" in called

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

    # One of them fails: after five failures in a row it is asked no more, for a while.
    failing = stage.ecs.list_tasks(serviceName="backend")["taskArns"][0]
    task = stage.ecs.describe_tasks(tasks=[failing])["tasks"][0]
    fail = "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/set-health?500')"
    stage.inside(task, "app", f'python3 -c "{fail}"')
    answers = ask(40, "/health")
    failed = sum(count for answer, count in answers.items() if answer.startswith("failed"))
    assert 5 <= failed < 10, answers
    assert len(ask(10, "/health")) == 1


def _steady(stage: DockerStage, name: str, count: int) -> list[dict[str, Any]]:
    def reached() -> list[dict[str, Any]] | None:
        service = stage.ecs.describe_services(services=[name])["services"][0]
        arns = stage.ecs.list_tasks(serviceName=name)["taskArns"]
        if [each["rolloutState"] for each in service["deployments"]] != ["COMPLETED"] or len(arns) != count:
            return None
        tasks = stage.ecs.describe_tasks(tasks=arns)["tasks"]
        return tasks if all(task["lastStatus"] == "RUNNING" for task in tasks) else None

    return wait_for(reached, timeout_s=PATIENCE_S, every_s=0.2, what=f"{name} to be steady") or []
