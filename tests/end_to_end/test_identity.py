"""Tasks that are who their roles say: boto3 and the JavaScript SDK inside, secrets, and what a missing permission does.

Everything runs on a real engine, by the AWS CLI and the SDKs' own credential chains.
"""

import contextlib
import hashlib
import json
import shutil
import stat
import textwrap
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.stack import Stack
from tests.support.images import busybox_image, node_image, python_image
from tests.support.private_registry import private_registry
from tests.support.waiting import wait_for

pytestmark = pytest.mark.docker

ACCOUNT = "000000000000"
ORDER_PROCESSOR = Path(__file__).parent / "order_processor"
JAVASCRIPT = "simfra-test-javascript-sdk:1"
LOG_GROUP = "/ecs/identity"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

BOTO3 = """
    import boto3, json, os
    from botocore.exceptions import ClientError

    def attempt(call, **request):
        try:
            call(**request)
            return "allowed"
        except ClientError as error:
            return error.response["Error"]["Code"]

    sqs = boto3.client("sqs")
    url = "http://localhost:4599/000000000000/"
    print(json.dumps({
        "identity": boto3.client("sts").get_caller_identity()["Arn"],
        "allowed": attempt(sqs.send_message, QueueUrl=url + "identity-allowed", MessageBody="boto3"),
        "other queue": attempt(sqs.send_message, QueueUrl=url + "identity-other", MessageBody="boto3"),
        "other service": attempt(boto3.client("dynamodb").list_tables),
        "environment": sorted(name for name in os.environ if name.startswith("AWS_")),
    }))
"""

AWS_SDK_JS = """
    const { SQSClient, SendMessageCommand } = require("@aws-sdk/client-sqs");
    const { DynamoDBClient, ListTablesCommand } = require("@aws-sdk/client-dynamodb");
    const attempt = (client, command) => client.send(command).then(() => "allowed", (error) => error.name);
    const sqs = new SQSClient({});
    const url = "http://localhost:4599/000000000000/";
    const send = (queue) => attempt(sqs, new SendMessageCommand({ QueueUrl: url + queue, MessageBody: "js" }));
    (async () => console.log(JSON.stringify({
      "allowed": await send("identity-allowed"),
      "other queue": await send("identity-other"),
      "other service": await attempt(new DynamoDBClient({}), new ListTablesCommand({})),
      "environment": Object.keys(process.env).filter((name) => name.startsWith("AWS_")).sort(),
    })))();
"""

IDENTITY = """
    import boto3, json, os, urllib.request

    with urllib.request.urlopen(os.environ["ECS_CONTAINER_METADATA_URI_V4"] + "/task", timeout=20) as answer:
        task = json.load(answer)
    print(json.dumps({
        "identity": boto3.client("sts").get_caller_identity()["Arn"],
        "environment": sorted(name for name in os.environ if name.startswith("AWS_")),
        "task": task["TaskARN"],
    }))
"""

METADATA = """
    import json, os, urllib.request

    def get(path, version="_V4"):
        with urllib.request.urlopen(os.environ["ECS_CONTAINER_METADATA_URI" + version] + path, timeout=20) as answer:
            return json.load(answer)

    print(json.dumps({
        "container": get(""),
        "stats": get("/stats"),
        "task": get("/taskWithTags"),
        "all": get("/task/stats"),
        "older": get("/task", version=""),
    }))
"""


