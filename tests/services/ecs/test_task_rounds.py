"""Tasks through the whole loop on a runtime whose programs and failures are data."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.test import override_settings

from aws_api.core.containers import LABEL_LOGS, LABEL_ROLE, Device
from aws_api.core.log_tail import LogDestination
from aws_api.core.models import PlanRecord, Transition
from aws_api.core.reconcile import get_controller
from aws_api.core.sidecars import emulator_address
from aws_api.services.ecs.lifecycle import STATUS_ORDER
from aws_api.services.ecs.models import Task, TaskDefinition
from tests.services.ecs.stage import KIND, Stage
from tests.support.fake_runtime import Program
from tests.support.in_process import call
from tests.support.waiting import wait_for
from workers.runtimes import NullRuntime


def test_a_task_runs_and_says_what_runs(stage: Stage, register: Any) -> None:
    register("web", {"name": "app"})
    task = stage.describe(arn := stage.run("web"))
    assert (task["lastStatus"], task["desiredStatus"], task["connectivity"]) == ("RUNNING", "RUNNING", "CONNECTED")
    (container,) = task["containers"]
    assert (container["lastStatus"], container["runtimeId"]) == ("RUNNING", f"{1:064x}")
    assert task["createdAt"] <= task["pullStartedAt"] <= task["pullStoppedAt"] <= task["startedAt"]
    assert task["version"] > 1
    assert stage.statuses(arn) == ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"]
    assert stage.runtime.names == [stage.container(arn, "app")]


def test_an_awsvpc_task_runs_in_the_namespace_of_its_interface(stage: Stage, register: Any, awsvpc: Any) -> None:
    register("web", {"name": "app"}, networkMode="awsvpc")
    task = stage.describe(arn := stage.run("web", networkConfiguration=awsvpc))
    assert task["lastStatus"] == "RUNNING"
    (attachment,) = task["attachments"]
    details = {detail["name"]: detail["value"] for detail in attachment["details"]}
    assert attachment["status"] == "ATTACHED"
    assert set(details) == {"subnetId", "networkInterfaceId", "macAddress", "privateDnsName", "privateIPv4Address"}
    assert task["containers"][0]["networkInterfaces"] == [
        {"attachmentId": attachment["id"], "privateIpv4Address": details["privateIPv4Address"]}
    ]
    assert stage.spec(arn, "app").network_of == stage.container(arn, "pause")


def test_a_task_whose_program_ends_stops_with_its_exit_code(stage: Stage, register: Any) -> None:
    register("job", {"name": "app", "command": ["false"]}, {"name": "side", "essential": False})
    stage.runtime.programs[("false",)] = Program(exit_code=3)
    task = stage.describe(arn := stage.run("job"))
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "EssentialContainerExited")
    assert task["stoppedReason"] == "Essential container in task exited"
    codes = {container["name"]: container["exitCode"] for container in task["containers"]}
    assert codes == {"app": 3, "side": 143}
    assert task["startedAt"] <= task["stoppingAt"] <= task["stoppedAt"]
    assert task["startedAt"] <= task["executionStoppedAt"]
    assert stage.statuses(arn) == list(STATUS_ORDER)
    timeline = list(Transition.objects.filter(key=arn).order_by("pk"))
    assert [step.before for step in timeline] == ["", *STATUS_ORDER[:-1]]
    assert sorted(step.at for step in timeline) == [step.at for step in timeline]
    assert all(step.cause for step in timeline)
    assert stage.runtime.names == []


def test_a_task_is_stopped_and_its_interface_deleted(
    stage: Stage, register: Any, awsvpc: Any, aws: Callable[..., Any]
) -> None:
    register("web", {"name": "app"}, networkMode="awsvpc")
    arn = stage.run("web", networkConfiguration=awsvpc)
    assert stage.describe(arn)["lastStatus"] == "RUNNING"
    stage.ecs.stop_task(task=arn, reason="enough")
    stage.settle()
    task = stage.describe(arn)
    assert (task["lastStatus"], task["stopCode"], task["stoppedReason"]) == ("STOPPED", "UserInitiated", "enough")
    assert task["containers"][0]["exitCode"] == 143
    assert task["attachments"][0]["status"] == "DELETED"
    assert aws("ec2").describe_network_interfaces()["NetworkInterfaces"] == []
    assert not [name for name in stage.runtime.names if name.startswith("ecs-")]


def test_a_task_is_asked_to_stop_once_and_waited_for(stage: Stage, register: Any) -> None:
    register("web", {"name": "app", "command": ["stubborn"], "stopTimeout": 7})
    stage.runtime.programs[("stubborn",)] = Program(ignores_sigterm=True)
    arn = stage.run("web")
    stage.ecs.stop_task(task=arn)
    stage.settle()
    assert stage.wake(arn)["lastStatus"] == "STOPPING"
    stops = [call for call in stage.runtime.calls if call.startswith("stop_container")]
    assert stops == [f"stop_container {stage.container(arn, 'app')}"]
    stage.runtime.end(stage.container(arn, "app"), 137)
    task = stage.wake(arn)
    assert (task["lastStatus"], task["containers"][0]["exitCode"]) == ("STOPPED", 137)


def test_a_task_stopped_before_it_began_starts_nothing(stage: Stage, register: Any) -> None:
    register("web")
    arn = stage.ecs.run_task(taskDefinition="web")["tasks"][0]["taskArn"]
    stage.ecs.stop_task(task=arn)
    stage.settle()
    assert stage.describe(arn)["lastStatus"] == "STOPPED"
    assert stage.statuses(arn) == ["PROVISIONING", "DEPROVISIONING", "STOPPED"]
    assert stage.runtime.calls == []


def test_an_image_that_does_not_exist_stops_the_task_with_the_registrys_words(stage: Stage, register: Any) -> None:
    register("web", {"name": "app", "image": "nope:1"})
    reason = "CannotPullContainerError: pull image manifest has been retried 1 time(s): not found"
    stage.runtime.fail("pull_image", "nope:1", reason)
    arn = stage.run("web")
    task = wait_for(lambda: _stopped(stage, arn), what="the task's end")
    assert (task["stopCode"], task["stoppedReason"]) == ("TaskFailedToStart", reason)
    assert (task["containers"][0]["lastStatus"], task["containers"][0]["reason"]) == ("STOPPED", reason)
    assert "exitCode" not in task["containers"][0]
    assert PlanRecord.objects.filter(kind=KIND, key=arn, failure=reason).exists()


def test_a_task_that_waits_for_its_image_is_pending(stage: Stage, register: Any) -> None:
    stage.runtime.pull_gate = threading.Event()
    register("web", {"name": "app", "image": f"slow-{stage.account_id}:1"})
    arn = stage.run("web")
    assert stage.describe(arn)["lastStatus"] == "PENDING"
    stage.runtime.pull_gate.set()
    wait_for(lambda: (KIND, arn) in stage.kicks, what="the kick when the image is here")
    stage.settle()
    assert stage.describe(arn)["lastStatus"] == "RUNNING"


def test_a_program_that_is_missing_stops_the_task_with_the_engines_words(stage: Stage, register: Any) -> None:
    register("web", {"name": "app", "command": ["nope"]})
    stage.runtime.programs[("nope",)] = Program(is_missing=True)
    task = stage.describe(stage.run("web"))
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    assert task["stoppedReason"].startswith("CannotStartContainerError: ")
    assert stage.runtime.names == []


def test_a_container_that_was_killed_for_its_memory_says_so(stage: Stage, register: Any) -> None:
    register("web", {"name": "app"})
    arn = stage.run("web")
    stage.runtime.end(stage.container(arn, "app"), 137, out_of_memory=True)
    container = stage.wake(arn)["containers"][0]
    assert (container["exitCode"], container["reason"]) == (
        137,
        "OutOfMemoryError: Container killed due to memory usage",
    )


def test_a_side_container_may_end_and_the_task_goes_on(stage: Stage, register: Any) -> None:
    register("web", {"name": "app"}, {"name": "side", "essential": False})
    arn = stage.run("web")
    stage.runtime.end(stage.container(arn, "side"), 1)
    task = stage.wake(arn)
    assert task["lastStatus"] == "RUNNING"
    assert {one["name"]: one["lastStatus"] for one in task["containers"]} == {"app": "RUNNING", "side": "STOPPED"}


def test_health_is_told_and_waited_for(stage: Stage, register: Any) -> None:
    check = {"command": ["CMD-SHELL", "true"]}
    needs = [{"containerName": "db", "condition": "HEALTHY"}]
    register("web", {"name": "db", "healthCheck": check}, {"name": "app", "dependsOn": needs})
    arn = stage.run("web")
    assert stage.describe(arn)["lastStatus"] == "PENDING"
    stage.runtime.set_health(stage.container(arn, "db"), "healthy")
    task = stage.wake(arn)
    assert (task["lastStatus"], task["healthStatus"]) == ("RUNNING", "HEALTHY")
    stage.runtime.set_health(stage.container(arn, "db"), "unhealthy")
    assert stage.wake(arn)["healthStatus"] == "UNHEALTHY"


def test_an_init_container_that_fails_stops_the_task_with_the_reason(stage: Stage, register: Any) -> None:
    needs = [{"containerName": "init", "condition": "SUCCESS"}]
    register("web", {"name": "init", "essential": False, "command": ["init"]}, {"name": "app", "dependsOn": needs})
    stage.runtime.programs[("init",)] = Program(exit_code=1)
    task = stage.describe(stage.run("web"))
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    assert task["stoppedReason"] == ("Task failed to start: container app: dependency init did not exit successfully")


def test_overrides_reach_the_container(stage: Stage, register: Any) -> None:
    register("web", {"name": "app", "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]})
    override = {
        "name": "app",
        "command": ["run", "me"],
        "environment": [{"name": "B", "value": "3"}],
        "memory": 128,
        "cpu": 512,
    }
    spec = stage.spec(stage.run("web", overrides={"containerOverrides": [override]}), "app")
    assert spec.command == ("run", "me")
    assert (spec.environment["A"], spec.environment["B"]) == ("1", "3")
    assert (spec.memory_bytes, spec.cpu_shares) == (128 * 1024 * 1024, 512)


@override_settings(SIMFRA_ALLOW_PRIVILEGED=True, SIMFRA_HOST_VOLUMES=["/tmp"])
def test_every_field_of_a_definition_reaches_the_container(stage: Stage, register: Any) -> None:
    register(
        "web",
        {
            "name": "app",
            "entryPoint": ["/bin/sh", "-c"],
            "command": ["true"],
            "user": "1000:1000",
            "workingDirectory": "/srv",
            "hostname": "web",
            "readonlyRootFilesystem": True,
            "privileged": True,
            "interactive": True,
            "pseudoTerminal": True,
            "memoryReservation": 32,
            "dockerLabels": {"team": "a"},
            "extraHosts": [{"hostname": "db", "ipAddress": "10.0.0.9"}],
            "ulimits": [{"name": "nofile", "softLimit": 100, "hardLimit": 200}],
            "systemControls": [{"namespace": "net.core.somaxconn", "value": "1024"}],
            "portMappings": [{"containerPort": 80}, {"containerPort": 53, "hostPort": 5353, "protocol": "udp"}],
            "linuxParameters": {
                "initProcessEnabled": True,
                "capabilities": {"add": ["NET_ADMIN"], "drop": ["MKNOD"]},
                "sharedMemorySize": 16,
                "maxSwap": 32,
                "swappiness": 10,
                "devices": [{"hostPath": "/dev/fuse", "permissions": ["read"]}],
                "tmpfs": [{"containerPath": "/scratch", "size": 8, "mountOptions": ["noexec"]}],
            },
            "healthCheck": {"command": ["curl", "localhost"], "interval": 7, "startPeriod": 9},
            "mountPoints": [
                {"sourceVolume": "data", "containerPath": "/data", "readOnly": True},
                {"sourceVolume": "host", "containerPath": "/host"},
            ],
            "volumesFrom": [{"sourceContainer": "side", "readOnly": True}],
            "links": ["side:db"],
            "dnsServers": ["10.0.0.2"],
            "dnsSearchDomains": ["example.com"],
            "dockerSecurityOptions": ["no-new-privileges"],
            "restartPolicy": {"enabled": True, "ignoredExitCodes": [3], "restartAttemptPeriod": 60},
        },
        {"name": "side"},
        volumes=[
            {"name": "data", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True}},
            {"name": "host", "host": {"sourcePath": "/tmp"}},
        ],
    )
    spec = stage.spec(stage.run("web"), "app")
    assert (spec.entry_point, spec.command) == (("/bin/sh", "-c"), ("true",))
    assert (spec.user, spec.working_directory, spec.hostname) == ("1000:1000", "/srv", "web")
    assert spec.read_only and spec.privileged and spec.interactive and spec.terminal and spec.init
    assert (spec.memory_bytes, spec.memory_reservation_bytes) == (64 << 20, 32 << 20)
    assert spec.labels["team"] == "a" and spec.labels[LABEL_ROLE] == "app"
    assert spec.extra_hosts == {"db": "10.0.0.9"}
    assert spec.ulimits == (("nofile", 100, 200),)
    assert spec.sysctls == {"net.core.somaxconn": "1024"}
    assert [(port.container_port, port.host_port, port.protocol) for port in spec.ports] == [
        (80, 0, "tcp"),
        (53, 5353, "udp"),
    ]
    assert (spec.capabilities_add, spec.capabilities_drop) == (("NET_ADMIN",), ("MKNOD",))
    assert (spec.shared_memory_bytes, spec.tmpfs) == (16 << 20, {"/scratch": "size=8m,noexec"})
    assert spec.health_check is not None
    assert spec.health_check.command == ("CMD", "curl", "localhost")
    assert (spec.health_check.interval_s, spec.health_check.start_period_s) == (7, 9)
    assert [(mount.source, mount.target, mount.read_only, mount.type) for mount in spec.mounts] == [
        ("data", "/data", True, "volume"),
        ("/tmp", "/host", False, "bind"),
    ]
    side = spec.name.replace("-app-", "-side-")
    assert (spec.links, spec.volumes_from) == (((side, "db"),), ((side, True),))
    assert (spec.dns_servers, spec.dns_search_domains) == (("10.0.0.2",), ("example.com",))
    assert spec.security_options == ("no-new-privileges",)
    assert (spec.swap_bytes, spec.swappiness) == (32 << 20, 10)
    assert spec.devices == (Device(host_path="/dev/fuse", container_path="/dev/fuse", permissions="r"),)
    assert spec.network_mode == "bridge"


def test_a_task_without_a_role_gets_root_keys_and_the_endpoint_unless_it_brings_its_own(
    stage: Stage, register: Any, account: Any
) -> None:
    register("web", {"name": "app", "environment": [{"name": "AWS_REGION", "value": "eu-west-1"}]}, networkMode="host")
    environment = stage.spec(stage.run("web"), "app").environment
    assert environment["AWS_ENDPOINT_URL"] == "http://localhost:4599"
    assert (environment["AWS_REGION"], environment["AWS_DEFAULT_REGION"]) == ("eu-west-1", "us-east-1")
    assert environment["AWS_ACCESS_KEY_ID"] == account.root_access_key_id
    assert environment["AWS_SECRET_ACCESS_KEY"] == account.root_secret_access_key


def test_a_bridge_task_reaches_simfra_through_the_uplink_and_has_its_roles_session(
    stage: Stage, register: Any, role: str
) -> None:
    register("web", {"name": "app"}, taskRoleArn=role)
    environment = stage.spec(stage.run("web"), "app").environment
    uplink, port = emulator_address(settings.SIMFRA_UPLINK_SUBNET, "", settings.SIMFRA_PORT)
    assert environment["AWS_ENDPOINT_URL"] == f"http://{uplink}:{port}"
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["AWS_SESSION_TOKEN"]


def test_an_awsvpc_task_asks_for_its_roles_credentials(
    stage: Stage, register: Any, role: str, awsvpc: Any, gateway: Any
) -> None:
    register("web", {"name": "app"}, taskRoleArn=role, networkMode="awsvpc")
    arn = stage.run("web", networkConfiguration=awsvpc)
    environment = stage.spec(arn, "app").environment
    assert "AWS_ACCESS_KEY_ID" not in environment
    path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
    status, _, body = call(gateway, "GET", path, headers={"host": "169.254.170.2"})
    credentials = orjson.loads(body)
    assert status == 200
    assert credentials["RoleArn"] == role
    assert credentials["AccessKeyId"].startswith("ASIA") and credentials["Token"]
    assert datetime.fromisoformat(credentials["Expiration"]) > datetime.now(UTC)
    status, _, body = call(gateway, "GET", path[:-4] + "0000", headers={"host": "169.254.170.2"})
    assert (status, orjson.loads(body)["code"]) == (400, "InvalidIdInRequest")

    metadata = environment["ECS_CONTAINER_METADATA_URI_V4"].removeprefix("http://169.254.170.2")
    container = orjson.loads(call(gateway, "GET", metadata, headers={"host": "169.254.170.2"})[2])
    task = orjson.loads(call(gateway, "GET", f"{metadata}/task", headers={"host": "169.254.170.2"})[2])
    assert (container["Name"], container["KnownStatus"]) == ("app", "RUNNING")
    assert container["Networks"][0]["IPv4Addresses"]
    assert (task["TaskARN"], task["Family"], task["KnownStatus"]) == (arn, "web", "RUNNING")


def test_secrets_that_cannot_be_read_stop_the_task_with_the_reason(stage: Stage, register: Any, role: str) -> None:
    secret = f"arn:aws:secretsmanager:us-east-1:{stage.account_id}:secret:db-AbCdEf"
    register("web", {"name": "app", "secrets": [{"name": "PASSWORD", "valueFrom": secret}]}, executionRoleArn=role)
    task = stage.describe(stage.run("web"))
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    assert task["stoppedReason"].startswith(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
        "unable to retrieve secret from asm"
    )
    assert stage.runtime.names == []


def test_an_execution_role_that_is_gone_stops_a_task_with_secrets(
    stage: Stage, register: Any, role: str, aws: Callable[..., Any]
) -> None:
    register("web", {"name": "app", "secrets": [{"name": "A", "valueFrom": "/a"}]}, executionRoleArn=role)
    arn = stage.ecs.run_task(taskDefinition="web")["tasks"][0]["taskArn"]
    aws("iam").delete_role(RoleName="task")
    stage.settle()
    reason = stage.describe(arn)["stoppedReason"]
    assert f"ECS was unable to assume the role '{role}'" in reason


def test_output_goes_to_the_stream_that_ecs_names(stage: Stage, register: Any, aws: Callable[..., Any]) -> None:
    options = {
        "awslogs-group": "/ecs/web",
        "awslogs-region": "us-east-1",
        "awslogs-stream-prefix": "ecs",
        "awslogs-create-group": "true",
    }
    register("web", {"name": "app", "logConfiguration": {"logDriver": "awslogs", "options": options}})
    arn = stage.run("web")
    destination = LogDestination.from_json(stage.spec(arn, "app").labels[LABEL_LOGS])
    assert (destination.group, destination.stream) == ("/ecs/web", f"ecs/app/{arn.rpartition('/')[2]}")
    (stream,) = aws("logs").describe_log_streams(logGroupName="/ecs/web")["logStreams"]
    assert stream["logStreamName"] == destination.stream


def test_a_log_group_that_is_not_there_stops_the_task(stage: Stage, register: Any) -> None:
    options = {"awslogs-group": "/ecs/none", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs"}
    register("web", {"name": "app", "logConfiguration": {"logDriver": "awslogs", "options": options}})
    task = stage.describe(stage.run("web"))
    assert task["lastStatus"] == "STOPPED"
    assert "The specified log group does not exist" in task["stoppedReason"]


def test_a_worker_that_starts_anew_adopts_what_runs(stage: Stage, register: Any) -> None:
    register("web", {"name": "app"})
    arn = stage.run("web")
    before = (stage.describe(arn), list(stage.runtime.calls))
    for _ in range(3):
        stage.wake(arn)
    assert (stage.describe(arn), stage.runtime.calls) == before


def test_a_kick_that_comes_late_does_not_revive_a_task(stage: Stage, register: Any) -> None:
    register("job", {"name": "app", "command": ["true"]})
    stage.runtime.programs[("true",)] = Program(exit_code=0)
    arn = stage.run("job")
    calls = list(stage.runtime.calls)
    assert stage.wake(arn)["lastStatus"] == "STOPPED"
    assert stage.runtime.calls == calls


def test_without_an_engine_a_task_stops_with_the_reason(stage: Stage, register: Any, awsvpc: Any) -> None:
    stage.runtime = NullRuntime("Docker is not installed.")
    register("bridge")
    register("vpc", networkMode="awsvpc")
    for arn in (stage.run("bridge"), stage.run("vpc", networkConfiguration=awsvpc)):
        task = wait_for(lambda arn=arn: _stopped(stage, arn), what="the task's end")  # type: ignore[misc]
        assert task["stopCode"] == "TaskFailedToStart"
        assert "Docker is not installed." in task["stoppedReason"]


def test_the_sweep_finds_what_is_on_its_way_and_leaves_what_is_settled(stage: Stage, register: Any) -> None:
    register("web", {"name": "app"})
    running = stage.run("web")
    lost = stage.ecs.run_task(taskDefinition="web")["tasks"][0]["taskArn"]
    unsettled = set(get_controller(KIND).unsettled(datetime.now(UTC)))
    assert lost in unsettled and running not in unsettled
    stage.ecs.stop_task(task=running)
    assert running in set(get_controller(KIND).unsettled(datetime.now(UTC)))


def test_a_task_that_stopped_long_ago_is_forgotten_and_its_deleted_definition_with_it(
    stage: Stage, register: Any
) -> None:
    definition = register("job", {"name": "app", "command": ["true"]})
    stage.runtime.programs[("true",)] = Program(exit_code=0)
    arn = stage.run("job")
    stage.ecs.deregister_task_definition(taskDefinition=definition)
    stage.ecs.delete_task_definitions(taskDefinitions=[definition])
    controller: Any = get_controller(KIND)
    controller.collect(datetime.now(UTC))
    assert Task.objects.filter(arn=arn).exists()
    Task.objects.filter(arn=arn).update(last_stopped_at=datetime.now(UTC) - timedelta(days=1))
    controller.collect(datetime.now(UTC))
    assert not Task.objects.filter(arn=arn).exists()
    assert not Transition.objects.filter(key=arn).exists()
    assert not TaskDefinition.objects.filter(account_id=stage.account_id).exists()
    assert controller.load(arn) is None


def _stopped(stage: Stage, arn: str) -> dict[str, Any] | None:
    stage.settle()
    task = stage.wake(arn)
    return task if task["lastStatus"] == "STOPPED" else None
