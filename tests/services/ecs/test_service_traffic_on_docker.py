"""Services behind a load balancer that carries real traffic, on a real engine."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from aws_api.core.clock import SHARED_CLOCK, MovableClock
from aws_api.core.containers import Observation, Plan
from aws_api.core.metric_sources import MetricQuery, read_metric
from aws_api.core.network import network_provider
from aws_api.core.reconcile import Round, get_controller, kick
from tests.services.ecs.docker_stage import watching
from tests.services.ecs.service_stage import advance, clock
from tests.services.elbv2.world import World, open_world
from tests.support.docker_engine import docker_settings
from tests.support.images import busybox_image
from tests.support.waiting import wait_for
from workers.docker import engine

__all__ = ["clock", "docker_settings"]
pytestmark = pytest.mark.docker

PATIENCE_S = 120
#: Minutes that a policy may take to scale: three are enough.
MAX_MINUTES = 8
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
    defaults = {"desiredCount": 2, "networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets}}}
    world.aws("ecs").create_service(
        serviceName=name,
        taskDefinition="app",
        loadBalancers=[{"containerName": "app", "containerPort": 8080, **balancer}],
        **{**defaults, **request},
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


def test_blue_green_goes_back_when_an_alarm_fires_and_is_done_after_its_bake(world: World, clock: MovableClock) -> None:
    ecs, cloudwatch = world.aws("ecs"), world.aws("cloudwatch")
    balancer = world.load_balancer("shifting")
    blue, green = group(world, "blue"), group(world, "green")
    listener = listen(world, balancer, blue, green)
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        Namespace="shop",
        MetricName="errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    register(world, "blue")
    advanced = {
        "alternateTargetGroupArn": green,
        "productionListenerRule": listener,
        "roleArn": "arn:aws:iam::000000000000:role/ecs",
    }
    create(
        world,
        "shifting",
        {"targetGroupArn": blue, "advancedConfiguration": advanced},
        desiredCount=1,
        deploymentConfiguration={
            "strategy": "BLUE_GREEN",
            "bakeTimeInMinutes": 10,
            "alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True},
        },
    )
    first = completed(world, "shifting")
    url = f"http://{balancer['Address']}/index.html"

    def says(text: str) -> bool:
        return {world.get(url).body.strip() for _ in range(4)} == {text}

    def stage() -> tuple[str, str]:
        arn = ecs.list_service_deployments(service="shifting")["serviceDeployments"][0]["serviceDeploymentArn"]
        (found,) = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
        return found["status"], found.get("lifecycleStage", "")

    def baking() -> bool:
        return stage() == ("IN_PROGRESS", "BAKE_TIME")

    assert says("blue")
    register(world, "green")
    ecs.update_service(service="shifting", taskDefinition="app")
    wait_for(baking, timeout_s=PATIENCE_S, every_s=0.2, what="the bake")
    wait_for(lambda: says("green"), timeout_s=PATIENCE_S, every_s=0.2, what="the shift")
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="the test says so")
    wait_for(lambda: says("blue"), timeout_s=PATIENCE_S, every_s=0.2, what="the way back")
    assert completed(world, "shifting") == first
    assert stage()[0] == "ROLLBACK_SUCCESSFUL"
    assert any(message.endswith("deployment failed: alarm detected.") for message in messages(world, "shifting"))

    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="OK", StateReason="the test says so")
    ecs.update_service(service="shifting", taskDefinition="app", forceNewDeployment=True)
    wait_for(baking, timeout_s=PATIENCE_S, every_s=0.2, what="the bake")
    assert len(world.health_of_all(blue)) == 1, "the old task stays until the bake is over"
    advance(clock, 601)
    kick("ecs.service", ecs.describe_services(services=["shifting"])["services"][0]["serviceArn"])
    assert completed(world, "shifting") != first
    assert stage()[0] == "SUCCESSFUL"
    wait_for(lambda: says("green"), timeout_s=PATIENCE_S, every_s=0.2, what="the shift")


def test_a_service_on_the_bridge_scales_out_and_in_and_replaces_a_killed_task(world: World) -> None:
    ecs = world.aws("ecs")
    balancer = world.load_balancer("instances")
    target_group = group(world, "instances", TargetType="instance")
    listen(world, balancer, target_group)
    register(world, "bridge", network_mode="bridge")
    create(world, "instances", {"targetGroupArn": target_group}, networkConfiguration={})
    completed(world, "instances")
    (instance,) = {place for place, _ in world.health_of_all(target_group)}
    assert instance.startswith("i-")
    assert world.get(f"http://{balancer['Address']}/index.html").body.strip() == "bridge"

    scaled(world, "instances", 10, target_group)
    victim = ecs.list_tasks(serviceName="instances")["taskArns"][0]
    (task,) = ecs.describe_tasks(tasks=[victim])["tasks"]
    place = (instance, task["containers"][0]["networkBindings"][0]["hostPort"])
    engine.client().kill(task["containers"][0]["runtimeId"])
    wait_for(lambda: victim not in ecs.list_tasks(serviceName="instances")["taskArns"], timeout_s=PATIENCE_S)
    healthy = scaled(world, "instances", 10, target_group)
    assert place not in healthy, "its replacement is registered at another port"
    scaled(world, "instances", 1, target_group)


def test_requests_for_each_target_scale_a_service(world: World, clock: MovableClock) -> None:
    ecs, scaling = world.aws("ecs"), world.aws("application-autoscaling")
    balancer = world.load_balancer("asked")
    target_group, spare = group(world, "asked"), group(world, "spare")
    listen(world, balancer, target_group, spare)
    register(world, "asked")
    create(world, "asked", {"targetGroupArn": target_group}, desiredCount=1)
    completed(world, "asked")
    place = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/default/asked",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    dimensions = {
        "LoadBalancer": balancer["LoadBalancerArn"].rpartition(":loadbalancer/")[2],
        "TargetGroup": target_group.rpartition(":")[2],
    }
    scaling.register_scalable_target(**place, MinCapacity=1, MaxCapacity=2)
    scaling.put_scaling_policy(
        **place,
        PolicyName="requests",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 10.0,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ALBRequestCountPerTarget",
                "ResourceLabel": "/".join(dimensions.values()),
            },
        },
    )
    for minute in range(1, MAX_MINUTES + 1):
        assert len(world.many(f"http://{balancer['Address']}/index.html", 30)) == 30
        # A change makes the load balancer report at once.
        world.register(spare, 8001)
        world.deregister(spare, 8001)
        await_requests(world, dimensions, 30 * minute)
        advance(clock, 60)
        evaluate(world)
        if ecs.describe_services(services=["asked"])["services"][0]["desiredCount"] == 2:
            break
    scaled(world, "asked", 2, target_group, is_set=True)
    (activity,) = scaling.describe_scaling_activities(**place)["ScalingActivities"]
    assert "-AlarmHigh-" in activity["Cause"]


def scaled(world: World, name: str, count: int, group: str, *, is_set: bool = False) -> set[tuple[str, int]]:
    """Ask for so many tasks, and wait until as many are healthy targets, and nothing else is one."""
    if not is_set:
        world.aws("ecs").update_service(service=name, desiredCount=count)

    def reached() -> set[tuple[str, int]] | None:
        found = world.health_of_all(group)
        (service,) = world.aws("ecs").describe_services(services=[name])["services"]
        is_there = set(found.values()) == {"healthy"} and len(found) == count == service["runningCount"]
        return set(found) if is_there else None

    return wait_for(reached, timeout_s=PATIENCE_S, every_s=0.2, what=f"{count} healthy targets") or set()


def messages(world: World, name: str) -> list[str]:
    (service,) = world.aws("ecs").describe_services(services=[name])["services"]
    return [event["message"] for event in service["events"]]


def await_requests(world: World, dimensions: dict[str, str], count: int) -> None:
    """Wait until the load balancer has told of so many requests in all."""
    now = SHARED_CLOCK.now()
    query = MetricQuery(
        account_id=world.account.account_id,
        region="us-east-1",
        name="RequestCount",
        dimensions=dimensions,
        start=now - timedelta(hours=1),
        end=now + timedelta(hours=1),
    )

    def are_told() -> bool:
        return sum(minute.sum for minute in read_metric("AWS/ApplicationELB", query)) >= count

    wait_for(are_told, timeout_s=PATIENCE_S, what=f"the figures of {count} requests")


def evaluate(world: World) -> None:
    """What the sweep does for alarms and scaling."""
    for kind in ("cloudwatch.alarms", "application-autoscaling"):
        controller = get_controller(kind)
        desired = controller.load(f"{world.account.account_id}/us-east-1")
        if desired is not None:
            controller.record(desired, Round(at=SHARED_CLOCK.now(), plan=Plan(), observed=Observation()))
