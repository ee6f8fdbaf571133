"""Tasks on the host: whose ports are published, from when and until when."""

from typing import Any

import pytest
from django.test import override_settings

from aws_api.core.host_ports import Origin, Purpose, published
from tests.services.ecs.stage import Stage

PORTS = [{"containerPort": 80}, {"containerPort": 53, "protocol": "udp"}, {"containerPortRange": "9000-9002"}]


def public(awsvpc: dict[str, Any]) -> dict[str, Any]:
    return {"awsvpcConfiguration": {**awsvpc["awsvpcConfiguration"], "assignPublicIp": "ENABLED"}}


@pytest.fixture
def web(register: Any) -> str:
    register(
        "web",
        {"name": "app", "portMappings": PORTS},
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
    )
    return "web"


def test_a_task_with_a_public_address_is_on_the_host_while_it_runs(stage: Stage, web: str, awsvpc: Any) -> None:
    arn = stage.run(web, networkConfiguration=public(awsvpc), launchType="FARGATE")
    ports = published(arn)
    assert [(port.target.protocol, port.target.port, port.target.wanted_port) for port in ports] == [
        ("tcp", 80, 80),
        ("tcp", 9000, 9000),
        ("tcp", 9001, 9001),
        ("tcp", 9002, 9002),
        ("udp", 53, 53),
    ]
    assert {(port.purpose, port.target.origin) for port in ports} == {(Purpose.PUBLIC, Origin.INTERNET)}
    address = stage.describe(arn)["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    assert {port.target.address for port in ports} == {address}
    stage.ecs.stop_task(task=arn)
    stage.settle()
    assert published(arn) == []


def test_a_private_task_is_not_on_the_host(stage: Stage, web: str, awsvpc: Any) -> None:
    assert published(stage.run(web, networkConfiguration=awsvpc, launchType="FARGATE")) == []


def test_without_isolation_every_task_is_whatever_its_groups_say(stage: Stage, web: str, awsvpc: Any) -> None:
    with override_settings(SIMFRA_VPC_ISOLATION=False):
        ports = published(stage.run(web, networkConfiguration=awsvpc, launchType="FARGATE"))
    assert {port.target.origin for port in ports} == {Origin.ROUTER}
    assert len(ports) == 5
