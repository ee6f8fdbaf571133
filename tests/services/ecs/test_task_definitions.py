"""Task definitions through boto3."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core.reconcile import get_controller
from aws_api.services.ecs.specifications import KIND

FARGATE = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}


def refusal(ecs: Any, *containers: dict[str, Any], **members: Any) -> str:
    definitions = [{"name": "app", "image": "busybox", "memory": 64, **container} for container in containers]
    with pytest.raises(ClientError) as refused:
        ecs.register_task_definition(**{"family": "app", "containerDefinitions": definitions, **members})
    assert refused.value.response["Error"]["Code"] == "ClientException"
    return str(refused.value.response["Error"]["Message"])


def test_a_definition_is_answered_with_awss_defaults(ecs: Any) -> None:
    answered = ecs.register_task_definition(
        family="app",
        containerDefinitions=[
            {"name": "app", "image": "busybox", "memory": 64, "portMappings": [{"containerPort": 80}]}
        ],
    )["taskDefinition"]
    assert answered["revision"] == 1
    assert answered["status"] == "ACTIVE"
    assert answered["volumes"] == answered["placementConstraints"] == []
    assert answered["compatibilities"] == ["EXTERNAL", "EC2"]
    assert answered["containerDefinitions"] == [
        {
            "name": "app",
            "image": "busybox",
            "cpu": 0,
            "memory": 64,
            "portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}],
            "essential": True,
            "environment": [],
            "mountPoints": [],
            "volumesFrom": [],
            "systemControls": [],
        }
    ]


def test_a_fargate_definition_is_compatible_with_ec2_too_and_needs_an_interface(ecs: Any) -> None:
    containers = [{"name": "app", "image": "busybox", "portMappings": [{"containerPort": 80}]}]
    answered = ecs.register_task_definition(
        family="app", containerDefinitions=containers, **{**FARGATE, "cpu": ".25 vCPU", "memory": "0.5 GB"}
    )["taskDefinition"]
    assert answered["compatibilities"] == ["EC2", "FARGATE"]
    assert (answered["cpu"], answered["memory"]) == ("256", "512")
    assert {"name": "ecs.capability.task-eni"} in answered["requiresAttributes"]
    assert answered["containerDefinitions"][0]["portMappings"] == [
        {"containerPort": 80, "hostPort": 80, "protocol": "tcp"}
    ]


def test_revisions_count_up_and_no_number_is_given_twice(ecs: Any, register: Any) -> None:
    first, second = register("web"), register("web")
    assert (first.rpartition(":")[2], second.rpartition(":")[2]) == ("1", "2")
    ecs.deregister_task_definition(taskDefinition="web:2")
    ecs.delete_task_definitions(taskDefinitions=["web:2"])
    assert register("web").endswith("web:3")
    assert ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["revision"] == 3
    assert ecs.describe_task_definition(taskDefinition="web:1")["taskDefinition"]["taskDefinitionArn"] == first


def test_a_deregistered_revision_is_described_and_starts_nothing(ecs: Any, register: Any) -> None:
    arn = register("web")
    assert ecs.deregister_task_definition(taskDefinition=arn)["taskDefinition"]["status"] == "INACTIVE"
    described = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert described["status"] == "INACTIVE" and described["deregisteredAt"]
    with pytest.raises(ClientError, match="TaskDefinition is inactive"):
        ecs.run_task(taskDefinition=arn)
    with pytest.raises(ClientError, match="TaskDefinition not found"):
        ecs.run_task(taskDefinition="web")


def test_a_deleted_revision_is_there_until_no_task_and_no_service_uses_it(ecs: Any, register: Any) -> None:
    used, served, free = (register(family) for family in ("used", "served", "free"))
    task = ecs.run_task(taskDefinition=used)["tasks"][0]["taskArn"]
    ecs.create_service(serviceName="web", taskDefinition=served, desiredCount=0)
    for arn in (used, served, free):
        ecs.deregister_task_definition(taskDefinition=arn)
    answer = ecs.delete_task_definitions(taskDefinitions=[used, served, free])
    assert [each["status"] for each in answer["taskDefinitions"]] == ["DELETE_IN_PROGRESS"] * 3
    assert all("deleteRequestedAt" in each for each in answer["taskDefinitions"])
    with pytest.raises(ClientError, match="TaskDefinition is inactive"):
        ecs.run_task(taskDefinition=free)
    get_controller(KIND).collect(datetime.now(UTC))
    assert ecs.list_task_definitions(status="DELETE_IN_PROGRESS")["taskDefinitionArns"] == sorted([used, served])
    assert ecs.list_task_definitions(status="INACTIVE")["taskDefinitionArns"] == []
    assert ecs.describe_tasks(tasks=[task])["tasks"][0]["taskDefinitionArn"] == used
    assert register("free").endswith("free:2"), "a number is not given twice, also when its revision is gone"


def test_an_active_revision_is_not_deleted(ecs: Any, register: Any) -> None:
    answer = ecs.delete_task_definitions(taskDefinitions=[register("web")])
    assert answer["taskDefinitions"] == []
    assert "still in ACTIVE state" in answer["failures"][0]["reason"]


def test_definitions_and_families_are_listed_by_status_and_in_pages(ecs: Any, register: Any) -> None:
    arns = [register("alpha"), register("alpha"), register("beta")]
    ecs.deregister_task_definition(taskDefinition="beta:1")
    assert ecs.list_task_definitions()["taskDefinitionArns"] == arns[:2]
    assert ecs.list_task_definitions(sort="DESC")["taskDefinitionArns"] == [arns[1], arns[0]]
    assert ecs.list_task_definitions(status="INACTIVE")["taskDefinitionArns"] == [arns[2]]
    assert ecs.list_task_definition_families(status="ACTIVE")["families"] == ["alpha"]
    assert ecs.list_task_definition_families(status="INACTIVE")["families"] == ["beta"]
    assert ecs.list_task_definition_families(familyPrefix="b", status="ALL")["families"] == ["beta"]
    first = ecs.list_task_definitions(maxResults=1)
    assert first["taskDefinitionArns"] == arns[:1]
    assert ecs.list_task_definitions(maxResults=1, nextToken=first["nextToken"])["taskDefinitionArns"] == arns[1:2]


@pytest.mark.parametrize(
    ("identifier", "code", "message"),
    [
        ("none", "ClientException", "Unable to describe task definition."),
        ("none:1", "ClientException", "Unable to describe task definition."),
        ("none:x", "InvalidParameterException", "Invalid revision number. Number: x"),
    ],
)
def test_what_is_not_there_is_not_described(ecs: Any, identifier: str, code: str, message: str) -> None:
    with pytest.raises(ClientError) as refused:
        ecs.describe_task_definition(taskDefinition=identifier)
    assert refused.value.response["Error"] == {"Code": code, "Message": message}


def test_deregistering_names_a_revision(ecs: Any) -> None:
    for identifier, message in (("web", "Revision is missing."), ("web:1", "The specified task definition does not")):
        with pytest.raises(ClientError, match=message):
            ecs.deregister_task_definition(taskDefinition=identifier)


def test_definitions_that_cannot_be_are_refused_as_aws_words_it(ecs: Any) -> None:
    assert refusal(ecs, {}, family="no spaces") == "Family contains invalid characters."
    assert refusal(ecs) == "Container list cannot be empty."
    assert refusal(ecs, {"image": ""}) == "Container.image should not be null or empty."
    assert refusal(ecs, {}, {}) == "Container names must be unique within a Task Definition."
    assert refusal(ecs, {"memory": 0}) == (
        "Invalid setting for container 'app'. At least one of 'memory' or 'memoryReservation' must be specified."
    )
    assert refusal(ecs, {"mountPoints": [{"sourceVolume": "data", "containerPath": "/d"}]}) == "Unknown volume 'data'."
    assert refusal(ecs, {"portMappings": [{"containerPort": 80, "hostPort": 81}]}, networkMode="awsvpc") == (
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match."
    )
    assert "executionRoleArn" in refusal(ecs, {"secrets": [{"name": "A", "valueFrom": "b"}]})


def test_dependencies_that_cannot_hold_are_refused(ecs: Any) -> None:
    def needs(other: str, condition: str) -> list[dict[str, str]]:
        return [{"containerName": other, "condition": condition}]

    assert refusal(ecs, {"dependsOn": needs("none", "START")}) == (
        "Cannot depend on container + 'none' because it does not exist"
    )
    cycle = ({"name": "a", "dependsOn": needs("b", "START")}, {"name": "b", "dependsOn": needs("a", "START")})
    assert refusal(ecs, *cycle) == "Container dependencies should not have a cycle"
    assert refusal(ecs, {"name": "init"}, {"dependsOn": needs("init", "SUCCESS")}) == (
        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
    )
    assert "health check" in refusal(ecs, {"name": "db"}, {"dependsOn": needs("db", "HEALTHY")})


def test_fargate_takes_only_what_it_can_run(ecs: Any) -> None:
    assert refusal(ecs, {}, **{**FARGATE, "networkMode": "bridge"}) == ("Fargate only supports network mode ‘awsvpc’.")
    assert refusal(ecs, {}, **{**FARGATE, "memory": "4096"}).startswith(
        "No Fargate configuration exists for given values: 256 CPU, 4096 memory."
    )
    assert refusal(ecs, {}, requiresCompatibilities=["FARGATE"], networkMode="awsvpc", memory="512") == (
        "Fargate requires that 'cpu' be defined at the task level."
    )
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "us-east-1"}}
    assert "execution role ARN to support log driver awslogs" in refusal(ecs, {"logConfiguration": log}, **FARGATE)


def test_a_definition_is_tagged(ecs: Any, register: Any) -> None:
    arn = register("web", tags=[{"key": "a", "value": "1"}])
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    ecs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    assert ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])["tags"] == [{"key": "b", "value": "2"}]
    with pytest.raises(ClientError, match="The ARN is not valid"):
        ecs.list_tags_for_resource(resourceArn="arn:aws:sqs:us-east-1:000000000000:queue")


@pytest.mark.parametrize(
    ("container", "members", "message"),
    [
        ({"restartPolicy": {"enabled": True, "restartAttemptPeriod": 59}}, {}, "between 60 and 1800 seconds"),
        ({"restartPolicy": {"enabled": True, "ignoredExitCodes": [256]}}, {}, "between 0 and 255"),
        ({"links": ["none"]}, {}, "Unknown container 'none' in links."),
        ({"links": ["app"]}, {"networkMode": "awsvpc"}, "Links are not supported when networkMode=awsvpc."),
        ({"portMappings": [{"containerPortRange": "9-8"}]}, {}, "Invalid containerPortRange '9-8'."),
        ({"portMappings": [{"containerPort": 0}]}, {}, "Invalid 'containerPort' setting: 0."),
        ({"healthCheck": {"command": ["true"], "interval": 1}}, {}, "interval must be between 5 and 300"),
        ({"ulimits": [{"name": "nofile", "softLimit": 2, "hardLimit": 1}]}, {}, "greater than its hard limit"),
        ({"linuxParameters": {"swappiness": 101}}, {}, "swappiness must be between 0 and 100"),
        ({"credentialSpecs": ["credentialspec:x"]}, {}, "Simfra does not support credentialSpecs"),
        ({"environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::b/f"}]}, {}, ".env file extension"),
        ({}, {"volumes": [{"name": "a"}, {"name": "a"}]}, "Duplicate volume name 'a'."),
        ({}, {"inferenceAccelerators": [{"deviceName": "a", "deviceType": "b"}]}, "does not support inference"),
        ({}, {"ephemeralStorage": {"sizeInGiB": 20}}, "between 21 GiB and 200 GiB"),
        ({}, {"placementConstraints": [{"type": "memberOf", "expression": "nonsense"}]}, "Invalid expression."),
        ({"stopTimeout": 121}, FARGATE, "stopTimeout of at most 120 seconds"),
        ({"linuxParameters": {"capabilities": {"add": ["NET_ADMIN"]}}}, FARGATE, "capabilities NET_ADMIN"),
        ({}, {**FARGATE, "pidMode": "host"}, "do not support pidMode 'host'"),
    ],
)
def test_fields_that_cannot_be_are_refused(ecs: Any, container: Any, members: Any, message: str) -> None:
    assert message in refusal(ecs, container, **members)


def test_links_and_volumes_from_wait_for_each_other_only_one_way(ecs: Any) -> None:
    one = {"name": "one", "links": ["two"]}
    two = {"name": "two", "volumesFrom": [{"sourceContainer": "one"}]}
    assert refusal(ecs, one, two) == "Container dependencies, links and volumesFrom should not have a cycle"


@pytest.mark.parametrize(
    "role", ["arn:aws:iam::1234:role/app", "arn:aws:iam::123456789012:user/app", "arn:aws:s3:::app", "a role", "a/b"]
)
def test_what_is_no_role_is_refused(ecs: Any, role: str) -> None:
    assert refusal(ecs, {}, taskRoleArn=role) == "Role is not valid"
    assert refusal(ecs, {}, executionRoleArn=role) == "Role is not valid"
