"""What faults do to tasks on a real engine: each seen from inside, or from another task."""

import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aws_api.core.faults import EffectType, make_fault, remove_faults
from aws_api.core.models import Fault
from tests.services.ecs.docker_stage import PATIENCE_S, DockerStage, docker_settings, docker_stage, shell
from tests.support.waiting import wait_for
from workers.models import Pull

__all__ = ["docker_settings", "docker_stage"]

Put = Callable[..., Fault]
RUNS_ON = "while :; do sleep 0.2; done"
TELLS = "trap 'exit 7' TERM; " + RUNS_ON
ON_FARGATE = {"cpu": "256", "memory": "512", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"]}


@pytest.fixture
def put(account: Any) -> Iterator[Put]:
    def make(effect_type: str, scope: dict[str, str], **effect: Any) -> Fault:
        return make_fault(
            account_id=account.account_id, region="", effect_type=EffectType(effect_type), scope=scope, effect=effect
        )

    yield make
    remove_faults(Fault.objects.filter(account_id=account.account_id))


def remove(fault: Fault) -> None:
    remove_faults(Fault.objects.filter(pk=fault.pk))


def until(held: Callable[[], Any], what: str) -> Any:
    return wait_for(held, timeout_s=PATIENCE_S, every_s=0.2, what=what)


def test_containers_are_killed_starved_and_kept_from_starting(docker_stage: DockerStage, put: Put) -> None:
    stage = docker_stage
    check = {"command": ["CMD", "true"], "interval": 5, "retries": 1}
    checked = stage.run(shell(RUNS_ON, healthCheck=check), until="RUNNING")["taskArn"]
    killed = stage.run(shell(TELLS), until="RUNNING")["taskArn"]
    starved = stage.run(shell(RUNS_ON, memory=512), until="RUNNING")["taskArn"]

    put("kill", {"task": killed})
    ended = stage.wait(killed, "STOPPED")
    assert (ended["stopCode"], ended["containers"][0]["exitCode"]) == ("EssentialContainerExited", 137)

    fault = put("out-of-memory", {"task": starved})
    ended = stage.wait(starved, "STOPPED")
    fault.refresh_from_db()
    assert fault.last_failure == ""
    assert ended["containers"][0]["exitCode"] == 137
    assert ended["containers"][0]["reason"] == "OutOfMemoryError: Container killed due to memory usage"

    def health() -> str:
        return str(stage.ecs.describe_tasks(tasks=[checked])["tasks"][0]["healthStatus"])

    until(lambda: health() == "HEALTHY", "checks that pass")
    fault = put("unhealthy", {"task": checked})
    until(lambda: health() == "UNHEALTHY", "checks that fail")
    remove(fault)
    until(lambda: health() == "HEALTHY", "checks that pass again")

    fault = put("pull-failure", {"container": "app"}, reason="no such host")
    ended = stage.run(shell(RUNS_ON), until="STOPPED")
    assert ended["stopCode"] == "TaskFailedToStart"
    assert re.match(r"CannotPullContainerError: .*no such host$", ended["stoppedReason"])
    remove(fault)

    fault = put("pull-delay", {"image": stage.image}, delay_s=600)
    late = stage.ecs.run_task(taskDefinition="test")["tasks"][0]["taskArn"]
    until(
        lambda: Pull.objects.filter(image=stage.image, status="PULLING", waiting__contains=[["ecs.task", late]]), "it"
    )
    assert stage.ecs.describe_tasks(tasks=[late])["tasks"][0]["lastStatus"] in ("PROVISIONING", "PENDING")
    remove(fault)
    stage.wait(late, "RUNNING")


def test_networks_and_capacity_are_taken_away(docker_stage: DockerStage, put: Put) -> None:
    stage = docker_stage
    subnets = {each["AvailabilityZone"]: each["SubnetId"] for each in stage.aws("ec2").describe_subnets()["Subnets"]}
    network = {"awsvpcConfiguration": {"subnets": [subnets["us-east-1a"]]}}
    stage.ecs.register_task_definition(
        family="test",
        containerDefinitions=[{"image": stage.image, **shell(TELLS), "stopTimeout": 30}],
        **ON_FARGATE,
    )
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    started = [
        stage.ecs.run_task(taskDefinition="test", networkConfiguration=network, **kind)["tasks"][0]["taskArn"]
        for kind in ({"capacityProviderStrategy": spot}, {"launchType": "FARGATE"})
    ]
    client, server = (stage.wait(arn, "RUNNING") for arn in started)
    address = next(
        each["value"] for each in server["attachments"][0]["details"] if each["name"] == "privateIPv4Address"
    )

    def pings(count: int = 1, every_s: float = 0.1) -> list[float]:
        """The times in milliseconds of those that were answered."""
        script = f"ping -c {count} -i {every_s} -W 2 {shlex.quote(address)}"
        return [float(each) for each in re.findall(r"time=([\d.]+) ms", stage.inside(client, "app", script))]

    until(pings, "the way from one task to the other")

    fault = put("network-cut", {"task": server["taskArn"]})
    until(lambda: not pings(), "the cut")
    assert stage.inside(server, "app", "echo still seen") == "still seen"
    assert stage.wait(server["taskArn"], "RUNNING")
    remove(fault)
    until(pings, "the way back")

    fault = put("network-latency", {"task": client["taskArn"]}, latency_ms=200, jitter_ms=20)
    until(lambda: min(pings(3), default=0) >= 170, "packets that come late")
    remove(fault)
    until(lambda: min(pings(3), default=1000) < 170, "packets in time")

    fault = put("network-packet-loss", {"task": client["taskArn"]}, loss=0.4)
    until(lambda: Fault.objects.get(pk=fault.pk).hits, "the loss")
    until(lambda: 0 < len(pings(20)) < 20, "packets that are lost")
    remove(fault)
    until(lambda: len(pings(20)) == 20, "packets that arrive")

    put("spot-interruption", {})
    ended = stage.wait(client["taskArn"], "STOPPED")
    assert (ended["stopCode"], ended["stoppedReason"]) == ("SpotInterruption", "Your Spot Task was interrupted.")
    assert ended["containers"][0]["exitCode"] == 7, "it heard SIGTERM and had time"

    put("availability-zone-loss", {}, zone="us-east-1a")
    ended = stage.wait(server["taskArn"], "STOPPED")
    assert (ended["stopCode"], ended["containers"][0]["exitCode"]) == ("TerminationNotice", 137)
