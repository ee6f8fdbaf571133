"""What definitions require of a container instance, and that ours has all of it."""

from typing import Any

import pytest

from aws_api.services.ecs.container_instances import CAPABILITIES
from aws_api.services.ecs.required_attributes import required_attributes

AWS = "com.amazonaws.ecs.capability"
LOGS = {"logDriver": "awslogs", "options": {"awslogs-create-group": "true", "mode": "non-blocking"}}


def required(container: dict[str, Any], **definition: Any) -> set[str]:
    app = {"name": "app", "image": "busybox", **container}
    names = required_attributes({"volumes": [], "containerDefinitions": [app], **definition})
    assert names == sorted(set(names))
    assert set(names) <= set(CAPABILITIES), "a task of it can be placed"
    return {name.removeprefix(f"{AWS}.").removeprefix("ecs.capability.") for name in names}


def test_a_plain_container_requires_nothing() -> None:
    assert required({}) == set()


def test_a_fargate_service_requires_what_aws_says_of_one() -> None:
    container = {"image": "1.dkr.ecr.us-east-1.amazonaws.com/app", "logConfiguration": LOGS}
    assert required(container, networkMode="awsvpc", taskRoleArn="a", executionRoleArn="b") == {
        "logging-driver.awslogs",
        "execution-role-awslogs",
        "ecr-auth",
        "execution-role-ecr-pull",
        "docker-remote-api.1.18",
        "docker-remote-api.1.19",
        "docker-remote-api.1.28",
        "docker-remote-api.1.29",
        "task-iam-role",
        "task-eni",
    }


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"ulimits": [{"name": "nofile"}]}, {"docker-remote-api.1.18"}),
        ({"memoryReservation": 64}, {"docker-remote-api.1.21"}),
        ({"systemControls": [{"namespace": "net.core.somaxconn"}]}, {"docker-remote-api.1.24"}),
        ({"linuxParameters": {"tmpfs": [{"size": 1}]}}, {"docker-remote-api.1.22"}),
        ({"linuxParameters": {"initProcessEnabled": True}}, {"docker-remote-api.1.25"}),
        ({"linuxParameters": {"maxSwap": 0}}, {"container-swap"}),
        ({"portMappings": [{"containerPortRange": "80-90"}]}, {"network.container-port-range"}),
        ({"dockerSecurityOptions": ["label:user:x", "apparmor:y"]}, {"selinux", "apparmor"}),
        ({"secrets": [{"valueFrom": "/parameter"}]}, {"secrets.ssm.environment-variables"}),
        (
            {"firelensConfiguration": {"type": "fluentbit", "options": {"config-file-type": "s3"}}},
            {"firelens.fluentbit", "firelens.options.config.s3"},
        ),
        (
            {"logConfiguration": {"logDriver": "json-file", "secretOptions": [{"valueFrom": "a:secretsmanager:b"}]}},
            {"logging-driver.json-file", "docker-remote-api.1.18", "secrets.asm.bootstrap.log-driver"},
        ),
        ({"restartPolicy": {"enabled": True}, "healthCheck": {}}, {"container-restart-policy"}),
    ],
)
def test_members_of_a_container_require_what_knows_them(members: dict[str, Any], expected: set[str]) -> None:
    assert required(members) == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"volumes": [{"dockerVolumeConfiguration": {}}]}, {"docker-plugin.local", "docker-remote-api.1.25"}),
        (
            {"volumes": [{"efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": "ENABLED"}}]},
            {"efs", "efsAuth", "docker-remote-api.1.25"},
        ),
        ({"volumes": [{"configuredAtLaunch": True}]}, {"storage.ebs-task-volume-attachment"}),
        ({"taskRoleArn": "a", "networkMode": "host"}, {"task-iam-role", "task-iam-role-network-host"}),
        ({"pidMode": "task"}, {"pid-ipc-namespace-sharing"}),
        ({"proxyConfiguration": {"containerName": "app"}}, {"aws-appmesh"}),
        ({"enableFaultInjection": True}, {"fault-injection"}),
    ],
)
def test_members_of_a_definition_require_what_knows_them(members: dict[str, Any], expected: set[str]) -> None:
    assert required({}, **members) == expected
