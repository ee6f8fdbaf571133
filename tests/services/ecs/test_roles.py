"""Task roles: who may pass them, what their credentials are, and when these end."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
import orjson
import pytest
from botocore.exceptions import ClientError
from django.conf import settings

from aws_api.core.execution import process_loop
from aws_api.core.sidecars import emulator_address
from aws_api.services.ecs.models import Task
from tests.services.ecs.stage import Stage
from tests.support.in_process import call
from workers.statistics import StatisticsDesk

HOST = "169.254.170.2"


@dataclass
class Agent:
    """The agent's endpoints as a container sees them."""

    gateway: Any
    aws: Callable[..., Any]

    def get(self, uri: str, method: str = "GET", body: bytes = b"") -> tuple[int, Any]:
        """An answer's status and JSON; a URI without a host is the agent's."""
        host, path = uri.removeprefix("http://").split("/", 1) if uri.startswith("http://") else (HOST, uri[1:])
        status, _, answer = call(self.gateway, method, f"/{path}", headers={"host": host}, body=body)
        return status, orjson.loads(answer)

    def client(self, service: str, uri: str) -> Any:
        """A client with the credentials that are at a URI."""
        _, found = self.get(uri)
        return self.aws(service, key=found["AccessKeyId"], secret=found["SecretAccessKey"], token=found["Token"])


@pytest.fixture
def agent(gateway: Any, aws: Callable[..., Any]) -> Agent:
    return Agent(gateway=gateway, aws=aws)


@contextmanager
def watching(runtime: Any) -> Iterator[None]:
    """Somebody who watches an engine, while the block runs."""
    desk = asyncio.run_coroutine_threadsafe(StatisticsDesk(runtime).run(), process_loop())
    try:
        yield
    finally:
        desk.cancel()


