"""Secrets, registry credentials, images and log streams: had by the execution role, or the reason why not."""

import json
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from aws_api.core.containers import LABEL_LOGS
from aws_api.core.models import PlanRecord
from tests.services.ecs.stage import KIND, Stage

PREFIX = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
FROM_SECRETS_MANAGER = f"{PREFIX}unable to retrieve secret from asm: service call has been retried 1 time(s): "
FROM_PARAMETER_STORE = f"{PREFIX}unable to retrieve secrets from ssm: service call has been retried 1 time(s): "

Allow = Callable[..., None]


@pytest.fixture
def allow(aws: Callable[..., Any], role: str) -> Allow:
    """``allow("ssm:GetParameter", resource)``: makes these permissions the role's only ones."""

    def give(*actions: str, resource: str = "*") -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        aws("iam").put_role_policy(RoleName="task", PolicyName="only", PolicyDocument=document)

    return give


@pytest.fixture
def page(stage: Stage, aws: Callable[..., Any], register: Any, role: str) -> str:
    """The reference page's secrets example, registered as ``page``; its secret's ARN lacks the random suffix."""
    aws("secretsmanager").create_secret(Name="prod/db-password", SecretString="hunter2")
    aws("ssm").put_parameter(Name="/prod/api-key", Value="abc123", Type="SecureString")
    secret = f"arn:aws:secretsmanager:us-east-1:{stage.account_id}:secret:prod/db-password"
    parameter = f"arn:aws:ssm:us-east-1:{stage.account_id}:parameter/prod/api-key"
    secrets = [{"name": "DB_PASSWORD", "valueFrom": secret}, {"name": "API_KEY", "valueFrom": parameter}]
    register("page", {"name": "app", "secrets": secrets}, executionRoleArn=role)
    return secret


def reason_of(stage: Stage, arn: str) -> str:
    """Why a task failed to start."""
    task = stage.describe(arn)
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart"), task
    return str(task["stoppedReason"])


@pytest.mark.parametrize("read_parameters", ["ssm:GetParameter", "ssm:GetParameters"])
def test_the_pages_secrets_are_variables_of_their_container(
    stage: Stage, page: str, allow: Allow, read_parameters: str
) -> None:
    allow("secretsmanager:GetSecretValue", read_parameters)
    environment = stage.spec(arn := stage.run("page"), "app").environment
    assert (environment["DB_PASSWORD"], environment["API_KEY"]) == ("hunter2", "abc123")
    assert "hunter2" not in repr(stage.spec(arn, "app"))
    assert "hunter2" not in "".join(PlanRecord.objects.filter(kind=KIND, key=arn).values_list("text", flat=True))


def test_a_task_without_the_permission_for_a_secret_says_which_within_two_seconds(
    stage: Stage, page: str, allow: Allow
) -> None:
    allow("ssm:GetParameters")
    began = time.monotonic()
    arn = stage.run("page")
    assert time.monotonic() - began < 2
    task_id = arn.rpartition("/")[2]
    user = f"arn:aws:sts::{stage.account_id}:assumed-role/task/{task_id}"
    reason = reason_of(stage, arn)
    assert reason.startswith(
        f"{FROM_SECRETS_MANAGER}failed to fetch secret {page} from secrets manager: AccessDeniedException: "
        f"User: {user} is not authorized to perform: secretsmanager:GetSecretValue on resource: {page}"
    )
    assert "because no identity-based policy allows the secretsmanager:GetSecretValue action" in reason
    assert " status code: 400, request id: " in reason
    assert stage.runtime.names == []


def test_a_task_without_the_permission_for_a_parameter_says_which(stage: Stage, page: str, allow: Allow) -> None:
    allow("secretsmanager:GetSecretValue")
    reason = reason_of(stage, stage.run("page"))
    assert reason.startswith(f"{FROM_PARAMETER_STORE}AccessDeniedException: User: ")
    assert "is not authorized to perform: ssm:GetParameters on resource: " in reason


@pytest.mark.parametrize("read_parameters", ["ssm:GetParameter", "ssm:GetParameters"])
def test_a_task_without_the_permission_for_the_parameters_key_says_so(
    stage: Stage, page: str, aws: Callable[..., Any], allow: Allow, read_parameters: str
) -> None:
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    aws("ssm").put_parameter(Name="/prod/api-key", Value="1", Type="SecureString", KeyId=key, Overwrite=True)
    allow("secretsmanager:GetSecretValue", read_parameters)
    reason = reason_of(stage, stage.run("page"))
    assert f"is not authorized to perform: kms:Decrypt on resource: {key} because" in reason


