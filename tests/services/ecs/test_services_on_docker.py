"""Services on a real engine, in plain words: what people rely on ECS for."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.services.ecs.docker_stage import PATIENCE_S, DockerStage, docker_settings, docker_stage
from tests.support.waiting import wait_for
from workers.docker import engine

__all__ = ["docker_settings", "docker_stage"]

pytestmark = pytest.mark.docker

SERVE = "echo hello > /tmp/index.html && exec httpd -f -p 8080 -h /tmp"


@pytest.fixture
def stage(docker_stage: DockerStage) -> DockerStage:
    return docker_stage


def register(stage: DockerStage, script: str = "exec sleep 600", **members: Any) -> None:
    container = {
        "name": "app",
        "image": stage.image,
        "memory": 64,
        "stopTimeout": 2,
        "command": ["sh", "-c", script],
        "portMappings": [{"containerPort": 8080}],
        **members.pop("container", {}),
    }
    stage.ecs.register_task_definition(family="test", containerDefinitions=[container], **members)


def create(stage: DockerStage, count: int = 1, **request: Any) -> None:
    stage.ecs.create_service(serviceName="web", taskDefinition="test", desiredCount=count, **request)


def service(stage: DockerStage) -> dict[str, Any]:
    return dict(stage.ecs.describe_services(services=["web"])["services"][0])


def tasks(stage: DockerStage) -> list[dict[str, Any]]:
    arns = stage.ecs.list_tasks(serviceName="web")["taskArns"]
    return list(stage.ecs.describe_tasks(tasks=arns)["tasks"]) if arns else []


def steady(stage: DockerStage, count: int) -> dict[str, Any]:
    """Wait until the service runs so many tasks, in one deployment that is completed."""

    def reached() -> dict[str, Any] | None:
        found = service(stage)
        is_done = [each["rolloutState"] for each in found["deployments"]] == ["COMPLETED"]
        return found if is_done and found["runningCount"] == count == len(tasks(stage)) else None

    return wait_for(reached, timeout_s=PATIENCE_S, every_s=0.1, what=f"{count} running tasks") or {}


def test_a_bad_image_trips_the_breaker_and_the_service_goes_back(stage: DockerStage) -> None:
    register(stage)
    create(stage, 1, deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}})
    good = steady(stage, 1)["deployments"][0]["id"]
    (served,) = tasks(stage)
    register(stage, container={"image": "localhost:1/none:1"})
    stage.ecs.update_service(service="web", taskDefinition="test")

    def went_back() -> bool:
        messages = [event["message"] for event in service(stage)["events"]]
        return f"(service web) rolling back to deployment {good}." in messages

    wait_for(went_back, timeout_s=PATIENCE_S, every_s=0.2, what="the rollback")
    assert steady(stage, 1)["deployments"][0]["id"] == good
    assert [task["taskArn"] for task in tasks(stage)] == [served["taskArn"]], "it never stopped serving"


def test_a_program_that_ends_at_once_keeps_no_deployment(stage: DockerStage) -> None:
    register(stage)
    create(stage, 1, deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}})
    good = steady(stage, 1)["deployments"][0]["id"]
    register(stage, "exit 1")
    stage.ecs.update_service(service="web", taskDefinition="test")
    wait_for(
        lambda: any("deployment failed" in event["message"] for event in service(stage)["events"]),
        timeout_s=PATIENCE_S,
        every_s=0.2,
        what="the breaker",
    )
    assert steady(stage, 1)["deployments"][0]["id"] == good


def test_a_rolling_update_never_leaves_the_service_without_a_task_that_answers(stage: DockerStage, awsvpc: Any) -> None:
    register(stage, SERVE)
    create(stage, 1)
    old = steady(stage, 1)["deployments"][0]["id"]
    register(stage, SERVE)
    stage.ecs.update_service(service="web", taskDefinition="test")
    answered: list[bool] = []

    def rolled_out() -> bool:
        answered.append(any(map(_answers, tasks(stage))))
        deployments = service(stage)["deployments"]
        return [(each["id"] == old, each["rolloutState"]) for each in deployments] == [(False, "COMPLETED")]

    wait_for(rolled_out, timeout_s=PATIENCE_S, every_s=0.05, what="the new deployment")
    assert all(answered)


def test_a_daemon_runs_once_on_each_instance(stage: DockerStage) -> None:
    register(stage)
    stage.ecs.create_service(serviceName="web", taskDefinition="test", schedulingStrategy="DAEMON")
    steady(stage, 1)
    stage.ecs.update_service(service="web", forceNewDeployment=True)
    steady(stage, 1)


def test_names_of_cloud_map_follow_the_tasks(stage: DockerStage, awsvpc: Any, aws: Callable[..., Any]) -> None:
    cloud_map = aws("servicediscovery")
    vpc = aws("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    cloud_map.create_private_dns_namespace(Name="local", Vpc=vpc)
    registry = cloud_map.create_service(
        Name="web",
        NamespaceId=cloud_map.list_namespaces()["Namespaces"][0]["Id"],
        DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 1}]},
    )["Service"]
    register(stage, SERVE, networkMode="awsvpc")
    create(stage, 2, networkConfiguration=awsvpc, serviceRegistries=[{"registryArn": registry["Arn"]}])
    steady(stage, 2)

    def registered() -> set[str]:
        found = cloud_map.list_instances(ServiceId=registry["Id"])["Instances"]
        return {each["Attributes"]["AWS_INSTANCE_IPV4"] for each in found}

    def addresses() -> set[str]:
        return {task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] for task in tasks(stage)}

    assert registered() == addresses()
    asking, other = tasks(stage)
    output = stage.inside(asking, "app", "wget -q -O - http://web.local:8080/index.html")
    assert output == "hello"
    engine.client().kill(stage.container(other, "app"))
    stage.wait(other["taskArn"], "STOPPED")
    steady(stage, 2)
    wait_for(lambda: registered() == addresses(), timeout_s=PATIENCE_S, every_s=0.1, what="the new address")


def _answers(task: dict[str, Any]) -> bool:
    bindings = task["containers"][0].get("networkBindings") or [{}]
    port = bindings[0].get("hostPort")
    if port is None:
        return False
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
