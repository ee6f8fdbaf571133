"""What Fargate demands of a task definition. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
"""

from collections.abc import Mapping
from typing import Any

from aws_api.services.ecs.shapes import ClientException

PLATFORM_VERSION = "1.4.0"
PLATFORM_VERSIONS = ("LATEST", "1.4.0", "1.3.0")
DEFAULT_EPHEMERAL_STORAGE_GIB = 20
MAX_STOP_TIMEOUT_S = 120

_GIB = 1024
#: Memory in MiB that goes with CPU units.
MEMORY_OF_CPU: Mapping[int, tuple[int, ...]] = {
    256: (512, 1 * _GIB, 2 * _GIB),
    512: tuple(range(1 * _GIB, 4 * _GIB + 1, _GIB)),
    1024: tuple(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
    2048: tuple(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
    4096: tuple(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
    8192: tuple(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
    16384: tuple(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
}


def check_fargate(definition: Mapping[str, Any]) -> None:
    """Raise ClientException where Fargate would not run the definition."""
    if definition.get("networkMode") != "awsvpc":
        raise ClientException("Fargate only supports network mode ‘awsvpc’.")
    for member in ("cpu", "memory"):
        if not definition.get(member):
            raise ClientException(f"Fargate requires that '{member}' be defined at the task level.")
    check_size(definition["cpu"], definition["memory"])
    for container in definition["containerDefinitions"]:
        _check_container(container, has_execution_role=bool(definition.get("executionRoleArn")))
    for volume in definition.get("volumes", ()):
        if volume.get("host", {}).get("sourcePath"):
            raise ClientException("Fargate compatible task definitions do not support sourcePath")
        if "dockerVolumeConfiguration" in volume:
            raise ClientException("Fargate compatible task definitions do not support dockerVolumeConfiguration")
    if definition.get("ipcMode"):
        raise ClientException("Fargate compatible task definitions do not support ipcMode.")
    if definition.get("pidMode") == "host":
        raise ClientException("Fargate compatible task definitions do not support pidMode 'host'.")
    if definition.get("placementConstraints"):
        raise ClientException("Fargate compatible task definitions do not support placement constraints.")


def check_size(cpu: str, memory: str) -> None:
    """Raise ClientException where Fargate has no machine of this size."""
    if int(memory) not in MEMORY_OF_CPU.get(int(cpu), ()):
        raise ClientException(
            f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. "
            "See the Amazon ECS documentation for the valid values."
        )


def supports_fargate(definition: Mapping[str, Any]) -> bool:
    """Whether the definition is compatible with Fargate, asked for or not."""
    try:
        check_fargate(definition)
    except ClientException:
        return False
    return True


def _check_container(container: Mapping[str, Any], *, has_execution_role: bool) -> None:
    if container.get("privileged"):
        raise ClientException("Fargate compatible task definitions do not support privileged containers")
    if container.get("stopTimeout", 0) > MAX_STOP_TIMEOUT_S:
        raise ClientException(f"Fargate supports a stopTimeout of at most {MAX_STOP_TIMEOUT_S} seconds.")
    for member in ("disableNetworking", "dockerSecurityOptions", "resourceRequirements"):
        if container.get(member):
            raise ClientException(f"Fargate compatible task definitions do not support {member}")
    linux = container.get("linuxParameters", {})
    for member in ("devices", "sharedMemorySize", "tmpfs", "maxSwap", "swappiness"):
        if linux.get(member):
            raise ClientException(f"Fargate compatible task definitions do not support {member}")
    if added := set(linux.get("capabilities", {}).get("add", ())) - {"SYS_PTRACE"}:
        raise ClientException(f"Fargate does not support adding the capabilities {', '.join(sorted(added))}.")
    driver = container.get("logConfiguration", {}).get("logDriver")
    if driver not in (None, "awslogs", "splunk", "awsfirelens"):
        raise ClientException(f"Fargate compatible task definitions do not support log driver {driver}")
    if has_execution_role:
        return
    uses = "log driver awslogs" if driver == "awslogs" else "ECR images" if ".dkr.ecr." in container["image"] else ""
    if uses:
        raise ClientException(f"Fargate requires task definition to have execution role ARN to support {uses}.")
