"""What a task as a whole may take: memory and processor that its containers share, and volumes of a size."""

from typing import Any

import pytest
from django.test import override_settings

from tests.services.ecs.docker_stage import DockerStage, docker_settings, docker_stage, shell
from workers.docker import cgroups, engine

__all__ = ["docker_settings", "docker_stage"]

pytestmark = pytest.mark.docker

MIB = 1024 * 1024
HOLD = {"tmpfs": [{"containerPath": "/held", "size": 100}]}


@pytest.fixture
def stage(docker_stage: DockerStage) -> DockerStage:
    return docker_stage


def test_the_containers_of_a_task_have_its_memory_and_processor_together(stage: DockerStage) -> None:
    if not cgroups.can_nest():
        pytest.skip("The engine's containers have limits of their own alone.")
    fill = "head -c 70000000 /dev/zero >/held/it"
    task = stage.run(
        shell(f"{fill}; exec sleep 600", memory=None, linuxParameters=HOLD, stopTimeout=2),
        {
            "name": "late",
            "command": ["sh", "-c", f"until [ -e /tmp/go ]; do sleep 0.1; done; {fill}; echo $?; exec sleep 600"],
            "memory": None,
            "linuxParameters": HOLD,
            "stopTimeout": 2,
        },
        until="RUNNING",
        cpu="512",
        memory="128",
    )
    groups = {stage.inside(task, name, "grep :memory: /proc/1/cgroup").rpartition("/")[0] for name in ("app", "late")}
    assert len(groups) == 1, "both are in one group"
    parent = groups.pop().rpartition("/")[2]
    owner = engine.client().inspect_container(parent)["HostConfig"]
    assert (owner["Memory"], owner["NanoCpus"]) == (128 * MIB, 500_000_000)
    stage.inside(task, "late", "touch /tmp/go")
    stopped = stage.wait(task["taskArn"], "STOPPED")
    reasons = {container["name"]: container.get("reason", "") for container in stopped["containers"]}
    assert any("OutOfMemoryError" in reason for reason in reasons.values()), stopped


def test_a_volume_configured_at_launch_has_its_size_where_volumes_are_in_memory(stage: DockerStage) -> None:
    def run() -> dict[str, Any]:
        container = {
            **shell("exec sleep 600", stopTimeout=2),
            "image": stage.image,
            "memory": 64,
            "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
        }
        volumes = [{"name": "data", "configuredAtLaunch": True}]
        stage.ecs.register_task_definition(family="test", containerDefinitions=[container], volumes=volumes)
        ebs = {"roleArn": f"arn:aws:iam::{stage.account_id}:role/ecs", "sizeInGiB": 3}
        configurations = [{"name": "data", "managedEBSVolume": ebs}]
        task = stage.ecs.run_task(taskDefinition="test", volumeConfigurations=configurations)["tasks"][0]
        return stage.wait(task["taskArn"], "RUNNING")

    with override_settings(SIMFRA_SIZED_VOLUMES="memory"):
        task = run()
    assert stage.inside(task, "app", "df -k /data | tail -1").split()[1] == str(3 * 1024 * 1024)
    # An engine whose disk keeps no sizes gives it all that there is.
    on_disk = run()
    assert stage.inside(on_disk, "app", "touch /data/file && ls /data") == "file"
