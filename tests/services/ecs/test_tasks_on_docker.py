"""Tasks on a real engine, from RunTask to the last container's end, with the worker's and the watcher's own code."""

import urllib.request
from typing import Any

import pytest

from tests.services.ecs.docker_stage import PATIENCE_S, DockerStage, docker_settings, docker_stage, shell
from tests.support.waiting import wait_for
from workers.docker import engine

__all__ = ["docker_settings", "docker_stage"]

pytestmark = pytest.mark.docker


@pytest.fixture
def stage(docker_stage: DockerStage) -> DockerStage:
    return docker_stage


def test_a_task_ends_with_its_programs_exit_code_and_leaves_no_container(stage: DockerStage) -> None:
    task = stage.run(shell("exit 3"), until="STOPPED")
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert task["containers"][0]["exitCode"] == 3
    names = [name for one in engine.client().containers(all=True) for name in one["Names"]]
    assert f"/{stage.container(task, 'app')}" not in names


def test_a_running_task_is_stopped_with_sigterm(stage: DockerStage) -> None:
    task = stage.run(shell('trap "exit 7" TERM; while :; do sleep 0.1; done'), until="RUNNING")
    stage.ecs.stop_task(task=task["taskArn"], reason="enough")
    stopped = stage.wait(task["taskArn"], "STOPPED")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "enough")
    assert stopped["containers"][0]["exitCode"] == 7


def test_a_task_that_does_not_listen_is_killed_after_its_stop_timeout(stage: DockerStage) -> None:
    task = stage.run(shell('trap "" TERM; while :; do sleep 0.1; done', stopTimeout=2), until="RUNNING")
    stage.ecs.stop_task(task=task["taskArn"])
    assert stage.wait(task["taskArn"], "STOPPED")["containers"][0]["exitCode"] == 137


def test_an_image_that_cannot_be_pulled_stops_the_task(stage: DockerStage) -> None:
    task = stage.run(shell("true", image="localhost:1/none:1"), until="STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")


def test_a_program_that_takes_too_much_memory_is_killed_and_says_so(stage: DockerStage) -> None:
    container = stage.run(shell("tail /dev/zero", memory=8), until="STOPPED")["containers"][0]
    assert container["exitCode"] == 137
    assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_a_bridge_tasks_port_is_published_where_its_binding_says(stage: DockerStage) -> None:
    script = "echo hello > /tmp/index.html && exec httpd -f -p 8080 -h /tmp"
    task = stage.run(shell(script, portMappings=[{"containerPort": 8080}]), until="RUNNING")
    (binding,) = task["containers"][0]["networkBindings"]
    assert (binding["containerPort"], binding["protocol"]) == (8080, "tcp")

    def served() -> bytes:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{binding['hostPort']}/index.html", timeout=2) as answer:
                return bytes(answer.read())
        except OSError:
            return b""

    assert wait_for(served, what="an answer") == b"hello\n"


def test_containers_wait_for_those_they_depend_on(stage: DockerStage) -> None:
    check = {"command": ["CMD-SHELL", "test -e /tmp/ready"], "interval": 5, "retries": 5, "timeout": 2}
    task = stage.run(
        {"name": "init", "essential": False, "command": ["true"]},
        {"name": "db", "command": ["sh", "-c", "touch /tmp/ready; sleep 600"], "healthCheck": check},
        shell(
            "exit 4",
            dependsOn=[
                {"containerName": "init", "condition": "SUCCESS"},
                {"containerName": "db", "condition": "HEALTHY"},
            ],
        ),
        until="STOPPED",
    )
    codes = {container["name"]: container["exitCode"] for container in task["containers"]}
    assert (codes["init"], codes["app"]) == (0, 4)
    assert codes["db"] in (137, 143)


def test_an_awsvpc_task_has_its_interfaces_address_and_its_output_is_in_its_log_group(
    stage: DockerStage, awsvpc: Any
) -> None:
    options = {
        "awslogs-group": "/ecs/test",
        "awslogs-region": "us-east-1",
        "awslogs-stream-prefix": "ecs",
        "awslogs-create-group": "true",
    }
    task = stage.run(
        shell(
            "ip -4 addr show eth0; echo $ECS_CONTAINER_METADATA_URI_V4; cat /etc/resolv.conf",
            logConfiguration={"logDriver": "awslogs", "options": options},
        ),
        until="STOPPED",
        networkMode="awsvpc",
        network=awsvpc,
    )
    details = {detail["name"]: detail["value"] for detail in task["attachments"][0]["details"]}
    assert task["containers"][0]["exitCode"] == 0
    stream = f"ecs/app/{task['taskArn'].rpartition('/')[2]}"

    def output() -> str:
        events = stage.aws("logs").get_log_events(logGroupName="/ecs/test", logStreamName=stream)["events"]
        text = "\n".join(event["message"] for event in events)
        return text if "nameserver" in text else ""

    text = wait_for(output, timeout_s=PATIENCE_S, every_s=0.2, what="the output")
    assert f"inet {details['privateIPv4Address']}/20" in text
    assert "http://169.254.170.2/v4/" in text
    assert "nameserver 172.31.0.2" in text


def test_a_task_whose_network_namespace_dies_stops(stage: DockerStage, awsvpc: Any) -> None:
    task = stage.run(shell("sleep 600"), until="RUNNING", networkMode="awsvpc", network=awsvpc)
    assert task["attachments"][0]["status"] == "ATTACHED"
    engine.client().kill(stage.container(task, "pause"))
    stopped = stage.wait(task["taskArn"], "STOPPED")
    assert stopped["stopCode"] == "EssentialContainerExited"
    assert stopped["attachments"][0]["status"] == "DELETED"
