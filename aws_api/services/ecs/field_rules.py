"""What the fields of a definition may say, each by itself, and what Simfra refuses of them. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.services.ecs.fields import FIELDS, Handling
from aws_api.services.ecs.firelens import check_firelens
from aws_api.services.ecs.shapes import ClientException

Shape = Mapping[str, Any]

MAX_PLACEMENT_CONSTRAINTS = 10
MAX_IGNORED_EXIT_CODES = 50
_MAX_PORT = 65535
_PORT_RANGE = re.compile(r"(\d{1,5})-(\d{1,5})")
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9_-]{1,255}")
#: Members of a health check, as they may be: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck
_HEALTH_LIMITS = {"interval": (5, 300), "timeout": (2, 120), "retries": (1, 10), "startPeriod": (0, 300)}
_VOLUME_KINDS = (
    "host",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "s3filesVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
)
#: Refused when a definition is registered; GPUs are when a task is run, since AWS takes the definition.
_REFUSED = {
    field.path: field.note
    for field in FIELDS
    if field.handling is Handling.REFUSED and not field.path.endswith("resourceRequirements")
}


def check_fields(definition: Shape) -> None:
    """Raise ClientException for a field that cannot be as it is."""
    _refuse(definition, "")
    storage = definition.get("ephemeralStorage", {}).get("sizeInGiB")
    if storage is not None and not 21 <= storage <= 200:
        raise ClientException("Task ephemeral storage size must be between 21 GiB and 200 GiB.")
    if len(definition.get("placementConstraints", ())) > MAX_PLACEMENT_CONSTRAINTS:
        raise ClientException(f"Too many placement constraints. The limit is {MAX_PLACEMENT_CONSTRAINTS}.")
    _check_volumes(definition.get("volumes", ()))
    check_firelens(definition["containerDefinitions"])
    for container in definition["containerDefinitions"]:
        _refuse(container, "containerDefinitions[].")
        _check_container(container)


def _refuse(shape: Shape, prefix: str) -> None:
    for name, value in shape.items():
        note = _REFUSED.get(f"{prefix}{name}")
        if note and value:
            raise ClientException(f"Simfra does not support {name}: {note}")


def _check_volumes(volumes: Iterable[Shape]) -> None:
    names = set()
    for volume in volumes:
        _refuse(volume, "volumes[].")
        name = volume.get("name", "")
        if not _VOLUME_NAME.fullmatch(name):
            raise ClientException(
                "Volume name is invalid. Names have up to 255 letters, numbers, hyphens, underscores."
            )
        if name in names:
            raise ClientException(f"Duplicate volume name '{name}'.")
        names.add(name)
        if sum(bool(volume.get(kind)) for kind in _VOLUME_KINDS) > 1:
            raise ClientException(f"Volume '{name}' can have only one volume configuration.")
        docker = volume.get("dockerVolumeConfiguration", {})
        if docker.get("autoprovision") and docker.get("scope") != "shared":
            raise ClientException("Autoprovision is only supported for volumes with scope 'shared'.")
    if sum(volume.get("configuredAtLaunch", False) for volume in volumes) > 1:
        raise ClientException("A task definition can have at most one volume that is configured at launch.")


def _check_container(container: Shape) -> None:
    name = container["name"]
    for mapping in container.get("portMappings", ()):
        _check_port(mapping)
    _check_restart(name, container.get("restartPolicy", {}))
    _check_linux(name, container.get("linuxParameters", {}))
    if check := container.get("healthCheck"):
        if not check.get("command"):
            raise ClientException("Health check command must not be empty.")
        for member, (least, most) in _HEALTH_LIMITS.items():
            if not least <= check.get(member, least) <= most:
                raise ClientException(f"Health check {member} must be between {least} and {most}.")
    for limit in container.get("ulimits", ()):
        if limit["softLimit"] > limit["hardLimit"] != -1:
            raise ClientException(f"The soft limit of ulimit {limit['name']} is greater than its hard limit.")
    for option in container.get("dockerSecurityOptions", ()):
        if option.startswith("credentialspec:"):
            raise ClientException(f"Simfra does not support {option}: there is no Active Directory to be a member of.")
    for file in container.get("environmentFiles", ()):
        if not file["value"].endswith(".env"):
            raise ClientException("Environment file must have a .env file extension.")


def _check_port(mapping: Shape) -> None:
    if port_range := mapping.get("containerPortRange"):
        match = _PORT_RANGE.fullmatch(port_range)
        if match is None or not 1 <= int(match[1]) <= int(match[2]) <= _MAX_PORT:
            raise ClientException(f"Invalid containerPortRange '{port_range}'.")
        if "containerPort" in mapping or "hostPort" in mapping:
            raise ClientException("containerPortRange cannot be used with containerPort or hostPort.")
        return
    for member, least in (("containerPort", 1), ("hostPort", 0)):
        if not least <= mapping.get(member, least) <= _MAX_PORT:
            raise ClientException(f"Invalid '{member}' setting: {mapping[member]}.")


def _check_restart(name: str, policy: Shape) -> None:
    if not 60 <= policy.get("restartAttemptPeriod", 60) <= 1800:
        raise ClientException(f"Container '{name}': restartAttemptPeriod must be between 60 and 1800 seconds.")
    codes = policy.get("ignoredExitCodes", ())
    if len(codes) > MAX_IGNORED_EXIT_CODES:
        raise ClientException(f"Container '{name}': at most {MAX_IGNORED_EXIT_CODES} exit codes can be ignored.")
    if not all(0 <= code <= 255 for code in codes):
        raise ClientException(f"Container '{name}': exit codes are between 0 and 255.")


def _check_linux(name: str, linux: Shape) -> None:
    if not 0 <= linux.get("swappiness", 0) <= 100:
        raise ClientException(f"Container '{name}': swappiness must be between 0 and 100.")
    if linux.get("maxSwap", 0) < 0:
        raise ClientException(f"Container '{name}': maxSwap must be 0 or a positive integer.")
    for mount in linux.get("tmpfs", ()):
        if mount["size"] < 1:
            raise ClientException(f"Container '{name}': the size of a tmpfs mount must be positive.")
