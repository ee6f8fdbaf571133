"""What a container instance must be capable of to run a definition: ``requiresAttributes``. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-constraints.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

Shape = Mapping[str, Any]

_CAPABILITY = "com.amazonaws.ecs.capability"
#: The version of Docker's API since which it knows members of a container.
_DOCKER_API = {
    "ulimits": "1.18",
    "memoryReservation": "1.21",
    "systemControls": "1.24",
}
_DOCKER_API_OF_LINUX = {"sharedMemorySize": "1.22", "tmpfs": "1.22", "initProcessEnabled": "1.25"}
_DOCKER_API_OF_LOG_OPTIONS = {"mode": "1.28", "max-buffer-size": "1.28", "awslogs-create-group": "1.29"}
#: Members of a container that an agent must know by themselves.
_CAPABILITIES = {
    "repositoryCredentials": "ecs.capability.private-registry-authentication.secretsmanager",
    "healthCheck": "ecs.capability.container-health-check",
    "dependsOn": "ecs.capability.container-ordering",
    "privileged": f"{_CAPABILITY}.privileged-container",
    "environmentFiles": "ecs.capability.env-files.s3",
}


def required_attributes(definition: Shape) -> list[str]:
    """The names of the attributes, sorted."""
    return sorted(set(_of_task(definition)))


def _of_task(definition: Shape) -> Iterable[str]:
    if definition.get("taskRoleArn"):
        yield f"{_CAPABILITY}.task-iam-role"
        if definition.get("networkMode") == "host":
            yield f"{_CAPABILITY}.task-iam-role-network-host"
    if definition.get("networkMode") == "awsvpc":
        yield "ecs.capability.task-eni"
        yield _docker_api("1.18")
    if definition.get("pidMode") or definition.get("ipcMode"):
        yield "ecs.capability.pid-ipc-namespace-sharing"
    if definition.get("proxyConfiguration"):
        yield "ecs.capability.aws-appmesh"
    if definition.get("enableFaultInjection"):
        yield "ecs.capability.fault-injection"
    for volume in definition["volumes"]:
        yield from _of_volume(volume)
    for container in definition["containerDefinitions"]:
        yield from _of_container(container)
        yield from _of_execution(container, has_role=bool(definition.get("executionRoleArn")))


def _of_volume(volume: Shape) -> Iterable[str]:
    if "dockerVolumeConfiguration" in volume:
        yield f"ecs.capability.docker-plugin.{volume['dockerVolumeConfiguration'].get('driver', 'local')}"
        yield _docker_api("1.25")
    if efs := volume.get("efsVolumeConfiguration"):
        yield "ecs.capability.efs"
        yield _docker_api("1.25")
        if efs.get("authorizationConfig") or efs.get("transitEncryption") == "ENABLED":
            yield "ecs.capability.efsAuth"
    if volume.get("configuredAtLaunch"):
        yield "ecs.capability.storage.ebs-task-volume-attachment"


def _of_container(container: Shape) -> Iterable[str]:
    for member, capability in _CAPABILITIES.items():
        if container.get(member):
            yield capability
    linux = container.get("linuxParameters", {})
    for shape, versions in ((container, _DOCKER_API), (linux, _DOCKER_API_OF_LINUX)):
        for member, version in versions.items():
            if shape.get(member):
                yield _docker_api(version)
    if linux.get("maxSwap") is not None:
        yield "ecs.capability.container-swap"
    if container.get("restartPolicy", {}).get("enabled"):
        yield "ecs.capability.container-restart-policy"
    if any("containerPortRange" in mapping for mapping in container.get("portMappings", ())):
        yield "ecs.capability.network.container-port-range"
    for option in container.get("dockerSecurityOptions", ()):
        kind = option.partition(":")[0]
        if kind in ("label", "apparmor"):
            yield f"{_CAPABILITY}.{'selinux' if kind == 'label' else kind}"
    for secret in container.get("secrets", ()):
        yield f"ecs.capability.secrets.{_store(secret)}.environment-variables"
    yield from _of_output(container)


def _of_output(container: Shape) -> Iterable[str]:
    log = container.get("logConfiguration", {})
    options = log.get("options", {})
    if driver := log.get("logDriver"):
        yield f"{_CAPABILITY}.logging-driver.{driver}"
        yield _docker_api("1.18" if driver in ("json-file", "syslog", "none") else "1.19")
    for option, version in _DOCKER_API_OF_LOG_OPTIONS.items():
        if option in options:
            yield _docker_api(version)
    if "log-driver-buffer-limit" in options:
        yield "ecs.capability.logging-driver.awsfirelens.log-driver-buffer-limit"
    for secret in log.get("secretOptions", ()):
        yield f"ecs.capability.secrets.{_store(secret)}.bootstrap.log-driver"
    if router := container.get("firelensConfiguration"):
        yield f"ecs.capability.firelens.{router['type']}"
        if kind := router.get("options", {}).get("config-file-type"):
            yield f"ecs.capability.firelens.options.config.{kind}"


def _of_execution(container: Shape, *, has_role: bool) -> Iterable[str]:
    """What the agent does for a container before it starts."""
    if ".dkr.ecr." in container["image"]:
        yield f"{_CAPABILITY}.ecr-auth"
        if has_role:
            yield "ecs.capability.execution-role-ecr-pull"
    if has_role and container.get("logConfiguration", {}).get("logDriver") == "awslogs":
        yield "ecs.capability.execution-role-awslogs"


def _store(secret: Shape) -> str:
    return "asm" if ":secretsmanager:" in secret["valueFrom"] else "ssm"


def _docker_api(version: str) -> str:
    return f"{_CAPABILITY}.docker-remote-api.{version}"