def allow(aws: Callable[..., Any], action: str, resource: str) -> None:
    """Make a permission the role's only one."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws("iam").put_role_policy(RoleName="task", PolicyName="only", PolicyDocument=document)


def refused(call: Callable[..., Any], **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


# Credentials ----------------------------------------------------------------------------------------------------------


def test_a_tasks_calls_are_its_roles_and_allowed_as_its_role(
    stage: Stage, register: Any, role: str, awsvpc: Any, agent: Agent
) -> None:
    aws = agent.aws
    urls = {name: aws("sqs").create_queue(QueueName=name)["QueueUrl"] for name in ("orders", "other")}
    allow(aws, "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{stage.account_id}:orders")
    register("web", {"name": "app"}, taskRoleArn=role, networkMode="awsvpc")
    arn = stage.run("web", networkConfiguration=awsvpc)
    environment = stage.spec(arn, "app").environment
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} & environment.keys()
    uri = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]

    identity = agent.client("sts", uri).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{stage.account_id}:assumed-role/task/{arn.rpartition('/')[2]}"
    queues = agent.client("sqs", uri)
    assert queues.send_message(QueueUrl=urls["orders"], MessageBody="1")["MessageId"]
    assert "AccessDenied" in refused(queues.send_message, QueueUrl=urls["other"], MessageBody="1")
    assert "AccessDenied" in refused(agent.client("dynamodb", uri).list_tables)


def test_credentials_are_new_at_each_call_and_end_with_the_task(
    stage: Stage, register: Any, role: str, awsvpc: Any, agent: Agent
) -> None:
    register("web", {"name": "app"}, taskRoleArn=role, networkMode="awsvpc")
    arn = stage.run("web", networkConfiguration=awsvpc)
    uri = stage.spec(arn, "app").environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
    (_, first), (_, second) = agent.get(uri), agent.get(uri)
    assert first["AccessKeyId"] != second["AccessKeyId"]
    assert datetime.fromisoformat(first["Expiration"]) > datetime.now(UTC)
    sts = agent.client("sts", uri)
    assert sts.get_caller_identity()["Account"] == stage.account_id

    stage.ecs.stop_task(task=arn)
    stage.settle()
    assert stage.describe(arn)["lastStatus"] == "STOPPED"
    assert agent.get(uri) == (
        400,
        {"code": "InvalidIdInRequest", "message": "CredentialsV2Request: ID not found", "HTTPErrorCode": 400},
    )
    assert refused(sts.get_caller_identity) == "ExpiredToken"


def test_other_processes_refuse_a_stopped_tasks_session_too(
    stage: Stage, register: Any, role: str, live_gateway: str
) -> None:
    register("web", {"name": "app"}, taskRoleArn=role)
    environment = stage.spec(arn := stage.run("web"), "app").environment
    elsewhere = boto3.client(
        "sts",
        endpoint_url=live_gateway,
        region_name="us-east-1",
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
    )
    assert elsewhere.get_caller_identity()["Account"] == stage.account_id
    stage.ecs.stop_task(task=arn)
    stage.settle()
    assert refused(elsewhere.get_caller_identity) == "ExpiredToken"


def test_a_session_that_is_named_like_no_task_is_left_alone(role: str, aws: Callable[..., Any]) -> None:
    assumed = aws("sts").assume_role(RoleArn=role, RoleSessionName="f" * 32)["Credentials"]
    keys = {"key": assumed["AccessKeyId"], "secret": assumed["SecretAccessKey"], "token": assumed["SessionToken"]}
    assert aws("sts", **keys).get_caller_identity()["Arn"].endswith("f" * 32)


def test_a_host_task_asks_for_credentials_on_the_loopback_that_it_shares(
    stage: Stage, register: Any, role: str, agent: Agent
) -> None:
    register("web", {"name": "app"}, taskRoleArn=role, networkMode="host")
    arn = stage.run("web")
    environment = stage.spec(arn, "app").environment
    assert "AWS_ACCESS_KEY_ID" not in environment
    uri = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    assert uri.startswith("http://localhost:4599/")
    assert agent.client("sts", uri).get_caller_identity()["Arn"].endswith(arn.rpartition("/")[2])


def test_a_bridge_task_has_a_session_as_long_as_its_role_allows(
    stage: Stage, register: Any, role: str, aws: Callable[..., Any]
) -> None:
    aws("iam").update_role(RoleName="task", MaxSessionDuration=7200)
    register("web", {"name": "app"}, taskRoleArn=role)
    arn = stage.run("web")
    environment = stage.spec(arn, "app").environment
    keys = {
        "key": environment["AWS_ACCESS_KEY_ID"],
        "secret": environment["AWS_SECRET_ACCESS_KEY"],
        "token": environment["AWS_SESSION_TOKEN"],
    }
    sts = aws("sts", **keys)
    assert sts.get_caller_identity()["Arn"].endswith(arn.rpartition("/")[2])
    stage.ecs.stop_task(task=arn)
    stage.settle()
    assert refused(sts.get_caller_identity) == "ExpiredToken"


def test_a_role_may_be_given_by_its_name(stage: Stage, register: Any, role: str, awsvpc: Any, agent: Agent) -> None:
    register("web", {"name": "app"}, taskRoleArn="task", networkMode="awsvpc")
    arn = stage.run("web", networkConfiguration=awsvpc)
    uri = stage.spec(arn, "app").environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
    assert agent.get(uri)[1]["RoleArn"] == role


@pytest.mark.parametrize("member", ["taskRoleArn", "executionRoleArn"])
def test_no_task_is_made_whose_role_cannot_be_assumed(stage: Stage, register: Any, member: str) -> None:
    role = f"arn:aws:iam::{stage.account_id}:role/none"
    register("web", {"name": "app"}, **{member: role})
    with pytest.raises(ClientError, match=f"ECS was unable to assume the role '{role}' that was provided") as refused:
        stage.run("web")
    assert refused.value.response["Error"]["Code"] == "ClientException"
    assert stage.ecs.list_tasks()["taskArns"] == []


@pytest.mark.parametrize(("of_account", "is_trusted"), [("own", True), ("999999999999", False)])
def test_a_role_trusts_ecs_as_aws_recommends_for_one_accounts_tasks(
    stage: Stage, register: Any, aws: Callable[..., Any], of_account: str, is_trusted: bool
) -> None:
    account_id = stage.account_id if of_account == "own" else of_account
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:us-east-1:{account_id}:*"},
            "StringEquals": {"aws:SourceAccount": account_id},
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = aws("iam").create_role(RoleName="confused", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    register("web", {"name": "app"}, taskRoleArn=role)
    if is_trusted:
        assert stage.describe(stage.run("web"))["lastStatus"] == "RUNNING"
    else:
        with pytest.raises(ClientError, match="ECS was unable to assume the role"):
            stage.run("web")


def test_a_task_role_that_is_gone_before_the_start_stops_the_task(
    stage: Stage, register: Any, awsvpc: Any, role: str, aws: Callable[..., Any]
) -> None:
    register("web", {"name": "app"}, taskRoleArn=role, networkMode="awsvpc")
    arn = stage.ecs.run_task(taskDefinition="web", networkConfiguration=awsvpc)["tasks"][0]["taskArn"]
    aws("iam").delete_role(RoleName="task")
    stage.settle()
    task = stage.describe(arn)
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    assert task["stoppedReason"].startswith(f"ECS was unable to assume the role '{role}' that was provided")


def test_root_keys_are_kept_from_tasks_where_the_setting_says_so(stage: Stage, register: Any, settings: Any) -> None:
    settings.SIMFRA_TASK_ROOT_CREDENTIALS = False
    register("web", {"name": "app"})
    environment = stage.spec(stage.run("web"), "app").environment
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & environment.keys()


# Passing roles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", ["taskRoleArn", "executionRoleArn"])
def test_who_may_not_pass_a_role_can_neither_register_nor_run_it(
    register: Any, role: str, aws: Callable[..., Any], member: str
) -> None:
    register("web", {"name": "app"}, **{member: role})
    ecs = user_with(aws, "ecs:*")
    container = {"name": "app", "image": "busybox", "memory": 64}
    request = {"family": "web", "containerDefinitions": [container], member: role}
    attempts: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (ecs.register_task_definition, request),
        (ecs.run_task, {"taskDefinition": "web"}),
    ]
    for attempt, parameters in attempts:
        with pytest.raises(ClientError) as caught:
            attempt(**parameters)
        error = caught.value.response["Error"]
        assert error["Code"] == "AccessDeniedException"
        assert f"is not authorized to perform: iam:PassRole on resource: {role}" in error["Message"]
    assert ecs.register_task_definition(family="plain", containerDefinitions=[container])


def test_a_role_may_be_passed_to_ecs_alone(register: Any, role: str, aws: Callable[..., Any]) -> None:
    container = {"name": "app", "image": "busybox", "memory": 64}
    for service, is_allowed in (("ecs-tasks.amazonaws.com", True), ("lambda.amazonaws.com", False)):
        ecs = user_with(aws, "ecs:*", passed_to=service)
        request = {"family": "web", "containerDefinitions": [container], "taskRoleArn": role}
        if is_allowed:
            assert ecs.register_task_definition(**request)
        else:
            assert refused(ecs.register_task_definition, **request) == "AccessDeniedException"


def user_with(aws: Callable[..., Any], action: str, passed_to: str = "") -> Any:
    """An ECS client of a new user who may do an action, and pass roles to a service where one is named."""
    iam, name = aws("iam"), f"user-{passed_to.partition('.')[0]}"
    iam.create_user(UserName=name)
    statements: list[Any] = [{"Effect": "Allow", "Action": action, "Resource": "*"}]
    if passed_to:
        condition = {"StringEquals": {"iam:PassedToService": passed_to}}
        statements.append({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": condition})
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return aws("ecs", key=key["AccessKeyId"], secret=key["SecretAccessKey"])


# Metadata -------------------------------------------------------------------------------------------------------------


def test_metadata_says_what_the_container_is_in_awss_member_names(
    stage: Stage, register: Any, awsvpc: Any, agent: Agent
) -> None:
    register("web", {"name": "app"}, {"name": "side", "essential": False}, networkMode="awsvpc")
    arn = stage.run("web", networkConfiguration=awsvpc)
    environment = stage.spec(arn, "side").environment
    _, container = agent.get(environment["ECS_CONTAINER_METADATA_URI_V4"])
    assert (container["Name"], container["KnownStatus"], container["Type"]) == ("side", "RUNNING", "NORMAL")
    (network,) = container["Networks"]
    assert {"NetworkMode", "IPv4Addresses", "AttachmentIndex", "MACAddress", "IPv4SubnetCIDRBlock"} <= network.keys()
    assert {"DomainNameServers", "PrivateDNSName", "SubnetGatewayIpv4Address"} <= network.keys()
    assert container["ContainerARN"].startswith(f"arn:aws:ecs:us-east-1:{stage.account_id}:container/default/")

    _, task = agent.get(environment["ECS_CONTAINER_METADATA_URI_V4"] + "/task")
    assert (task["TaskARN"], task["Family"], task["Revision"], task["LaunchType"]) == (arn, "web", "1", "EC2")
    assert [each["Name"] for each in task["Containers"]] == ["app", "side"]

    _, older = agent.get(environment["ECS_CONTAINER_METADATA_URI"] + "/task")
    assert "LaunchType" not in older
    assert older["Containers"][0]["Networks"][0].keys() == {"NetworkMode", "IPv4Addresses"}
    assert "ContainerARN" not in older["Containers"][0]


def test_metadata_has_every_member_that_is_so(stage: Stage, register: Any, awsvpc: Any, agent: Agent) -> None:
    options = {"awslogs-group": "/app", "awslogs-region": "us-east-1", "awslogs-create-group": "true"}
    container = {
        "name": "app",
        "healthCheck": {"command": ["CMD", "true"]},
        "restartPolicy": {"enabled": True},
        "logConfiguration": {"logDriver": "awslogs", "options": {**options, "awslogs-stream-prefix": "web"}},
        "dockerLabels": {"team": "red"},
        "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
    }
    register("web", container, networkMode="awsvpc", volumes=[{"name": "data"}], cpu="512", memory="256")
    arn = stage.run("web", networkConfiguration=awsvpc, tags=[{"key": "stage", "value": "test"}])
    uri = stage.spec(arn, "app").environment["ECS_CONTAINER_METADATA_URI_V4"]
    _, told = agent.get(uri)
    assert told.keys() >= {"DockerId", "DockerName", "Image", "DesiredStatus", "CreatedAt", "StartedAt"}
    assert told["Labels"]["team"] == "red"
    assert told["Labels"]["com.amazonaws.ecs.container-name"] == "app"
    assert told["Health"]["status"] in ("UNKNOWN", "HEALTHY")
    assert told["RestartCount"] == 0
    assert told["Volumes"] == [{"DockerName": "data", "Destination": "/data"}]
    assert told["Limits"].keys() == {"CPU", "Memory"}
    assert told["LogDriver"] == "awslogs"
    assert told["LogOptions"] == {**options, "awslogs-stream": f"web/app/{arn.rpartition('/')[2]}"}
    assert told["Networks"][0].keys() == {
        "NetworkMode",
        "IPv4Addresses",
        "AttachmentIndex",
        "MACAddress",
        "IPv4SubnetCIDRBlock",
        "DomainNameServers",
        "DomainNameSearchList",
        "PrivateDNSName",
        "SubnetGatewayIpv4Address",
    }
    _, task = agent.get(f"{uri}/taskWithTags")
    assert task["Limits"] == {"CPU": 0.5, "Memory": 256}
    assert task["TaskTags"] == {"stage": "test"}
    assert task["FaultInjectionEnabled"] is False
    assert task.keys() >= {"AvailabilityZone", "VPCID", "PullStartedAt", "PullStoppedAt", "ContainerInstanceTags"}
    assert "ClockDrift" not in task, "Fargate's alone"
    _, untagged = agent.get(f"{uri}/task")
    assert not {"TaskTags", "ContainerInstanceTags"} & untagged.keys()


def test_a_task_on_fargate_is_told_its_storage_and_how_far_the_clock_may_be_off(
    stage: Stage, register: Any, awsvpc: Any, agent: Agent
) -> None:
    register("web", {"name": "app"}, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512")
    arn = stage.run("web", networkConfiguration=awsvpc, launchType="FARGATE")
    environment = stage.spec(arn, "app").environment
    with watching(stage.runtime):
        _, task = agent.get(environment["ECS_CONTAINER_METADATA_URI_V4"] + "/task")
    assert task["EphemeralStorageMetrics"] == {"Utilized": 3, "Reserved": 20 * 1024}
    drift = task["ClockDrift"]
    assert drift["ClockErrorBound"] >= 0
    assert drift["ClockSynchronizationStatus"] in ("SYNCHRONIZED", "NOT_SYNCHRONIZED")
    assert datetime.fromisoformat(drift["ReferenceTimestamp"]) <= datetime.now(UTC)
    _, older = agent.get(environment["ECS_CONTAINER_METADATA_URI"] + "/task")
    assert not {"ClockDrift", "FaultInjectionEnabled"} & older.keys()


def test_the_id_of_metadata_opens_no_credentials(
    stage: Stage, register: Any, role: str, awsvpc: Any, agent: Agent
) -> None:
    register("web", {"name": "app"}, taskRoleArn=role, networkMode="awsvpc")
    environment = stage.spec(stage.run("web", networkConfiguration=awsvpc), "app").environment
    secret = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"].rpartition("/")[2]
    assert secret.replace("-", "") not in environment["ECS_CONTAINER_METADATA_URI_V4"].replace("-", "")


def test_a_made_up_id_finds_nothing(agent: Agent) -> None:
    for path in ("", "/task", "/stats", "/task/stats"):
        assert agent.get(f"http://{HOST}/v4/{'0' * 32}-0000000000{path}")[0] == 404
    assert agent.get(f"http://{HOST}/v4/nonsense")[0] == 404


def test_a_bridge_task_reads_its_metadata_through_the_uplink(stage: Stage, register: Any, agent: Agent) -> None:
    register("web", {"name": "app"})
    environment = stage.spec(stage.run("web"), "app").environment
    uri = environment["ECS_CONTAINER_METADATA_URI_V4"]
    uplink, port = emulator_address(settings.SIMFRA_UPLINK_SUBNET, "", settings.SIMFRA_PORT)
    assert uri.startswith(f"http://{uplink}:{port}/v4/")
    assert agent.get(uri)[1]["Name"] == "app"


def test_figures_come_from_who_watches_the_engine(stage: Stage, register: Any, awsvpc: Any, agent: Agent) -> None:
    register("web", {"name": "app"}, {"name": "side", "essential": False}, networkMode="awsvpc")
    arn = stage.run("web", networkConfiguration=awsvpc)
    stage.runtime.end(stage.container(arn, "side"), 0)
    uri = stage.spec(arn, "app").environment["ECS_CONTAINER_METADATA_URI_V4"]
    with watching(stage.runtime):
        _, first = agent.get(f"{uri}/stats")
        _, container = agent.get(f"{uri}/stats")
        _, task = agent.get(f"{uri}/task/stats")
    assert "network_rate_stats" not in first, "a rate needs two measures"
    assert container["network_rate_stats"] == {"rx_bytes_per_sec": 0.0, "tx_bytes_per_sec": 0.0}
    assert container["memory_stats"] == {"usage": 4096}
    assert container["networks"] == {"eth0": {"rx_bytes": 1, "tx_bytes": 2}}, "of the network namespace's owner"
    ids = {each["name"]: each["runtimeId"] for each in stage.describe(arn)["containers"]}
    assert task == {ids["app"]: container, ids["side"]: None}


# Protection -----------------------------------------------------------------------------------------------------------


def test_the_protection_endpoint_refuses_what_is_no_request(stage: Stage, register: Any, agent: Agent) -> None:
    register("web", {"name": "app"})
    arn = stage.run("web")
    uri = protection_uri(stage, arn)
    for body in (b"", b"[]", b'{"ProtectionEnabled": 1}', b'{"Other": true}', b"x" * 5000):
        status, answer = agent.get(uri, "PUT", body)
        assert (status, answer["error"]["Code"]) == (400, "InvalidParameterException"), body
        assert answer["error"]["Arn"] == arn
    _, answer = agent.get(uri, "PUT", b"{}")
    assert answer["error"]["Message"] == "Invalid request: does not contain 'ProtectionEnabled' field"


def protection_uri(stage: Stage, arn: str) -> str:
    return stage.spec(arn, "app").environment["ECS_AGENT_URI"] + "/task-protection/v1/state"


def test_a_services_task_protects_itself_as_its_role(stage: Stage, register: Any, role: str, agent: Agent) -> None:
    register("web", {"name": "app"}, taskRoleArn=role)
    arn = stage.run("web")
    Task.objects.filter(arn=arn).update(service_name="web")
    uri = protection_uri(stage, arn)
    _, refusal = agent.get(uri, "PUT", b'{"ProtectionEnabled": true}')
    assert refusal["error"]["Code"] == "AccessDeniedException"
    assert "is not authorized to perform: ecs:UpdateTaskProtection on resource: " in refusal["error"]["Message"]
    assert refusal["requestID"]

    allow(agent.aws, "ecs:*TaskProtection", "*")
    status, answer = agent.get(uri, "PUT", b'{"ProtectionEnabled": true, "ExpiresInMinutes": 60}')
    assert (status, answer["protection"]["ProtectionEnabled"], answer["protection"]["TaskArn"]) == (200, True, arn)
    assert datetime.fromisoformat(answer["protection"]["ExpirationDate"]) > datetime.now(UTC)
    assert agent.get(uri) == (200, answer)
    _, answer = agent.get(uri, "PUT", b'{"ProtectionEnabled": false}')
    assert answer["protection"] == {"ExpirationDate": None, "ProtectionEnabled": False, "TaskArn": arn}
    _, refusal = agent.get(uri, "PUT", b'{"ProtectionEnabled": true, "ExpiresInMinutes": 0}')
    assert refusal["error"]["Code"] == "InvalidParameterException"


def test_a_standalone_task_cannot_be_protected(stage: Stage, register: Any, agent: Agent) -> None:
    register("web", {"name": "app"})
    arn = stage.run("web")
    status, answer = agent.get(protection_uri(stage, arn), "PUT", b'{"ProtectionEnabled": true}')
    assert (status, answer) == (200, {"failure": {"Arn": arn, "Detail": None, "Reason": "TASK_NOT_VALID"}})
