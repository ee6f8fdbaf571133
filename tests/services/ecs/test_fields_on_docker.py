"""What the fields of a definition do on a real engine, seen from inside the containers. Several fields a task."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from docker.errors import NotFound

from aws_api.services.ecs.explain import explain
from aws_api.services.ecs.models import Task, TaskDefinition
from tests.services.ecs.docker_stage import PATIENCE_S, DockerStage, docker_settings, docker_stage, shell
from tests.support.waiting import wait_for
from workers.docker import engine

__all__ = ["docker_settings", "docker_stage"]

pytestmark = pytest.mark.docker

MIB = 1024 * 1024
NAMESPACES = "readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc"
SLEEP = {"command": ["sleep", "600"], "stopTimeout": 2}


@pytest.fixture
def stage(docker_stage: DockerStage) -> DockerStage:
    return docker_stage


@pytest.fixture
def volumes() -> Iterator[list[str]]:
    """Names of volumes that outlive their tasks, to be removed at the end."""
    names: list[str] = []
    yield names
    for name in names:
        if has_volume(name):
            engine.client().remove_volume(name)


def execution_role(stage: DockerStage) -> str:
    """A role that ECS may assume and that may do everything."""
    service = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    trust, rights = (json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in (service, everything))
    iam = stage.aws("iam")
    role = iam.create_role(RoleName="execution", AssumeRolePolicyDocument=trust)["Role"]
    iam.put_role_policy(RoleName="execution", PolicyName="all", PolicyDocument=rights)
    return str(role["Arn"])


def has_volume(name: str) -> bool:
    try:
        engine.client().inspect_volume(name)
    except NotFound:
        return False
    return True


def test_a_bridge_containers_world_is_as_its_definition_says(stage: DockerStage) -> None:
    task = stage.run(
        {"name": "db", **SLEEP},
        {
            "name": "app",
            "entryPoint": ["sh", "-c"],
            "command": ["pwd >/scratch/pwd; exec sleep 600"],
            "workingDirectory": "/srv",
            "environment": [{"name": "COLOUR", "value": "blue green"}],
            "hostname": "web",
            "dnsServers": ["10.9.8.7"],
            "dnsSearchDomains": ["example.com"],
            "extraHosts": [{"hostname": "printer", "ipAddress": "10.0.0.9"}],
            "links": ["db:database"],
            "dockerLabels": {"team": "a"},
            "dockerSecurityOptions": ["no-new-privileges"],
            "readonlyRootFilesystem": True,
            "ulimits": [{"name": "nofile", "softLimit": 100, "hardLimit": 200}],
            "systemControls": [{"namespace": "net.core.somaxconn", "value": "777"}],
            "portMappings": [{"containerPortRange": "8000-8002"}],
            "linuxParameters": {
                "initProcessEnabled": True,
                "capabilities": {"add": ["NET_ADMIN"], "drop": ["CHOWN"]},
                "devices": [{"hostPath": "/dev/zero", "containerPath": "/dev/nothing", "permissions": ["read"]}],
                "sharedMemorySize": 16,
                "tmpfs": [{"containerPath": "/scratch", "size": 8, "mountOptions": ["noexec"]}],
            },
        },
        until="RUNNING",
    )

    def inside(script: str) -> str:
        return stage.inside(task, "app", script)

    assert wait_for(lambda: inside("cat /scratch/pwd"), what="the program's first words") == "/srv"
    assert "docker-init" in inside("cat /proc/1/cmdline | tr '\\0' ' '")
    assert inside("echo $COLOUR; hostname") == "blue green\nweb"
    assert inside("cat /etc/resolv.conf").split("\n")[:2] == ["search example.com", "nameserver 10.9.8.7"]
    hosts = inside("cat /etc/hosts")
    assert "10.0.0.9\tprinter" in hosts
    assert "\tdatabase " in hosts
    status = inside("cat /proc/self/status")
    assert "NoNewPrivs:\t1" in status
    capabilities = int(status.partition("CapBnd:\t")[2].split()[0], 16)
    assert (capabilities >> 12 & 1, capabilities & 1) == (1, 0), "NET_ADMIN is 12, CHOWN 0"
    assert "Read-only file system" in inside("touch /new 2>&1")
    assert inside("ulimit -Sn; ulimit -Hn") == "100\n200"
    assert inside("cat /proc/sys/net/core/somaxconn") == "777"
    # Of the devices that need no permission of the machine's owner, Docker lets every container read and write.
    assert inside("head -c 2 /dev/nothing | od -An -tx1") == "00 00"
    assert inside("df -k /dev/shm /scratch | awk '{print $2}'").split()[1:] == ["16384", "8192"]
    assert "noexec" in inside("grep /scratch /proc/mounts")
    assert sorted(one["containerPort"] for one in task["containers"][1]["networkBindings"]) == [8000, 8001, 8002]
    labels = engine.client().inspect_container(stage.container(task, "app"))["Config"]["Labels"]
    assert labels["team"] == "a"


def test_sizes_are_the_kernels_limits(stage: DockerStage) -> None:
    container = {
        **SLEEP,
        "name": "app",
        "cpu": 256,
        "memory": 64,
        "memoryReservation": 32,
        "user": "1000:1000",
        "interactive": True,
        "pseudoTerminal": True,
        "linuxParameters": {"maxSwap": 16, "swappiness": 7},
    }
    task = stage.run(
        container, {"name": "small", **SLEEP, "memory": None, "memoryReservation": 16}, until="RUNNING", cpu="512"
    )

    def limit(version_1: str, version_2: str, container: str = "app") -> str:
        return stage.inside(task, container, f"cd /sys/fs/cgroup; cat {version_1} 2>/dev/null || cat {version_2}")

    assert limit("memory/memory.limit_in_bytes", "memory.max") == str(64 * MIB)
    assert limit("memory/memory.soft_limit_in_bytes", "memory.low") == str(32 * MIB)
    assert limit("cpu/cpu.shares", "cpu.weight") in ("256", "10")
    assert limit("cpu/cpu.cfs_quota_us", "cpu.max").split()[0] == "50000", "half a processor is the task's"
    assert limit("memory/memory.soft_limit_in_bytes", "memory.low", "small") == str(16 * MIB)
    if engine.client().info()["SwapLimit"]:
        assert limit("memory/memory.memsw.limit_in_bytes", "memory.swap.max") in (str(80 * MIB), str(16 * MIB))
    if stage.inside(task, "app", "test -e /sys/fs/cgroup/memory && echo 1"):
        assert limit("memory/memory.swappiness", "") == "7"
    assert stage.inside(task, "app", "id -u; id -g") == "1000\n1000"
    assert stage.inside(task, "app", "readlink /proc/1/fd/0").startswith("/dev/")


def test_a_tasks_network_and_secrets_are_as_its_definition_says(stage: DockerStage) -> None:
    stage.aws("ssm").put_parameter(Name="/colour", Value="green", Type="SecureString")
    secret = {"name": "COLOUR", "valueFrom": "/colour"}
    interfaces = "ls /sys/class/net"
    alone = stage.run(
        {"name": "app", **SLEEP, "secrets": [secret]},
        until="RUNNING",
        networkMode="none",
        executionRoleArn=execution_role(stage),
    )
    assert stage.inside(alone, "app", interfaces) == "lo"
    assert stage.inside(alone, "app", "tr '\\0' '\\n' </proc/1/environ | grep COLOUR") == "COLOUR=green"
    assert alone["attachments"] == []
    offline = stage.run(
        {"name": "app", **SLEEP}, {"name": "offline", **SLEEP, "disableNetworking": True}, until="RUNNING"
    )
    assert stage.inside(offline, "offline", interfaces) == "lo"
    assert "eth0" in stage.inside(offline, "app", interfaces)
    on_host = stage.run({"name": "app", **SLEEP}, until="RUNNING", networkMode="host", pidMode="host", ipcMode="host")
    assert "docker0" in stage.inside(on_host, "app", interfaces)
    assert "sleep" not in stage.inside(on_host, "app", "cat /proc/1/cmdline"), "the machine's first process"
    link = "readlink /proc/self/ns/ipc"
    assert stage.inside(on_host, "app", link) not in ("", stage.inside(offline, "app", link))


@pytest.mark.parametrize("network_mode", ["bridge", "awsvpc"])
def test_containers_share_the_namespaces_of_their_task(stage: DockerStage, awsvpc: Any, network_mode: str) -> None:
    task = stage.run(
        shell("exec sleep 601", stopTimeout=2),
        {"name": "other", **SLEEP},
        until="RUNNING",
        networkMode=network_mode,
        network=awsvpc if network_mode == "awsvpc" else None,
        pidMode="task",
        ipcMode="task",
    )
    assert "sleep 601" in stage.inside(task, "other", "ps -o args")
    spaces = {stage.inside(task, name, NAMESPACES) for name in ("app", "other")}
    assert len(spaces) == 1
    own = stage.run({"name": "app", **SLEEP}, until="RUNNING")
    assert stage.inside(own, "app", NAMESPACES) not in spaces
    assert "sleep 601" not in stage.inside(own, "app", "ps -o args")


def test_volumes_are_shared_within_a_task_and_go_with_it(volumes: list[str], stage: DockerStage) -> None:
    shared = f"simfra-test-{stage.account_id}"
    volumes.append(shared)
    points = [
        {"sourceVolume": "own", "containerPath": "/own"},
        {"sourceVolume": shared, "containerPath": "/shared"},
        {"sourceVolume": "files", "containerPath": "/files"},
        {"sourceVolume": "point", "containerPath": "/point"},
    ]
    definition = {
        "volumes": [
            {"name": "own"},
            {"name": shared, "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True}},
            {"name": "files", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/data"}},
            {
                "name": "point",
                "efsVolumeConfiguration": {
                    "fileSystemId": "fs-1",
                    "transitEncryption": "ENABLED",
                    "authorizationConfig": {"accessPointId": "fsap-1"},
                },
            },
        ]
    }
    script = "for each in own shared files point; do echo $each >>/$each/file; done; exec sleep 600"
    task = stage.run(
        shell(script, mountPoints=points, stopTimeout=2),
        {"name": "reader", **SLEEP, "volumesFrom": [{"sourceContainer": "app", "readOnly": True}]},
        until="RUNNING",
        **definition,
    )
    wait_for(lambda: stage.inside(task, "reader", "cat /point/file 2>/dev/null"), what="the files")
    found = stage.inside(task, "reader", "cat /own/file /shared/file /files/file /point/file")
    assert found == "own\nshared\nfiles\npoint", "an access point is a directory of its own"
    assert "Read-only" in stage.inside(task, "reader", "touch /own/new 2>&1")
    mounts = engine.client().inspect_container(stage.container(task, "app"))["Mounts"]
    names = {mount["Destination"]: mount["Name"] for mount in mounts}
    volumes += [names["/files"], names["/point"]]
    assert names["/shared"] == shared
    stage.ecs.stop_task(task=task["taskArn"])
    stage.wait(task["taskArn"], "STOPPED")
    wait_for(lambda: not has_volume(names["/own"]), what="the end of the task's own volume")
    assert has_volume(shared)
    assert has_volume(names["/files"])
    again = stage.run(shell(script, mountPoints=points, stopTimeout=2), until="RUNNING", **definition)
    counts = "for each in own shared files point; do wc -l </$each/file; done"
    wait_for(lambda: stage.inside(again, "app", counts).split() == ["1", "2", "2", "2"], what="new lines")


def test_a_container_is_started_again_unless_its_exit_code_is_ignored(stage: DockerStage) -> None:
    policy = {"enabled": True, "ignoredExitCodes": [0], "restartAttemptPeriod": 60}
    script = "echo x >>/tmp/runs; sleep 1.2; [ $(wc -l </tmp/runs) -lt 3 ] && exit 5; exit 0"
    stage.ecs.register_task_definition(
        family="test",
        containerDefinitions=[
            {**shell(script, restartPolicy=policy), "image": stage.image, "memory": 64},
            {"name": "side", "image": stage.image, "memory": 64, "essential": False, **SLEEP},
        ],
    )
    # A minute is the least that AWS takes; nobody wants to wait for it here.
    row = TaskDefinition.objects.get(account_id=stage.account_id)
    row.document["containerDefinitions"][0]["restartPolicy"]["restartAttemptPeriod"] = 1
    row.save()
    arn = stage.ecs.run_task(taskDefinition="test")["tasks"][0]["taskArn"]
    task = stage.wait(arn, "STOPPED")
    app = next(one for one in task["containers"] if one["name"] == "app")
    assert (app["exitCode"], task["stopCode"]) == (0, "EssentialContainerExited")
    assert Task.objects.get(arn=arn).last_containers["app"]["restarts"] == 2


def test_containers_stop_in_the_reverse_of_the_order_in_which_they_started(stage: DockerStage) -> None:
    slow = 'trap "sleep 0.5; exit 0" TERM; while :; do sleep 0.1; done'
    task = stage.run(
        {"name": "db", "command": ["sh", "-c", slow]},
        {"name": "web", "command": ["sh", "-c", slow], "dependsOn": [{"containerName": "db", "condition": "START"}]},
        shell(slow, dependsOn=[{"containerName": "web", "condition": "START"}]),
        until="RUNNING",
    )
    stage.ecs.stop_task(task=task["taskArn"])
    stage.wait(task["taskArn"], "STOPPED")
    records = Task.objects.get(arn=task["taskArn"]).last_containers
    assert records["app"]["finished_at"] < records["web"]["finished_at"] < records["db"]["finished_at"]
    assert records["db"]["started_at"] < records["web"]["started_at"] < records["app"]["started_at"]


def test_who_waits_for_a_container_that_is_not_healthy_in_time_gives_up(stage: DockerStage) -> None:
    check = {"command": ["CMD-SHELL", "test -e /tmp/ready"], "interval": 5, "retries": 10, "timeout": 2}
    task = stage.run(
        {"name": "db", **SLEEP, "healthCheck": check, "startTimeout": 2},
        {"name": "app", **SLEEP, "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}]},
        until="STOPPED",
    )
    assert (task["stopCode"], task["stoppedReason"]) == (
        "TaskFailedToStart",
        "Task failed to start: container app: dependency db did not reach HEALTHY within 2 seconds",
    )
    codes = {container["name"]: container.get("exitCode") for container in task["containers"]}
    assert codes["app"] is None, "it was never started"
    assert codes["db"] in (137, 143)


def test_a_task_that_uses_what_nothing_acts_on_runs_and_says_so(stage: DockerStage, awsvpc: Any) -> None:
    proxy = {"type": "APPMESH", "containerName": "envoy", "properties": [{"name": "AppPorts", "value": "80"}]}
    task = stage.run(
        {"name": "envoy", **SLEEP},
        until="RUNNING",
        network=awsvpc,
        networkMode="awsvpc",
        proxyConfiguration=proxy,
        ephemeralStorage={"sizeInGiB": 30},
    )
    said = {use["path"] for use in explain(Task.objects.get(arn=task["taskArn"]))["storedOnly"]}
    assert said == {"proxyConfiguration", "ephemeralStorage"}


def test_what_the_engine_does_not_give_stops_the_task_with_the_reason(stage: DockerStage) -> None:
    task = stage.run({"name": "app", **SLEEP, "privileged": True}, until="STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert "SIMFRA_ALLOW_PRIVILEGED=true" in task["stoppedReason"]
    platform = {"cpuArchitecture": "ARM64" if settings.SIMFRA_ARCHITECTURE == "x86_64" else "X86_64"}
    task = stage.run({"name": "app", **SLEEP}, until="STOPPED", runtimePlatform=platform)
    assert f"runtimePlatform asks for {platform['cpuArchitecture']}: this engine is" in task["stoppedReason"]
    device = {"linuxParameters": {"devices": [{"hostPath": "/dev/mem"}]}}
    task = stage.run({"name": "app", **SLEEP, **device}, until="STOPPED")
    assert "wants the host's device /dev/mem" in task["stoppedReason"]
    mount = {"mountPoints": [{"sourceVolume": "host", "containerPath": "/host"}]}
    host = [{"name": "host", "host": {"sourcePath": "/tmp/simfra-test/new"}}]
    task = stage.run({"name": "app", **SLEEP, **mount}, until="STOPPED", volumes=host)
    assert "SIMFRA_HOST_VOLUMES" in task["stoppedReason"]
    with override_settings(SIMFRA_HOST_VOLUMES=["/tmp/simfra-test"]):
        task = stage.run({"name": "app", **SLEEP, **mount}, until="RUNNING", volumes=host)
        assert stage.inside(task, "app", "touch /host/file && ls /host; rm /host/file") == "file"


@override_settings(SIMFRA_ALLOW_PRIVILEGED=True)
def test_a_privileged_container_may_everything_where_that_is_allowed(stage: DockerStage) -> None:
    try:
        task = stage.run({"name": "app", **SLEEP, "privileged": True}, until="RUNNING")
    except AssertionError as stopped:
        # An engine that itself may not everything was asked all the same, and says so.
        assert "unable to apply caps" in str(stopped)
        return
    capabilities = int(stage.inside(task, "app", "grep CapEff /proc/self/status").split()[1], 16)
    assert capabilities >> 21 & 1, "SYS_ADMIN"


def test_a_held_tasks_containers_are_kept_until_it_is_let_go(stage: DockerStage) -> None:
    stage.ecs.register_task_definition(
        family="test",
        containerDefinitions=[{**shell("echo why >/tmp/why; exit 3"), "image": stage.image, "memory": 64}],
    )
    tags = [{"key": "simfra:hold", "value": "true"}]
    arn = stage.ecs.run_task(taskDefinition="test", tags=tags)["tasks"][0]["taskArn"]
    task = stage.wait(arn, "STOPPED")
    name = stage.container(task, "app")
    assert engine.client().inspect_container(name)["State"]["ExitCode"] == 3
    stage.hold(arn, wanted=False)
    wait_for(lambda: not engine.client().containers(all=True, filters={"name": name}), timeout_s=PATIENCE_S, what="it")
