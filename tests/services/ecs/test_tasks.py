"""RunTask, StopTask, DescribeTasks and ListTasks through boto3; nothing runs here, the kicks are looked at."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.test import override_settings

from aws_api.core.reconcile import get_controller
from aws_api.services.ecs.models import Task


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**request)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_task_is_answered_at_once_and_its_reconciler_is_woken(ecs: Any, register: Any, kicks: Any) -> None:
    arn = register("web", {"name": "app", "cpu": 10, "memory": 64})
    answer = ecs.run_task(taskDefinition="web", startedBy="me")
    (task,) = answer["tasks"]
    assert answer["failures"] == []
    assert ("ecs.task", task["taskArn"]) in kicks
    assert task["taskDefinitionArn"] == arn
    assert (task["lastStatus"], task["desiredStatus"]) == ("PROVISIONING", "RUNNING")
    assert (task["launchType"], task["group"], task["startedBy"]) == ("EC2", "family:web", "me")
    assert (task["cpu"], task["memory"], task["version"]) == ("10", "64", 1)
    (container,) = task["containers"]
    assert (container["name"], container["lastStatus"], container["image"]) == ("app", "PENDING", "busybox")
    assert container["taskArn"] == task["taskArn"]


def test_an_awsvpc_task_has_an_interface_in_its_subnet(
    ecs: Any, register: Any, awsvpc: Any, kicks: Any, aws: Any
) -> None:
    register("web", networkMode="awsvpc")
    (subnet,) = awsvpc["awsvpcConfiguration"]["subnets"]
    task = ecs.run_task(taskDefinition="web", networkConfiguration=awsvpc)["tasks"][0]
    (attachment,) = task["attachments"]
    assert (attachment["type"], attachment["status"]) == ("ElasticNetworkInterface", "PRECREATED")
    assert {"name": "subnetId", "value": subnet} in attachment["details"]
    assert "ec2.vpc" in {kind for kind, _ in kicks}
    (interface,) = aws("ec2").describe_network_interfaces()["NetworkInterfaces"]
    assert interface["SubnetId"] == subnet


def test_a_fargate_task_has_a_platform_and_storage(ecs: Any, register: Any, awsvpc: Any) -> None:
    register("web", networkMode="awsvpc", cpu="256", memory="512", requiresCompatibilities=["FARGATE"])
    task = ecs.run_task(taskDefinition="web", launchType="FARGATE", networkConfiguration=awsvpc)["tasks"][0]
    assert (task["platformVersion"], task["platformFamily"]) == ("1.4.0", "Linux")
    assert task["ephemeralStorage"] == {"sizeInGiB": 20}
    assert task["attributes"] == [{"name": "ecs.cpu-architecture", "value": "x86_64"}]


def test_a_volume_configured_at_launch_is_an_attachment(ecs: Any, register: Any, account: Any) -> None:
    register("web", volumes=[{"name": "data", "configuredAtLaunch": True}])
    role = f"arn:aws:iam::{account.account_id}:role/ecs"
    volume = {"name": "data", "managedEBSVolume": {"roleArn": role, "sizeInGiB": 3}}
    task = ecs.run_task(taskDefinition="web", volumeConfigurations=[volume])["tasks"][0]
    (attachment,) = task["attachments"]
    assert (attachment["type"], attachment["status"]) == ("AmazonElasticBlockStorage", "PRECREATED")
    details = {detail["name"]: detail["value"] for detail in attachment["details"]}
    assert details.pop("volumeId").startswith("vol-")
    assert details == {"roleArn": role, "deleteOnTermination": "true", "volumeName": "data"}
    Task.objects.filter(arn=task["taskArn"]).update(last_status="STOPPED")
    (later,) = ecs.describe_tasks(tasks=[task["taskArn"]])["tasks"][0]["attachments"]
    assert (later["id"], later["status"]) == (attachment["id"], "DELETED")


def test_a_capacity_provider_strategy_chooses_the_launch_type(ecs: Any, register: Any, awsvpc: Any) -> None:
    register("web", networkMode="awsvpc", cpu="256", memory="512")
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    request = {"taskDefinition": "web", "networkConfiguration": awsvpc, "capacityProviderStrategy": strategy}
    task = ecs.run_task(**request)["tasks"][0]
    assert (task["launchType"], task["capacityProviderName"]) == ("FARGATE", "FARGATE_SPOT")
    assert refusal(ecs.run_task, launchType="FARGATE", **request)[1].startswith("Specifying both a launch type")


def test_networks_that_cannot_be_are_refused_as_ecs_words_it(ecs: Any, register: Any, subnet: str) -> None:
    register("web", networkMode="awsvpc")
    register("bridge")

    def refused(definition: str = "web", **configuration: Any) -> str:
        network = {"networkConfiguration": {"awsvpcConfiguration": configuration}} if configuration else {}
        code, message = refusal(ecs.run_task, taskDefinition=definition, **network)
        assert code == "InvalidParameterException"
        return message

    assert refused() == "Network Configuration must be provided when networkMode 'awsvpc' is specified."
    assert refused(subnets=[]) == "subnets can not be empty."
    assert refused(subnets=["subnet-x"]) == (
        "Error retrieving subnet information for [subnet-x]: The subnet ID 'subnet-x' does not exist "
        "(ErrorCode: InvalidSubnetID.NotFound)"
    )
    assert "Error retrieving security group information for [sg-x]" in refused(
        subnets=[subnet], securityGroups=["sg-x"]
    )
    assert refused(subnets=[subnet], assignPublicIp="ENABLED") == (
        "Assign public IP is not supported for this launch type."
    )
    assert refused("bridge", subnets=[subnet]) == (
        "Network Configuration is not valid for the given networkMode of this task definition."
    )


def test_a_refused_task_leaves_nothing_behind(ecs: Any, register: Any, aws: Any, subnet: str) -> None:
    register("web", networkMode="awsvpc")
    network = {"awsvpcConfiguration": {"subnets": [subnet, "subnet-x"]}}
    refusal(ecs.run_task, taskDefinition="web", networkConfiguration=network, count=2)
    assert aws("ec2").describe_network_interfaces()["NetworkInterfaces"] == []
    assert ecs.list_tasks()["taskArns"] == []


def test_requests_that_cannot_be_are_refused(ecs: Any, register: Any) -> None:
    register("web")
    run = {"taskDefinition": "web"}
    assert refusal(ecs.run_task, **run, count=11)[0] == "InvalidParameterException"
    assert refusal(ecs.run_task, **run, launchType="FARGATE") == (
        "InvalidParameterException",
        "Task definition does not support launch_type FARGATE.",
    )
    assert refusal(ecs.run_task, **run, overrides={"containerOverrides": [{"name": "none"}]}) == (
        "InvalidParameterException",
        "Override for container named none is not a container in the TaskDefinition.",
    )
    assert refusal(ecs.run_task, **run, group="service:web")[1] == "Invalid namespace for group."
    assert refusal(ecs.run_task, taskDefinition="none") == ("ClientException", "TaskDefinition not found.")
    assert refusal(ecs.run_task, **run, cluster="none") == ("ClusterNotFoundException", "Cluster not found.")
    assert "must be null" in refusal(ecs.run_task, **run, platformVersion="1.4.0")[1]


def test_the_same_client_token_answers_the_same_tasks(ecs: Any, register: Any) -> None:
    register("web")
    first = ecs.run_task(taskDefinition="web", count=2, clientToken="once")["tasks"]
    again = ecs.run_task(taskDefinition="web", count=2, clientToken="once")["tasks"]
    assert [task["taskArn"] for task in again] == [task["taskArn"] for task in first]
    with pytest.raises(ClientError) as conflict:
        ecs.run_task(taskDefinition="web", count=1, clientToken="once")
    assert conflict.value.response["Error"]["Code"] == "ConflictException"
    assert sorted(conflict.value.response["resourceIds"]) == sorted(task["taskArn"] for task in first)
    assert len(ecs.list_tasks()["taskArns"]) == 2


def test_overrides_are_answered_and_change_the_sizes(ecs: Any, register: Any) -> None:
    register("web", {"name": "app", "cpu": 10}, {"name": "side"})
    override = {"name": "app", "command": ["true"], "cpu": 20, "environment": [{"name": "A", "value": "1"}]}
    task = ecs.run_task(taskDefinition="web", overrides={"containerOverrides": [override]})["tasks"][0]
    assert task["overrides"]["containerOverrides"] == [override, {"name": "side"}]
    assert task["cpu"] == "20"
    assert [container["cpu"] for container in task["containers"]] == ["20", "0"]


def test_tags_come_from_the_request_the_definition_and_ecs(ecs: Any, register: Any) -> None:
    register("web", tags=[{"key": "of", "value": "definition"}, {"key": "team", "value": "a"}])
    task = ecs.run_task(
        taskDefinition="web",
        propagateTags="TASK_DEFINITION",
        enableECSManagedTags=True,
        tags=[{"key": "of", "value": "request"}],
    )["tasks"][0]
    expected = {"of": "request", "team": "a", "aws:ecs:clusterName": "default"}
    described = ecs.describe_tasks(tasks=[task["taskArn"]], include=["TAGS"])["tasks"][0]
    assert {tag["key"]: tag["value"] for tag in described["tags"]} == expected
    assert ecs.describe_tasks(tasks=[task["taskArn"]])["tasks"][0]["tags"] == []


def test_tasks_are_described_by_id_and_arn_and_the_missing_are_failures(ecs: Any, register: Any) -> None:
    register("web")
    arn = ecs.run_task(taskDefinition="web")["tasks"][0]["taskArn"]
    missing = "0" * 32
    described = ecs.describe_tasks(tasks=[arn.rpartition("/")[2], arn, missing])
    assert [task["taskArn"] for task in described["tasks"]] == [arn]
    assert [failure["reason"] for failure in described["failures"]] == ["MISSING"]
    assert described["failures"][0]["arn"].endswith(f"task/default/{missing}")
    assert refusal(ecs.describe_tasks, tasks=["short"])[1] == "taskId length should be one of [32,36]"
    assert refusal(ecs.describe_tasks, tasks=[arn], cluster="other")[1] == (
        "Identifier is for default. Your cluster is other"
    )
    assert refusal(ecs.describe_tasks, tasks=[])[1] == "Tasks cannot be empty."


def test_tasks_are_listed_by_every_filter_and_in_pages(ecs: Any, register: Any) -> None:
    register("web")
    register("job")
    web = [task["taskArn"] for task in ecs.run_task(taskDefinition="web", count=3, startedBy="me")["tasks"]]
    job = [task["taskArn"] for task in ecs.run_task(taskDefinition="job")["tasks"]]
    assert ecs.list_tasks()["taskArns"] == sorted(web + job)
    assert ecs.list_tasks(family="web")["taskArns"] == sorted(web)
    assert ecs.list_tasks(startedBy="me")["taskArns"] == sorted(web)
    assert ecs.list_tasks(launchType="FARGATE")["taskArns"] == []
    assert ecs.list_tasks(serviceName="none")["taskArns"] == []
    pages = ecs.get_paginator("list_tasks").paginate(PaginationConfig={"PageSize": 3})
    assert [arn for page in pages for arn in page["taskArns"]] == sorted(web + job)
    ecs.stop_task(task=job[0])
    assert ecs.list_tasks(desiredStatus="STOPPED")["taskArns"] == job
    assert ecs.list_tasks()["taskArns"] == sorted(web)
    assert refusal(ecs.list_tasks, nextToken="broken") == ("InvalidParameterException", "Invalid token")


def test_a_task_that_is_to_stop_says_so_at_once_with_its_users_reason(ecs: Any, register: Any, kicks: Any) -> None:
    register("web")
    arn = ecs.run_task(taskDefinition="web")["tasks"][0]["taskArn"]
    kicks.clear()
    stopped = ecs.stop_task(task=arn, reason="enough")["task"]
    assert (stopped["desiredStatus"], stopped["lastStatus"]) == ("STOPPED", "PROVISIONING")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "enough")
    assert kicks == [("ecs.task", arn)]
    assert ecs.stop_task(task=arn, reason="again")["task"]["stoppedReason"] == "enough"
    assert refusal(ecs.stop_task, task="1" * 32)[1] == "The referenced task was not found."


def test_a_task_cannot_be_started_on_an_instance_that_is_not_there(ecs: Any, register: Any) -> None:
    register("web")
    answer = ecs.start_task(taskDefinition="web", containerInstances=["abc"])
    assert answer["tasks"] == []
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]


def test_the_caller_may_demand_an_id(ecs: Any, register: Any) -> None:
    register("web")
    ecs.meta.events.register(
        "before-sign.ecs.RunTask", lambda request, **_: request.headers.add_header("X-Simfra-Id", "f" * 32)
    )
    tasks = ecs.run_task(taskDefinition="web", count=2)["tasks"]
    assert tasks[0]["taskArn"].endswith("/default/" + "f" * 32)
    assert not tasks[1]["taskArn"].endswith("f" * 32)
    assert refusal(ecs.run_task, taskDefinition="web")[0] == "InvalidParameterException"


def test_ten_tasks_are_run_at_once_and_no_more(ecs: Any, register: Any) -> None:
    register("web")
    tasks = ecs.run_task(taskDefinition="web", count=10)["tasks"]
    assert len({task["taskArn"] for task in tasks}) == 10
    with pytest.raises(ClientError) as refused:
        ecs.run_task(taskDefinition="web", count=11)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


def test_stopped_tasks_are_seen_as_long_as_the_settings_say(ecs: Any, register: Any) -> None:
    register("web")
    recent, old = (task["taskArn"] for task in ecs.run_task(taskDefinition="web", count=2)["tasks"])
    now = datetime.now(UTC)
    stopped = Task.objects.filter(arn__in=[recent, old])
    stopped.update(last_status="STOPPED", desired_status="STOPPED", last_stopped_at=now - timedelta(minutes=59))
    get_controller("ecs.task").collect(now)
    assert {task["lastStatus"] for task in ecs.describe_tasks(tasks=[recent, old])["tasks"]} == {"STOPPED"}
    assert sorted(ecs.list_tasks(desiredStatus="STOPPED")["taskArns"]) == sorted([recent, old])
    stopped.filter(arn=old).update(last_stopped_at=now - timedelta(minutes=61))
    get_controller("ecs.task").collect(now)
    answer = ecs.describe_tasks(tasks=[recent, old])
    assert [task["taskArn"] for task in answer["tasks"]] == [recent]
    assert answer["failures"] == [{"arn": old, "reason": "MISSING"}]
    with override_settings(SIMFRA_STOPPED_TASK_RETENTION_S=60):
        get_controller("ecs.task").collect(now)
    assert ecs.describe_tasks(tasks=[recent])["tasks"] == []
