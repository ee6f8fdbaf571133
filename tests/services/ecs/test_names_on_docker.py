"""Services of ECS that find each other by Cloud Map's names, on a real engine."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aws_api.core import bus
from aws_api.core.execution import run_on_loop
from aws_api.core.telling import TOPIC
from tests.services.ecs.docker_stage import PATIENCE_S, DockerStage, docker_settings, docker_stage
from tests.support.waiting import wait_for
from workers.docker import engine
from workers.docker.runtime import DockerRuntime
from workers.telling import Teller

__all__ = ["docker_settings", "docker_stage"]

pytestmark = pytest.mark.docker

PORT = 8080
#: Says its name to whoever asks; when it is told to end, what the others are by then.
PROGRAM = """
trap 'nslookup -type=a order-processor.local; echo asked; exit 0' TERM
echo {name} > /tmp/index.html
httpd -f -p 8080 -h /tmp & wait
"""


@pytest.fixture
def telling(docker_stage: DockerStage) -> Iterator[None]:
    """Changes of names reach the VPCs' gateways at once, as a worker sees to."""
    teller = Teller(DockerRuntime())

    async def listen() -> None:
        await bus.process_bus().listen(TOPIC, teller.hear)

    async def unlisten() -> None:
        await bus.process_bus().unlisten(TOPIC, teller.hear)

    run_on_loop(listen())
    yield
    run_on_loop(unlisten())


@pytest.fixture
def network(aws: Callable[..., Any]) -> dict[str, Any]:
    """A subnet of the default VPC, in whose default group all may call each other."""
    subnet = aws("ec2").describe_subnets()["Subnets"][0]
    return {"awsvpcConfiguration": {"subnets": [subnet["SubnetId"]]}}


@pytest.fixture
def namespace_id(aws: Callable[..., Any]) -> str:
    vpc = aws("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    aws("servicediscovery").create_private_dns_namespace(Name="local", Vpc=vpc)
    return str(aws("servicediscovery").list_namespaces()["Namespaces"][0]["Id"])


class Services:
    """Services of the stage, each behind a name."""

    def __init__(self, stage: DockerStage, network: dict[str, Any], namespace_id: str) -> None:
        self.stage = stage
        self._network = network
        self._namespace_id = namespace_id

    def add(self, name: str, count: int, *types: str) -> None:
        records = [{"Type": type_, "TTL": 1} for type_ in types]
        registry = self.stage.aws("servicediscovery").create_service(
            Name=name, NamespaceId=self._namespace_id, DnsConfig={"DnsRecords": records}
        )["Service"]["Arn"]
        container = {
            "name": "app",
            "image": self.stage.image,
            "memory": 64,
            "stopTimeout": 10,
            "command": ["sh", "-c", PROGRAM.format(name=name)],
            "portMappings": [{"containerPort": PORT}],
        }
        self.stage.ecs.register_task_definition(family="test", networkMode="awsvpc", containerDefinitions=[container])
        place = {"containerName": "app", "containerPort": PORT} if "SRV" in types else {}
        self.stage.ecs.create_service(
            serviceName=name,
            taskDefinition="test",
            desiredCount=count,
            networkConfiguration=self._network,
            serviceRegistries=[{"registryArn": registry, **place}],
        )

    def tasks(self, name: str, count: int) -> list[dict[str, Any]]:
        """The service's tasks, once so many run and its deployment is completed."""

        def running() -> list[dict[str, Any]]:
            (service,) = self.stage.ecs.describe_services(services=[name])["services"]
            arns = self.stage.ecs.list_tasks(serviceName=name)["taskArns"]
            is_there = service["deployments"][0]["rolloutState"] == "COMPLETED" and len(arns) == count
            return list(self.stage.ecs.describe_tasks(tasks=arns)["tasks"]) if is_there else []

        return list(wait_for(running, timeout_s=PATIENCE_S, every_s=0.1, what=f"{count} tasks of {name}") or [])


def address(task: dict[str, Any]) -> str:
    return str(task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"])


def test_two_services_find_each_other_and_a_stopped_task_leaves_dns_before_its_program_ends(
    docker_stage: DockerStage, telling: None, network: dict[str, Any], namespace_id: str
) -> None:
    services = Services(docker_stage, network, namespace_id)
    services.add("order-processor", 2, "A")
    services.add("order-api", 1, "A", "SRV")
    first, second = services.tasks("order-processor", 2)
    (api,) = services.tasks("order-api", 1)

    def inside(task: dict[str, Any], script: str) -> str:
        return docker_stage.inside(task, "app", script)

    def both_are_known() -> bool:
        found = inside(api, "nslookup -type=a order-processor.local")
        return address(first) in found and address(second) in found

    wait_for(both_are_known, timeout_s=PATIENCE_S, every_s=0.2, what="both tasks' addresses")
    assert inside(api, "wget -q -O - http://order-processor.local:8080/index.html") == "order-processor"
    assert inside(first, "wget -q -O - http://order-api.local:8080/index.html") == "order-api"
    told = inside(first, "nslookup -type=srv order-api.local")
    assert f" {PORT} " in told, told
    assert ".order-api.local" in told

    docker_stage.hold(first["taskArn"], wanted=True)
    docker_stage.ecs.stop_task(task=first["taskArn"])
    docker_stage.wait(first["taskArn"], "STOPPED")
    last_words = engine.client().logs(docker_stage.container(first, "app")).decode()
    docker_stage.hold(first["taskArn"], wanted=False)
    assert "asked" in last_words
    # It could still ask, and was itself no answer any more.
    assert address(second) in last_words
    assert address(first) not in last_words