class Account:
    """What the tests make in the default account, by the AWS CLI."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.subnet: str = stack.aws("ec2 describe-subnets")["Subnets"][0]["SubnetId"]

    def role(self, *statements: dict[str, Any]) -> str:
        """A new role for ECS's tasks; its ARN."""
        name = f"identity-{uuid.uuid4().hex[:8]}"
        role = self.stack.aws(f"iam create-role --role-name {name} --assume-role-policy-document '{json.dumps(TRUST)}'")
        self.allow(name, *statements)
        return str(role["Role"]["Arn"])

    def allow(self, role: str, *statements: dict[str, Any]) -> None:
        """Make these the role's only permissions."""
        document = json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]}
        )
        name = role.rpartition("/")[2]
        self.stack.aws(f"iam put-role-policy --role-name {name} --policy-name only --policy-document '{document}'")

    def run(self, container: dict[str, Any], **definition: Any) -> str:
        """Register a definition of one container and run it in the default VPC; the task's ARN."""
        request = {
            "family": f"identity-{uuid.uuid4().hex[:8]}",
            "networkMode": "awsvpc",
            "containerDefinitions": [{"name": "app", "memory": 256, **container}],
            **definition,
        }
        self._json("ecs register-task-definition", request)
        wanted: dict[str, Any] = {"taskDefinition": request["family"]}
        if request["networkMode"] == "awsvpc":
            wanted["networkConfiguration"] = {"awsvpcConfiguration": {"subnets": [self.subnet]}}
        answer = self._json("ecs run-task", wanted)
        return str(answer["tasks"][0]["taskArn"])

    def stopped(self, arn: str) -> dict[str, Any]:
        """A task once it has stopped."""

        def look() -> dict[str, Any] | None:
            task: dict[str, Any] = self.stack.aws(f"ecs describe-tasks --tasks {arn}")["tasks"][0]
            return task if task["lastStatus"] == "STOPPED" else None

        task = wait_for(look, timeout_s=120, every_s=0.5, what=f"{arn} to stop")
        assert task is not None
        return task

    def output(self, arn: str) -> Any:
        """The JSON that a task printed before it ended."""
        task = self.stopped(arn)
        stream = f"ecs/app/{arn.rpartition('/')[2]}"
        command = f"logs get-log-events --log-group-name {LOG_GROUP} --log-stream-name {stream}"
        lines = [event["message"] for event in self.stack.aws(command)["events"]]
        assert lines, task
        assert lines[-1].startswith("{"), "\n".join(lines)
        return json.loads(lines[-1])

    def _json(self, command: str, request: dict[str, Any]) -> Any:
        path = self.stack.data_dir / f"request-{uuid.uuid4().hex}.json"
        path.write_text(json.dumps(request))
        return self.stack.aws(f"{command} --cli-input-json file://{path}")


@pytest.fixture(scope="module")
def account(stack: Stack) -> Account:
    """The account with two queues and a log group."""
    account = Account(stack)
    for queue in ("identity-allowed", "identity-other"):
        stack.aws(f"sqs create-queue --queue-name {queue}")
    stack.aws(f"logs create-log-group --log-group-name {LOG_GROUP}")
    return account


@pytest.fixture(scope="module")
def sender(account: Account) -> str:
    """A role that may send to one queue and do nothing else."""
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:identity-allowed"
    return account.role({"Action": "sqs:SendMessage", "Resource": queue})