@pytest.mark.parametrize(
    "selected",
    [
        ("", '{"user": "app", "port": 5432}'),
        (":user::", "app"),
        (":port::", "5432"),
        (":user:AWSPREVIOUS:", "old"),
        ("::AWSPREVIOUS:", '{"user": "old"}'),
        ("::AWSCURRENT", '{"user": "app", "port": 5432}'),
    ],
)
def test_a_secret_is_read_by_key_and_stage(
    stage: Stage, aws: Callable[..., Any], register: Any, allow: Allow, selected: tuple[str, str]
) -> None:
    selector, value = selected
    manager = aws("secretsmanager")
    secret = manager.create_secret(Name="db", SecretString='{"user": "old"}')["ARN"]
    manager.put_secret_value(SecretId=secret, SecretString='{"user": "app", "port": 5432}')
    allow("secretsmanager:GetSecretValue")
    register("db", {"secrets": [{"name": "DB", "valueFrom": secret + selector}]}, executionRoleArn="task")
    assert stage.spec(stage.run("db"), "container0").environment["DB"] == value


def test_a_secret_is_read_by_version_id(
    stage: Stage, aws: Callable[..., Any], register: Any, role: str, allow: Allow
) -> None:
    manager = aws("secretsmanager")
    first = manager.create_secret(Name="db", SecretString='{"user": "old"}')
    manager.put_secret_value(SecretId="db", SecretString='{"user": "new"}')
    allow("secretsmanager:GetSecretValue")
    value_from = f"{first['ARN']}:user::{first['VersionId']}"
    register("db", {"secrets": [{"name": "DB", "valueFrom": value_from}]}, executionRoleArn=role)
    assert stage.spec(stage.run("db"), "container0").environment["DB"] == "old"


def test_a_key_that_a_secret_lacks_is_named_and_the_secret_is_not_told(
    stage: Stage, aws: Callable[..., Any], register: Any, role: str, allow: Allow
) -> None:
    secret = aws("secretsmanager").create_secret(Name="db", SecretString='{"user": "hunter2"}')["ARN"]
    allow("secretsmanager:GetSecretValue")
    register("db", {"secrets": [{"name": "DB", "valueFrom": f"{secret}:password::"}]}, executionRoleArn=role)
    reason = reason_of(stage, stage.run("db"))
    assert reason.endswith("retrieved secret from Secrets Manager did not contain json key password")
    assert "hunter2" not in reason


def test_a_secret_that_is_not_there_stops_the_task(
    stage: Stage, aws: Callable[..., Any], register: Any, role: str, allow: Allow
) -> None:
    secret = f"arn:aws:secretsmanager:us-east-1:{stage.account_id}:secret:none-AbCdEf"
    allow("secretsmanager:GetSecretValue")
    register("db", {"secrets": [{"name": "DB", "valueFrom": secret}]}, executionRoleArn=role)
    assert "ResourceNotFoundException: Secrets Manager can't find" in reason_of(stage, stage.run("db"))


def test_a_log_drivers_secret_that_cannot_be_read_stops_the_task(
    stage: Stage, aws: Callable[..., Any], register: Any, role: str, allow: Allow
) -> None:
    secret = aws("secretsmanager").create_secret(Name="token", SecretString="hunter2")["ARN"]
    log = {"logDriver": "splunk", "secretOptions": [{"name": "splunk-token", "valueFrom": secret}]}
    register("web", {"name": "app", "logConfiguration": log}, executionRoleArn=role)
    allow("ssm:GetParameters")
    reason = reason_of(stage, stage.run("web"))
    assert reason.startswith(f"{FROM_SECRETS_MANAGER}failed to fetch secret {secret} from secrets manager: ")
    allow("secretsmanager:GetSecretValue")
    arn = stage.run("web")
    assert stage.describe(arn)["lastStatus"] == "RUNNING"
    assert "hunter2" not in str(stage.spec(arn, "app").environment)


def test_a_parameter_is_read_by_its_name(
    stage: Stage, aws: Callable[..., Any], register: Any, role: str, allow: Allow
) -> None:
    aws("ssm").put_parameter(Name="plain", Value="a,b", Type="StringList")
    allow("ssm:GetParameters")
    register("db", {"secrets": [{"name": "LIST", "valueFrom": "plain"}]}, executionRoleArn=role)
    assert stage.spec(stage.run("db"), "container0").environment["LIST"] == "a,b"


@pytest.mark.parametrize("read_parameters", ["ssm:GetParameter", "ssm:GetParameters"])
def test_a_parameter_that_is_not_there_is_named(
    stage: Stage, register: Any, role: str, allow: Allow, read_parameters: str
) -> None:
    allow(read_parameters)
    register("db", {"secrets": [{"name": "A", "valueFrom": "/none"}]}, executionRoleArn=role)
    assert reason_of(stage, stage.run("db")) == f"{FROM_PARAMETER_STORE}invalid parameters: /none"


