"""What ExecuteCommand refuses, and what tasks say of their agent."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.utils import timezone

from aws_api.services.ecs.exec.cleanup import forget_sessions
from aws_api.services.ecs.models import ExecuteCommandSession
from tests.services.ecs.conftest import Register
from tests.services.ecs.stage import Stage

NOT_ENABLED = "execute command was not enabled when the task was run"


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def execute(ecs: Any, arn: str, **request: Any) -> Any:
    return ecs.execute_command(**{"task": arn, "command": "sh", "interactive": True, **request})


@pytest.fixture
def running(stage: Stage, register: Register) -> str:
    register("app")
    return stage.run("app", enableExecuteCommand=True)


def test_the_answer_names_the_session_and_where_it_is_opened(ecs: Any, running: str) -> None:
    answer = execute(ecs, running)
    session = answer["session"]
    assert session["sessionId"].startswith("ecs-execute-command-0")
    expected = f"ws://localhost:4599/v1/data-channel/{session['sessionId']}?role=publish_subscribe"
    assert session["streamUrl"] == expected
    assert len(session["tokenValue"]) > 40
    assert (answer["containerName"], answer["interactive"], answer["taskArn"]) == ("app", True, running)
    assert answer["containerArn"] == ecs.describe_tasks(tasks=[running])["tasks"][0]["containers"][0]["containerArn"]


def test_a_task_without_execute_command_takes_none(ecs: Any, stage: Stage, register: Register) -> None:
    register("app")
    arn = stage.run("app")
    code, message = refused(ecs.execute_command, task=arn, command="sh", interactive=True)
    assert code == "InvalidParameterException"
    assert NOT_ENABLED in message
    assert "managedAgents" not in stage.describe(arn)["containers"][0]


def test_a_task_that_does_not_run_takes_no_command(ecs: Any, stage: Stage, running: str) -> None:
    (agent,) = stage.describe(running)["containers"][0]["managedAgents"]
    assert (agent["name"], agent["lastStatus"], "lastStartedAt" in agent) == ("ExecuteCommandAgent", "RUNNING", True)
    ecs.stop_task(task=running)
    stage.settle()
    code, message = refused(ecs.execute_command, task=running, command="sh", interactive=True)
    assert (code, NOT_ENABLED in message) == ("InvalidParameterException", True)


def test_only_interactive_commands_are_supported(ecs: Any, running: str) -> None:
    assert refused(ecs.execute_command, task=running, command="sh", interactive=False) == (
        "InvalidParameterException",
        "Interactive is the only mode supported currently.",
    )


def test_tasks_and_clusters_that_are_not_there_are_refused(ecs: Any, running: str) -> None:
    call = {"command": "sh", "interactive": True}
    assert refused(ecs.execute_command, task="0" * 32, **call)[0] == "InvalidParameterException"
    assert refused(ecs.execute_command, task=running, cluster="none", **call)[0] in (
        "ClusterNotFoundException",
        "InvalidParameterException",
    )


def test_a_container_is_named_where_there_are_several(ecs: Any, stage: Stage, register: Register) -> None:
    register("two", {"name": "web"}, {"name": "db"})
    arn = stage.run("two", enableExecuteCommand=True)
    code, message = refused(ecs.execute_command, task=arn, command="sh", interactive=True)
    assert (code, "container name" in message) == ("InvalidParameterException", True)
    assert execute(ecs, arn, container="db")["containerName"] == "db"
    assert refused(ecs.execute_command, task=arn, command="sh", interactive=True, container="none")[0] == (
        "InvalidParameterException"
    )


def test_a_role_without_the_agents_permissions_leaves_it_unconnected(
    ecs: Any, aws: Callable[..., Any], stage: Stage, register: Register, role: str
) -> None:
    register("app", taskRoleArn=role)
    arn = stage.run("app", enableExecuteCommand=True)
    request = {"task": arn, "command": "sh", "interactive": True}
    assert refused(ecs.execute_command, **request) == (
        "TargetNotConnectedException",
        "The execute command failed due to an internal error. Try again later.",
    )
    actions = [f"ssmmessages:{verb}{kind}Channel" for verb in ("Create", "Open") for kind in ("Control", "Data")]
    for allowed, is_connected in ((actions[:3], False), (actions, True)):
        statement = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        aws("iam").put_role_policy(RoleName="task", PolicyName="exec", PolicyDocument=policy)
        if is_connected:
            assert ecs.execute_command(**request)["session"]["sessionId"]
        else:
            assert refused(ecs.execute_command, **request)[0] == "TargetNotConnectedException"


def test_a_fargate_task_needs_a_role_for_the_agent(
    ecs: Any, register: Register, awsvpc: dict[str, Any], role: str
) -> None:
    members = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}
    register("app", **members)
    request = {"launchType": "FARGATE", "networkConfiguration": awsvpc, "enableExecuteCommand": True}
    code, message = refused(ecs.run_task, taskDefinition="app", **request)
    assert (code, "valid taskRoleArn" in message) == ("InvalidParameterException", True)
    register("app", taskRoleArn=role, **members)
    assert ecs.run_task(taskDefinition="app", **request)["tasks"][0]["enableExecuteCommand"] is True


def test_a_container_has_so_many_sessions_and_no_more(ecs: Any, running: str) -> None:
    for _ in range(20):
        execute(ecs, running)
    code, message = refused(ecs.execute_command, task=running, command="sh", interactive=True)
    assert (code, "20" in message) == ("ClientException", True)


def test_a_policy_may_speak_of_the_container(
    ecs: Any, aws: Callable[..., Any], stage: Stage, register: Register
) -> None:
    register("two", {"name": "web"}, {"name": "db"})
    arn = stage.run("two", enableExecuteCommand=True)
    statement = {
        "Effect": "Allow",
        "Action": "ecs:ExecuteCommand",
        "Resource": "*",
        "Condition": {"StringEquals": {"ecs:container-name": "web"}},
    }
    iam = aws("iam")
    iam.create_user(UserName="dev")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="dev", PolicyName="exec", PolicyDocument=policy)
    key = iam.create_access_key(UserName="dev")["AccessKey"]
    developer = aws("ecs", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert execute(developer, arn, container="web")["containerName"] == "web"
    for container in ({"container": "db"}, {}):
        request = {"task": arn, "command": "sh", "interactive": True, **container}
        assert refused(developer.execute_command, **request)[0] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("configuration", "group"),
    [
        ({}, "/app"),
        ({"logging": "DEFAULT"}, "/app"),
        ({"logging": "NONE"}, ""),
        ({"logging": "OVERRIDE", "logConfiguration": {"cloudWatchLogGroupName": "/exec"}}, "/exec"),
        ({"kmsKeyId": "alias/exec", "logging": "NONE"}, ""),
    ],
)
def test_the_cluster_says_where_sessions_are_logged(
    ecs: Any, stage: Stage, register: Register, configuration: dict[str, Any], group: str
) -> None:
    options = {"awslogs-group": "/app", "awslogs-region": "us-east-1", "awslogs-create-group": "true"}
    register("app", {"name": "app", "logConfiguration": {"logDriver": "awslogs", "options": options}})
    arn = stage.run("app", enableExecuteCommand=True)
    ecs.update_cluster(cluster="default", configuration={"executeCommandConfiguration": configuration})
    session_id = execute(ecs, arn)["session"]["sessionId"]
    assert ExecuteCommandSession.objects.get(session_id=session_id).log_group == group
    (cluster,) = ecs.describe_clusters(clusters=["default"], include=["CONFIGURATIONS"])["clusters"]
    assert cluster["configuration"]["executeCommandConfiguration"] == configuration


def test_sessions_that_are_over_are_forgotten_after_a_while(ecs: Any, running: str) -> None:
    ids = [execute(ecs, running)["session"]["sessionId"] for _ in range(3)]
    rows = ExecuteCommandSession.objects.filter(session_id__in=ids)
    long_ago = timezone.now() - timedelta(hours=2)
    rows.filter(session_id=ids[0]).update(ended_at=long_ago)
    rows.filter(session_id=ids[1]).update(alive_until=long_ago)
    forget_sessions(timezone.now())
    assert list(rows.values_list("session_id", flat=True)) == [ids[2]]