@pytest.fixture(scope="module")
def javascript_image(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image with Node and the JavaScript SDK: the order processor's."""
    folder = tmp_path_factory.mktemp("javascript") / "order-processor"
    shutil.copytree(ORDER_PROCESSOR, folder)
    with node_image("node:20-slim"):
        stack.shell(f"docker build -t {JAVASCRIPT} .", cwd=folder, timeout_s=600)
    yield JAVASCRIPT


def program(text: str) -> str:
    return textwrap.dedent(text).strip()


def with_logs(container: dict[str, Any]) -> dict[str, Any]:
    options = {"awslogs-group": LOG_GROUP, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs"}
    return {**container, "logConfiguration": {"logDriver": "awslogs", "options": options}}


def assert_no_static_key(names: list[str]) -> None:
    assert "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" in names
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} & set(names)


# Task roles -----------------------------------------------------------------------------------------------------------


def test_boto3_in_a_task_may_what_its_role_may(account: Account, sender: str) -> None:
    container = with_logs({"image": python_image(), "command": ["python3", "-c", program(BOTO3)]})
    arn = account.run(container, taskRoleArn=sender)
    found = account.output(arn)
    role = sender.rpartition("/")[2]
    assert found["identity"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{arn.rpartition('/')[2]}"
    assert found["allowed"] == "allowed"
    assert "AccessDenied" in found["other queue"]
    assert "AccessDenied" in found["other service"]
    assert_no_static_key(found["environment"])


def test_the_javascript_sdk_in_a_task_may_what_its_role_may(
    account: Account, sender: str, javascript_image: str
) -> None:
    container = with_logs({"image": javascript_image, "command": ["node", "-e", program(AWS_SDK_JS)]})
    found = account.output(account.run(container, taskRoleArn=sender))
    assert found["allowed"] == "allowed"
    assert "AccessDenied" in found["other queue"]
    assert "AccessDenied" in found["other service"]
    assert_no_static_key(found["environment"])


@pytest.mark.parametrize(
    ("network_mode", "variable"),
    [("host", "AWS_CONTAINER_CREDENTIALS_FULL_URI"), ("bridge", "AWS_SESSION_TOKEN")],
)
def test_a_task_outside_of_a_vpc_is_its_role_too(
    account: Account, sender: str, network_mode: str, variable: str
) -> None:
    container = with_logs({"image": python_image(), "command": ["python3", "-c", program(IDENTITY)]})
    arn = account.run(container, taskRoleArn=sender, networkMode=network_mode)
    found = account.output(arn)
    assert found["task"] == arn
    assert found["identity"].endswith(f"assumed-role/{sender.rpartition('/')[2]}/{arn.rpartition('/')[2]}")
    assert variable in found["environment"]


# Metadata -------------------------------------------------------------------------------------------------------------


def test_a_task_reads_its_metadata_and_the_engines_figures(account: Account) -> None:
    arn = account.run(with_logs({"image": python_image(), "command": ["python3", "-c", program(METADATA)]}))
    found = account.output(arn)
    container, task, stats = found["container"], found["task"], found["stats"]
    assert (container["Name"], container["KnownStatus"], task["TaskARN"]) == ("app", "RUNNING", arn)
    assert container.keys() >= {
        *("ContainerARN", "CreatedAt", "DesiredStatus", "DockerId", "DockerName", "Image", "KnownStatus"),
        *("Labels", "Limits", "LogDriver", "LogOptions", "Name", "Networks", "StartedAt", "Type"),
    }
    assert container["LogOptions"]["awslogs-stream"].endswith(f"/app/{arn.rpartition('/')[2]}")
    assert task.keys() >= {
        *("AvailabilityZone", "Cluster", "Containers", "DesiredStatus", "Family", "FaultInjectionEnabled"),
        *("KnownStatus", "LaunchType", "Limits", "Revision", "TaskTags", "VPCID"),
    }
    (network,) = container["Networks"]
    (attachment,) = account.stopped(arn)["attachments"]
    interface = {detail["name"]: detail["value"] for detail in attachment["details"]}
    assert network["NetworkMode"] == "awsvpc"
    assert network["AttachmentIndex"] == 0
    assert network["MACAddress"] == interface["macAddress"]
    assert network["IPv4Addresses"] == [interface["privateIPv4Address"]]
    assert found["older"]["Containers"][0].keys() == container.keys() - {"ContainerARN", "LogDriver", "LogOptions"}
    assert found["older"]["Containers"][0]["Networks"] == [
        {"NetworkMode": "awsvpc", "IPv4Addresses": network["IPv4Addresses"]}
    ]
    assert stats["id"] == container["DockerId"]
    assert stats["memory_stats"]["usage"] > 1_000_000
    assert stats["cpu_stats"]["cpu_usage"]["total_usage"] > 0
    assert stats["networks"]["eth0"]["rx_bytes"] > 0
    assert found["all"].keys() == {container["DockerId"]}


# Secrets --------------------------------------------------------------------------------------------------------------

SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prod/db-password"
PARAMETER = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/prod/api-key"
PASSWORD = "correct-horse-battery"
READ_SECRET = {"Action": "secretsmanager:GetSecretValue", "Resource": f"{SECRET}*"}
READ_PARAMETER = {"Action": "ssm:GetParameter", "Resource": PARAMETER}
DECRYPT = {"Action": "kms:Decrypt", "Resource": "*"}


@pytest.fixture(scope="module")
def secrets(stack: Stack, account: Account) -> list[dict[str, str]]:
    """The reference page's secrets, the parameter under a customer's key."""
    stack.aws(f"secretsmanager create-secret --name prod/db-password --secret-string {PASSWORD}")
    stack.aws("kms create-alias --alias-name alias/identity --target-key-id " + _new_key(stack))
    stack.aws("ssm put-parameter --name /prod/api-key --type SecureString --value abc123 --key-id alias/identity")
    return [{"name": "DB_PASSWORD", "valueFrom": SECRET}, {"name": "API_KEY", "valueFrom": PARAMETER}]


def _new_key(stack: Stack) -> str:
    return str(stack.aws("kms create-key")["KeyMetadata"]["KeyId"])


def test_secrets_are_in_their_container_and_nowhere_else(
    stack: Stack, account: Account, secrets: list[dict[str, str]]
) -> None:
    digest = hashlib.sha256(f"{PASSWORD} abc123".encode()).hexdigest()
    script = f'test "$(printf "%s %s" "$DB_PASSWORD" "$API_KEY" | sha256sum | cut -c1-64)" = {digest} && sleep 300'
    container = {"image": busybox_image(), "command": ["sh", "-c", script], "secrets": secrets, "stopTimeout": 2}
    arn = account.run(container, executionRoleArn=account.role(READ_SECRET, READ_PARAMETER, DECRYPT))
    stack.shell(f"aws ecs wait tasks-running --cluster default --tasks {arn}")
    task = stack.aws(f"ecs describe-tasks --tasks {arn}")["tasks"][0]
    own = task["containers"][0]["runtimeId"]
    for container_id in stack.containers().values():
        is_told = PASSWORD in stack.shell(f"docker inspect {container_id}")
        assert is_told == (container_id == own)
    task_id = arn.rpartition("/")[2]
    told = (task, stack.admin("debug/requests"), stack.admin(f"ecs/tasks/{task_id}/explain"))
    assert PASSWORD not in json.dumps(told)
    for path in ("/", "/clusters/default/", f"/clusters/default/tasks/{task_id}/"):
        with urllib.request.urlopen(f"{stack.console}{path}", timeout=10) as page:
            assert PASSWORD not in page.read().decode()
    assert_nowhere_at_rest(stack, PASSWORD)
    stack.aws(f"ecs stop-task --task {arn}")
    account.stopped(arn)


def assert_nowhere_at_rest(stack: Stack, secret: str) -> None:
    """Neither the logs nor the database with its write-ahead log nor anything else kept has it in plain."""
    # Started by root, the servers keep their files elsewhere; the data directory links there.
    linked = [path.resolve() for path in stack.data_dir.iterdir() if path.is_symlink() and path.is_dir()]
    files = [path for folder in (stack.data_dir, *linked) for path in folder.rglob("*") if path.is_file()]
    assert any("pg_wal" in path.parts for path in files)
    assert any(path.suffix == ".log" for path in files)
    for path in files:
        # The servers remove files of theirs while we look.
        with contextlib.suppress(FileNotFoundError):
            assert secret.encode() not in path.read_bytes(), path
    keys = list((stack.data_dir / "secrets").iterdir())
    assert keys
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


@dataclass(frozen=True)
class Missing:
    """A permission that a role lacks, which it has instead, and what ECS makes of it."""

    action: str
    granted: tuple[dict[str, str], ...]
    wording: str


@pytest.mark.parametrize(
    "missing",
    [
        Missing("secretsmanager:GetSecretValue", (READ_PARAMETER, DECRYPT), "unable to retrieve secret from asm"),
        Missing("ssm:GetParameters", (READ_SECRET, DECRYPT), "unable to retrieve secrets from ssm"),
        Missing("kms:Decrypt", (READ_SECRET, READ_PARAMETER), "unable to retrieve secrets from ssm"),
    ],
    ids=lambda missing: missing.action,
)
def test_a_missing_permission_stops_the_task_and_is_explained(
    stack: Stack, account: Account, secrets: list[dict[str, str]], missing: Missing
) -> None:
    container = {"image": busybox_image(), "command": ["sleep", "300"], "secrets": secrets}
    task = account.stopped(account.run(container, executionRoleArn=account.role(*missing.granted)))
    reason = task["stoppedReason"]
    assert task["stopCode"] == "TaskFailedToStart"
    assert reason.startswith(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
        f"{missing.wording}: service call has been retried 1 time(s): "
    )
    assert f"is not authorized to perform: {missing.action} on resource: " in reason
    assert task["stoppedAt"] - task["createdAt"] < 2
    request_id = reason.rpartition("request id: ")[2]
    decisions = stack.admin("iam/explain", requestId=request_id)["decisions"]
    assert [each["missing"]["Action"] for each in decisions if each["missing"]] == [missing.action]
    access = stack.admin(f"ecs/tasks/{task['taskArn'].rpartition('/')[2]}/explain")["access"]
    assert missing.action in [each["missing"]["Action"] for each in access if each["missing"]]


# Images and output ----------------------------------------------------------------------------------------------------


def test_a_private_registrys_password_is_had_from_secrets_manager(stack: Stack, account: Account) -> None:
    login = {"username": "puller", "password": uuid.uuid4().hex}
    name = f"registry-{uuid.uuid4().hex[:8]}"
    secret = stack.aws(f"secretsmanager create-secret --name {name} --secret-string '{json.dumps(login)}'")["ARN"]
    role = account.role({"Action": "secretsmanager:GetSecretValue", "Resource": secret})
    with private_registry(busybox_image(), **login) as image:
        container = {"image": image, "command": ["true"]}
        task = account.stopped(account.run(container))
        assert task["stopCode"] == "TaskFailedToStart"
        assert task["stoppedReason"].startswith("CannotPullContainerError: ")
        credentials = {"repositoryCredentials": {"credentialsParameter": secret}}
        task = account.stopped(account.run({**container, **credentials}, executionRoleArn=role))
        assert (task["stopCode"], task["containers"][0]["exitCode"]) == ("EssentialContainerExited", 0), task
        stack.shell(f"docker rmi -f {image}")


MANAGED = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


def test_awss_managed_policy_is_what_an_execution_role_needs(stack: Stack, account: Account) -> None:
    name = "localhost:4599/000000000000/identity:1"
    stack.aws("ecr create-repository --repository-name identity")
    stack.shell(f"docker tag {busybox_image()} {name} && docker push {name} && docker rmi {name}")
    image = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/identity:1"
    container = with_logs({"image": image, "command": ["echo", '{"said": "hello"}']})
    role = account.role({"Action": ["ecr:GetAuthorizationToken", "logs:*"], "Resource": "*"})
    fargate = {"requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512", "executionRoleArn": role}

    task = account.stopped(account.run(container, **fargate))
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")
    assert "is not authorized to perform: ecr:BatchGetImage on resource: " in task["stoppedReason"]

    role_name = role.rpartition("/")[2]
    stack.aws(f"iam delete-role-policy --role-name {role_name} --policy-name only")
    stack.aws(f"iam attach-role-policy --role-name {role_name} --policy-arn {MANAGED}")
    assert account.output(account.run(container, **fargate)) == {"said": "hello"}
    stack.shell(f"docker rmi -f {image}")