def test_a_secret_of_another_region_is_read_there(
    stage: Stage, aws: Callable[..., Any], register: Any, role: str, allow: Allow
) -> None:
    manager = aws("secretsmanager", region_name="eu-west-1")
    secret = manager.create_secret(Name="db", SecretString="far away")["ARN"]
    allow("secretsmanager:GetSecretValue")
    register("db", {"secrets": [{"name": "DB", "valueFrom": secret}]}, executionRoleArn=role)
    assert stage.spec(stage.run("db"), "container0").environment["DB"] == "far away"


def test_registry_credentials_are_read_as_the_execution_role_and_never_printed(
    stage: Stage, aws: Callable[..., Any], register: Any, role: str, allow: Allow
) -> None:
    text = '{"username": "me", "password": "hunter2"}'
    secret = aws("secretsmanager").create_secret(Name="registry", SecretString=text)["ARN"]
    container = {"name": "app", "repositoryCredentials": {"credentialsParameter": secret}}
    register("private", container, executionRoleArn=role)
    allow("ssm:GetParameters")
    reason = reason_of(stage, stage.run("private"))
    assert reason.startswith(f"{PREFIX}unable to get registry auth from asm: service call has been retried 1 time(s): ")
    assert f"asm fetching secret from the service for {secret}: AccessDeniedException: " in reason
    allow("secretsmanager:GetSecretValue")
    arn = stage.run("private")
    assert stage.describe(arn)["lastStatus"] == "RUNNING"
    assert "hunter2" not in "".join(PlanRecord.objects.filter(kind=KIND, key=arn).values_list("text", flat=True))


def test_an_image_of_our_registry_needs_the_execution_roles_rights(
    stage: Stage, register: Any, role: str, allow: Allow
) -> None:
    image = f"{stage.account_id}.dkr.ecr.us-east-1.amazonaws.com/web:1"
    stage.runtime.add_image(image)
    register("web", {"name": "app", "image": image}, executionRoleArn=role)
    allow("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    reason = reason_of(stage, stage.run("web"))
    assert reason.startswith(
        f"{PREFIX}unable to retrieve ecr registry auth: service call has been retried 1 time(s): AccessDeniedException"
    )
    assert "ecr:GetAuthorizationToken on resource: *" in reason
    for given, lacking in (
        ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
        ("ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"),
    ):
        allow("ecr:GetAuthorizationToken", given)
        reason = reason_of(stage, stage.run("web"))
        repository = f"arn:aws:ecr:us-east-1:{stage.account_id}:repository/web"
        assert reason.startswith("CannotPullContainerError: Error response from daemon: pull access denied for ")
        assert f"is not authorized to perform: {lacking} on resource: {repository} because" in reason


def test_a_log_stream_is_made_as_the_execution_role(
    stage: Stage, register: Any, role: str, allow: Allow, aws: Callable[..., Any]
) -> None:
    aws("logs").create_log_group(logGroupName="/ecs/web")
    options = {"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs"}
    log = {"logDriver": "awslogs", "options": options}
    register("web", {"name": "app", "logConfiguration": log}, executionRoleArn=role)
    allow("logs:PutLogEvents")
    reason = reason_of(stage, stage.run("web"))
    assert reason.startswith("ResourceInitializationError: failed to validate logger args: create stream has been ")
    assert "is not authorized to perform: logs:CreateLogStream on resource: " in reason

    allow("logs:CreateLogStream")
    arn = stage.run("web")
    assert stage.describe(arn)["lastStatus"] == "RUNNING"
    assert LABEL_LOGS not in stage.spec(arn, "app").labels, "the role may not put events: output goes nowhere"

    allow("logs:CreateLogStream", "logs:PutLogEvents")
    arn = stage.run("web")
    assert orjson.loads(stage.spec(arn, "app").labels[LABEL_LOGS])["group"] == "/ecs/web"


def test_an_execution_role_that_does_not_trust_ecs_stops_the_task(
    stage: Stage, page: str, aws: Callable[..., Any], role: str
) -> None:
    arn = stage.ecs.run_task(taskDefinition="page")["tasks"][0]["taskArn"]
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws("iam").update_assume_role_policy(RoleName="task", PolicyDocument=document)
    stage.settle()
    assert reason_of(stage, arn) == (
        f"{PREFIX}ECS was unable to assume the role '{role}' that was provided for this task. Please verify that the "
        "role being passed has the proper trust relationship and permissions and that your IAM user has permissions to "
        "pass this role."
    )
