"""What the admin API says of a task, and keeping its containers."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from aws_api.core import log_tail
from aws_api.core.containers import LogLine
from aws_api.core.execution import run_on_loop
from aws_api.services.ecs.advice import ContainerFacts, next_steps
from aws_api.services.ecs.models import Task
from tests.services.ecs.stage import Stage
from tests.support.fake_runtime import Program


def explained(arn: str) -> dict[str, Any]:
    answer = Client().get(f"/_simfra/ecs/tasks/{arn.rpartition('/')[2]}/explain")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_a_task_that_failed_says_why_in_one_answer(stage: Stage, register: Callable[..., str]) -> None:
    register("job", {"name": "app", "command": ["boom"]}, {"name": "side"}, ephemeralStorage={"sizeInGiB": 30})
    stage.runtime.programs[("boom",)] = Program(exit_code=137, output=("starting",))
    arn = stage.run("job")
    line = LogLine(at_ns=1_700_000_000_000_000_000, stream="stderr", message="no more room")
    run_on_loop(log_tail.append(stage.container(arn, "app"), [line]))
    answer = explained(arn)
    assert (answer["lastStatus"], answer["stopCode"]) == ("STOPPED", "EssentialContainerExited")
    statuses = [entry["after"] for entry in answer["timeline"] if entry["type"] == "status"]
    assert statuses == stage.statuses(arn)
    steps = [step for entry in answer["timeline"] if entry["type"] == "plan" for step in entry["steps"]]
    assert {"step": "StartContainer app", "cause": "it should run"} in steps
    app = answer["containers"][0]
    assert (app["name"], app["exitCode"], app["exitCodeMeaning"]) == ("app", 137, "SIGKILL")
    assert [one["message"] for one in app["logs"]] == ["no more room"]
    assert [use["path"] for use in answer["storedOnly"]] == ["ephemeralStorage"]
    assert answer["nextSteps"][0].startswith("The container app was killed")
    assert "simfra:hold=true" in answer["nextSteps"][-1]


def test_the_permissions_that_a_task_was_started_with_are_told_and_the_missing_statement(
    stage: Stage, aws: Callable[..., Any], register: Callable[..., str], role: str
) -> None:
    secret = aws("secretsmanager").create_secret(Name="db", SecretString="hunter2")["ARN"]
    parameter = f"arn:aws:ssm:us-east-1:{stage.account_id}:parameter/key"
    aws("ssm").put_parameter(Name="/key", Value="abc", Type="SecureString")
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws("iam").put_role_policy(RoleName="task", PolicyName="only", PolicyDocument=document)
    secrets = [{"name": "DB", "valueFrom": secret}, {"name": "KEY", "valueFrom": parameter}]
    register("job", {"name": "app", "secrets": secrets}, executionRoleArn=role)
    arn = stage.run("job")
    answer = explained(arn)
    by_action = {each["action"]: each for each in answer["access"]}
    allowed, refused = by_action["secretsmanager:GetSecretValue"], by_action["ssm:GetParameters"]
    assert (allowed["effect"], allowed["resource"], allowed["missing"]) == ("allowed", secret, None)
    assert allowed["policy"] == "inline policy only of role task"
    assert refused["missing"] == {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": parameter}
    assert answer["stoppedReason"].endswith(f"request id: {refused['requestId']}")
    assert "hunter2" not in str(answer)


def test_a_pull_that_failed_is_told_with_its_reason(stage: Stage, register: Callable[..., str]) -> None:
    image = f"nope-{stage.account_id}:1"
    reason = "CannotPullContainerError: pull image manifest has been retried 1 time(s): not found"
    stage.runtime.fail("pull_image", image, reason)
    register("web", {"name": "app", "image": image})
    arn = stage.run("web")
    stage.wake(arn)
    answer = explained(arn)
    assert answer["containers"][0]["pull"]["reason"] == reason
    assert answer["nextSteps"][0] == "Check the image's name and tag, and push it."
    assert next(entry["failure"] for entry in answer["timeline"] if entry["type"] == "plan") == reason


def test_a_task_that_is_held_keeps_its_containers_and_volumes_until_it_is_let_go(
    stage: Stage, register: Callable[..., str]
) -> None:
    mount = {"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]}
    register("job", {"name": "app", **mount}, volumes=[{"name": "data"}])
    arn = stage.run("job")
    path = f"/_simfra/ecs/tasks/{arn.rpartition('/')[2]}/hold"
    assert Client().post(path, content_type="application/json").json() == {"taskArn": arn, "hold": True}
    stage.runtime.end(stage.container(arn, "app"), 1)
    assert stage.wake(arn)["lastStatus"] == "STOPPED"
    assert stage.runtime.names == [stage.container(arn, "app")]
    assert len(stage.runtime.volumes) == 1
    assert explained(arn)["held"] is True
    Client().post(path, {"hold": False}, content_type="application/json")
    stage.settle()
    assert (stage.runtime.names, stage.runtime.volumes) == ([], [])
    assert Client().post(path, content_type="application/json").status_code == 409
    assert Task.objects.get(arn=arn).desired_hold is False


def test_a_task_may_be_held_from_the_start(stage: Stage, register: Callable[..., str]) -> None:
    register("job", {"name": "app", "command": ["false"]})
    stage.runtime.programs[("false",)] = Program(exit_code=1)
    arn = stage.run("job", tags=[{"key": "simfra:hold", "value": "true"}])
    assert stage.describe(arn)["lastStatus"] == "STOPPED"
    assert stage.runtime.names == [stage.container(arn, "app")]


def test_what_is_not_there_is_not_explained(gateway: Any) -> None:
    assert Client().get("/_simfra/ecs/tasks/none/explain").status_code == 404


APP = {"name": "app", "status": "STOPPED", "out_of_memory": False, "memory_mib": 64, "stop_timeout_s": 30, "health": ""}


@pytest.mark.parametrize(
    ("reason", "exit_code", "expected"),
    [
        ("Essential container in task exited", 1, "Read the last lines of app's log: it exited with 1."),
        ("Essential container in task exited", 127, "Check entryPoint and command of app: the command was not found"),
        ("CannotStartContainerError: exec format error", None, "The image is for another processor"),
        ("The specified log group does not exist", None, "Create the log group"),
        ("ResourceInitializationError: failed to download env files", None, "Put the file where environmentFiles says"),
        ("Essential container in task exited", 0, ""),
    ],
)
def test_a_stopped_task_says_what_helps(reason: str, exit_code: int | None, expected: str) -> None:
    code = "EssentialContainerExited" if exit_code is not None else "TaskFailedToStart"
    facts = ContainerFacts(**{**APP, "exit_code": exit_code})  # type: ignore[arg-type]
    steps = next_steps(status="STOPPED", stop_code=code, reason=reason, containers=[facts], is_held=False)
    assert steps[0].startswith(expected) if expected else steps == []
