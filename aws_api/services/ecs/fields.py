"""Every field of a task definition: whether Simfra enforces it, only stores it, or refuses it, and what that means.

``manage.py ecs_fields`` writes the table to docs/ecs-fields.md; a task that uses a stored field says so. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Shape = Mapping[str, Any]
#: What a field is called here: ``containerDefinitions[].linuxParameters.maxSwap``.
Path = str


class Handling(StrEnum):
    """What becomes of a field."""

    ENFORCED = "enforced"
    STORED = "stored"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field's handling. ``stored_values``: of an enforced field, the values that are only stored."""

    path: Path
    handling: Handling
    note: str = ""
    stored_values: Callable[[Any], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class StoredUse:
    """A field that a definition uses and nothing acts on. ``container`` is empty for a field of the task."""

    path: Path
    container: str
    note: str


_CONTAINER = "containerDefinitions[]."


def _enforced(path: Path, note: str = "", stored_values: Callable[[Any], bool] | None = None) -> Field:
    return Field(path=path, handling=Handling.ENFORCED, note=note, stored_values=stored_values)


def _stored(path: Path, note: str) -> Field:
    return Field(path=path, handling=Handling.STORED, note=note)


def _refused(path: Path, note: str) -> Field:
    return Field(path=path, handling=Handling.REFUSED, note=note)


_ONLY_SHOWN = "Output of this driver is shown in the console and goes nowhere else."

#: A field stands for its members: the longest path that fits decides.
FIELDS: tuple[Field, ...] = (
    _enforced("family"),
    _enforced("taskRoleArn", "Credentials at 169.254.170.2; its policies decide."),
    _enforced("executionRoleArn", "Images, secrets, environment files and log streams are had with it."),
    _enforced("networkMode"),
    _enforced(
        "cpu",
        "The limit of all containers together where the engine nests control groups (version 1, cgroupfs); else each "
        "has it alone.",
    ),
    _enforced(
        "memory",
        "The limit of all containers together where the engine nests control groups (version 1, cgroupfs); else each "
        "has it alone.",
    ),
    _enforced("pidMode"),
    _enforced("ipcMode"),
    _enforced("tags"),
    _enforced("requiresCompatibilities"),
    _enforced("placementConstraints"),
    _enforced("runtimePlatform", "A task for another architecture or system than the engine's stops with the reason."),
    _stored(
        "ephemeralStorage", "Reported. The engine's disk is the limit: Docker knows no task's containers together."
    ),
    _stored("proxyConfiguration", "No App Mesh proxy is set up: traffic goes straight to the containers."),
    _stored("enableFaultInjection", "The task has no fault injection endpoints."),
    _refused("inferenceAccelerators", "No engine has them, and AWS has retired them."),
    _refused("trustedExecutionConfiguration", "No engine has such isolation."),
    _enforced(f"{_CONTAINER}name"),
    _enforced(f"{_CONTAINER}image"),
    _enforced(f"{_CONTAINER}repositoryCredentials"),
    _enforced(f"{_CONTAINER}cpu", "Shares of the processor."),
    _enforced(f"{_CONTAINER}memory"),
    _enforced(f"{_CONTAINER}memoryReservation"),
    _enforced(f"{_CONTAINER}links", "In the network mode bridge."),
    _enforced(f"{_CONTAINER}portMappings", "The ports of a range are published each on a port of its own."),
    _enforced(f"{_CONTAINER}portMappings[].name", "Service Connect's services are of the port of this name."),
    _enforced(f"{_CONTAINER}portMappings[].appProtocol", "How Service Connect's proxies forward what comes to it."),
    _enforced(f"{_CONTAINER}essential"),
    _enforced(f"{_CONTAINER}restartPolicy"),
    _enforced(f"{_CONTAINER}entryPoint"),
    _enforced(f"{_CONTAINER}command"),
    _enforced(f"{_CONTAINER}environment"),
    _enforced(f"{_CONTAINER}environmentFiles", "From S3; the task stops with the reason where S3 has no such object."),
    _enforced(f"{_CONTAINER}mountPoints"),
    _enforced(f"{_CONTAINER}volumesFrom"),
    _enforced(f"{_CONTAINER}linuxParameters.capabilities"),
    _enforced(
        f"{_CONTAINER}linuxParameters.devices",
        "Devices other than /dev/null and the like need SIMFRA_ALLOW_PRIVILEGED=true.",
    ),
    _enforced(f"{_CONTAINER}linuxParameters.initProcessEnabled"),
    _enforced(f"{_CONTAINER}linuxParameters.sharedMemorySize"),
    _enforced(f"{_CONTAINER}linuxParameters.tmpfs"),
    _enforced(f"{_CONTAINER}linuxParameters.maxSwap", "Where the engine's kernel accounts for swap."),
    _enforced(f"{_CONTAINER}linuxParameters.swappiness", "Where the engine's host has cgroups of version 1."),
    _enforced(f"{_CONTAINER}secrets"),
    _enforced(f"{_CONTAINER}dependsOn"),
    _enforced(f"{_CONTAINER}startTimeout"),
    _enforced(f"{_CONTAINER}stopTimeout"),
    _enforced(
        f"{_CONTAINER}versionConsistency",
        "Tasks of a deployment have the digest that its first task resolved; of other registries, the engine's image.",
    ),
    _enforced(f"{_CONTAINER}hostname"),
    _enforced(f"{_CONTAINER}user"),
    _enforced(f"{_CONTAINER}workingDirectory"),
    _enforced(f"{_CONTAINER}disableNetworking"),
    _enforced(f"{_CONTAINER}privileged", "With SIMFRA_ALLOW_PRIVILEGED=true; else the task stops with the reason."),
    _enforced(f"{_CONTAINER}readonlyRootFilesystem"),
    _enforced(f"{_CONTAINER}dnsServers"),
    _enforced(f"{_CONTAINER}dnsSearchDomains"),
    _enforced(f"{_CONTAINER}extraHosts"),
    _enforced(f"{_CONTAINER}dockerSecurityOptions", "As far as the engine's host has SELinux or AppArmor."),
    _enforced(f"{_CONTAINER}interactive"),
    _enforced(f"{_CONTAINER}pseudoTerminal"),
    _enforced(f"{_CONTAINER}dockerLabels"),
    _enforced(f"{_CONTAINER}ulimits"),
    _enforced(
        f"{_CONTAINER}logConfiguration.logDriver",
        "awslogs, awsfirelens and json-file. Output of another driver is shown in the console and goes nowhere else.",
        stored_values=lambda driver: driver not in ("awslogs", "awsfirelens", "json-file"),
    ),
    _enforced(
        f"{_CONTAINER}logConfiguration.options",
        "awslogs-group, -region, -stream-prefix, -create-group, -multiline-pattern, -datetime-format, mode and "
        "max-buffer-size; with awsfirelens all. Those of json-file are stored: it keeps 64 MiB.",
    ),
    _enforced(
        f"{_CONTAINER}logConfiguration.secretOptions",
        "Read with the execution role: one that cannot be had stops the task. The driver awsfirelens is handed them.",
    ),
    _enforced(f"{_CONTAINER}healthCheck"),
    _enforced(f"{_CONTAINER}systemControls"),
    _refused(f"{_CONTAINER}resourceRequirements", "No engine offers GPUs or accelerators: RunTask answers a failure."),
    _enforced(
        f"{_CONTAINER}firelensConfiguration",
        "Its configuration is written where fluent-bit's and fluentd's images look for it.",
    ),
    _refused(f"{_CONTAINER}credentialSpecs", "There is no Active Directory to be a member of."),
    _enforced("volumes[].name"),
    _enforced("volumes[].host", "A sourcePath must be below one of SIMFRA_HOST_VOLUMES."),
    _enforced("volumes[].dockerVolumeConfiguration"),
    _enforced(
        "volumes[].efsVolumeConfiguration",
        "A volume for each file system, access point and root directory, which all tasks of the account and region "
        "share; a root directory does not see the directories above it.",
    ),
    _stored("volumes[].efsVolumeConfiguration.transitEncryption", "The volume is on the engine's disk."),
    _stored("volumes[].efsVolumeConfiguration.transitEncryptionPort", "The volume is on the engine's disk."),
    _stored("volumes[].efsVolumeConfiguration.authorizationConfig.iam", "Every task may mount the volume."),
    _refused("volumes[].s3filesVolumeConfiguration", "There is no such file system."),
    _refused("volumes[].fsxWindowsFileServerVolumeConfiguration", "The engine runs Linux containers."),
    _enforced(
        "volumes[].configuredAtLaunch",
        "An empty volume of the task's own; kept to its size where the engine's disk has quotas (XFS), or with "
        "SIMFRA_SIZED_VOLUMES=memory.",
    ),
)

_BY_PATH = {field.path: field for field in FIELDS}


def field_of(path: Path) -> Field | None:
    """The entry that decides about a path: its own, or that of the nearest member that it is part of."""
    while path:
        if path in _BY_PATH:
            return _BY_PATH[path]
        path = path.rpartition(".")[0].removesuffix("[]")
        if f"{path}[]" in _BY_PATH:
            return _BY_PATH[f"{path}[]"]
    return None


def stored_uses(definition: Shape) -> list[StoredUse]:
    """The fields of a definition that nothing acts on."""
    found: dict[tuple[str, str], StoredUse] = {}
    for path, container, value in _leaves(definition, "", ""):
        field = field_of(path)
        if field is None or value in (None, "", [], {}, False):
            continue
        is_stored = field.handling is Handling.STORED or (
            field.path == path and field.stored_values is not None and field.stored_values(value)
        )
        if is_stored:
            found.setdefault((field.path, container), StoredUse(path=field.path, container=container, note=field.note))
    return list(found.values())


def _leaves(value: Any, path: Path, container: str) -> Iterable[tuple[Path, str, Any]]:
    """Every value with its path."""
    if isinstance(value, Mapping):
        own = str(value.get("name", "")) if path == "containerDefinitions[]" else container
        for name, member in value.items():
            yield from _leaves(member, f"{path}.{name}" if path else name, own)
    elif isinstance(value, (list, tuple)) and value and isinstance(value[0], Mapping):
        for item in value:
            yield from _leaves(item, f"{path}[]", container)
    else:
        yield path, container, value
