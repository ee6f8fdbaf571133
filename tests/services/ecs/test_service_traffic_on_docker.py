"""Services behind a load balancer that carries real traffic, on a real engine."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from aws_api.core.network import network_provider
from tests.services.ecs.docker_stage import watching
from tests.services.elbv2.world import World, open_world
from tests.support.docker_engine import docker_settings
from tests.support.images import busybox_image
from tests.support.waiting import wait_for

__all__ = ["docker_settings"]
pytestmark = pytest.mark.docker

PATIENCE_S = 120
#: Asks over a few connections that stay open, until somebody makes the file; prints what was answered how often.
LOAD = """
import collections, http.client, json, os, sys, threading
found, lock = collections.Counter(), threading.Lock()
def ask():
    connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=10)
    while not os.path.exists(sys.argv[2]):
        try:
            connection.request("GET", "/index.html")
            answer = connection.getresponse()
            said = f"{answer.status} {answer.read().decode().strip()}"
        except (OSError, http.client.HTTPException) as error:
            said = repr(error)
            connection.close()
        with lock:
            found[said] += 1
threads = [threading.Thread(target=ask) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def world(docker_settings: None, gateway: Any) -> Iterator[World]:
    with open_world(gateway) as opened, watching():
        yield opened
        ecs = opened.aws("ecs")
        for arn in ecs.list_services()["serviceArns"]:
            ecs.delete_service(service=arn, force=True)
        wait_for(lambda: not running(opened), timeout_s=PATIENCE_S, every_s=0.2, what="the end of every task")


def running(world: World) -> list[str]:
    """Tasks that have not stopped."""
    ecs = world.aws("ecs")
    arns = [*ecs.list_tasks()["taskArns"], *ecs.list_tasks(desiredStatus="STOPPED")["taskArns"]]
    tasks = ecs.describe_tasks(tasks=arns)["tasks"] if arns else []
    return [task["taskArn"] for task in tasks if task["lastStatus"] != "STOPPED"]


def register(world: World, says: str, network_mode: str = "awsvpc") -> None:
    script = f"echo {says} > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"
    container = {
        "name": "app",
        "image": busybox_image(),
        "memory": 64,
        "stopTimeout": 2,
        "command": ["sh", "-c", script],
        "portMappings": [{"containerPort": 8080}],
    }
    world.aws("ecs").register_task_definition(family="app", networkMode=network_mode, containerDefinitions=[container])


def group(world: World, name: str, **members: Any) -> str:
    arn = world.group(name, HealthCheckPath="/index.html", **members)
    delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "2"}]
    world.aws("elbv2").modify_target_group_attributes(TargetGroupArn=arn, Attributes=delay)
    return arn


def listen(world: World, balancer: dict[str, Any], *groups: str) -> str:
    weights = [{"TargetGroupArn": arn, "Weight": 0 if index else 100} for index, arn in enumerate(groups)]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}
    (made,) = world.aws("elbv2").create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[action]
    )["Listeners"]
    return str(made["ListenerArn"])


def create(world: World, name: str, balancer: dict[str, Any], **request: Any) -> None:
    subnets = network_provider().default_subnet_ids(world.context)[:1]
    world.aws("ecs").create_service(
        serviceName=name,
        taskDefinition="app",
        desiredCount=2,
        networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}},
        loadBalancers=[{"containerName": "app", "containerPort": 8080, **balancer}],
        **request,
    )


def completed(world: World, name: str) -> str:
    """The id of the service's one deployment, once it is completed."""

    def done() -> str | None:
        (service,) = world.aws("ecs").describe_services(services=[name])["services"]
        states = [(each["id"], each["rolloutState"]) for each in service["deployments"]]
        return states[0][0] if len(states) == 1 and states[0][1] == "COMPLETED" else None

    return wait_for(done, timeout_s=PATIENCE_S, every_s=0.1, what=f"{name}'s deployment to be completed") or ""


def test_a_rolling_update_under_load_loses_no_request(world: World) -> None:
    balancer = world.load_balancer("rolling")
    target_group = group(world, "rolling")
    listen(world, balancer, target_group)
    register(world, "one")
    create(world, "rolling", {"targetGroupArn": target_group})
    before = completed(world, "rolling")
    with ThreadPoolExecutor(1) as asking:
        load = asking.submit(world.python, LOAD, balancer["Address"], "/tmp/rolled", timeout_s=PATIENCE_S)
        register(world, "two")
        world.aws("ecs").update_service(service="rolling", taskDefinition="app")
        wait_for(lambda: completed(world, "rolling") != before, timeout_s=PATIENCE_S, what="the new deployment")
        world.run("touch", "/tmp/rolled")
        found = json.loads(load.result())
    assert set(found) == {"200 one", "200 two"}, found
    assert sum(found.values()) > 1000
    assert world.get(f"http://{balancer['Address']}/index.html").body.strip() == "two"


def test_blue_green_shifts_the_traffic_at_once_and_goes_back(world: World) -> None:
    balancer = world.load_balancer("shifting")
    blue, green = group(world, "blue"), group(world, "green")
    listener = listen(world, balancer, blue, green)
    register(world, "blue")
    advanced = {
        "alternateTargetGroupArn": green,
        "productionListenerRule": listener,
        "roleArn": "arn:aws:iam::000000000000:role/ecs",
    }
    configuration = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 10}
    create(
        world,
        "shifting",
        {"targetGroupArn": blue, "advancedConfiguration": advanced},
        deploymentConfiguration=configuration,
    )
    first = completed(world, "shifting")
    url = f"http://{balancer['Address']}/index.html"
    ecs = world.aws("ecs")

    def says(text: str) -> bool:
        return {world.get(url).body.strip() for _ in range(4)} == {text}

    assert says("blue")
    register(world, "green")
    ecs.update_service(service="shifting", taskDefinition="app")
    wait_for(lambda: says("green"), timeout_s=PATIENCE_S, every_s=0.2, what="the shift")
    (under_way,) = ecs.list_service_deployments(service="shifting", status=["IN_PROGRESS"])["serviceDeployments"]
    ecs.stop_service_deployment(serviceDeploymentArn=under_way["serviceDeploymentArn"], stopType="ROLLBACK")
    wait_for(lambda: says("blue"), timeout_s=PATIENCE_S, every_s=0.2, what="the way back")
    assert completed(world, "shifting") == first


def test_tasks_on_the_bridge_are_targets_by_their_instance_and_dynamic_port(world: World) -> None:
    balancer = world.load_balancer("instances")
    target_group = group(world, "instances", TargetType="instance")
    listen(world, balancer, target_group)
    register(world, "bridge", network_mode="bridge")
    world.aws("ecs").create_service(
        serviceName="instances",
        taskDefinition="app",
        desiredCount=2,
        loadBalancers=[{"containerName": "app", "containerPort": 8080, "targetGroupArn": target_group}],
    )
    completed(world, "instances")
    described = world.aws("elbv2").describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
    (instance,) = {each["Target"]["Id"] for each in described}
    assert instance.startswith("i-")
    assert [each["TargetHealth"]["State"] for each in described] == ["healthy", "healthy"]
    assert len({each["Target"]["Port"] for each in described}) == 2
    assert world.get(f"http://{balancer['Address']}/index.html").body.strip() == "bridge"
