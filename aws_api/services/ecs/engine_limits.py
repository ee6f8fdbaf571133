"""What a definition asks for that this engine does not give: the reason its task stops with, and what helps. Pure.

AWS takes such definitions, since another container instance may give it; so they are refused when a task starts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from aws_api.services.ecs.volumes import host_path

Shape = Mapping[str, Any]

#: Devices that give nobody anything of the host's.
HARMLESS_DEVICES = frozenset({"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"})
_CANNOT_CREATE = "CannotCreateContainerError"


@dataclass(frozen=True, kw_only=True)
class EngineLimits:
    """What containers may have of the host. ``architecture`` is ECS's word of the engine's."""

    allows_privileged: bool
    host_volume_roots: Sequence[str]
    architecture: str


def refusal(definition: Shape, limits: EngineLimits) -> str:
    """The first reason why no container of the definition can be started; empty where there is none."""
    return next(iter(_refusals(definition, limits)), "")


def _refusals(definition: Shape, limits: EngineLimits) -> Iterable[str]:
    platform = definition.get("runtimePlatform", {})
    family = platform.get("operatingSystemFamily", "LINUX")
    if family != "LINUX":
        yield f"{_CANNOT_CREATE}: runtimePlatform asks for {family}: this engine runs LINUX containers only."
    wanted = platform.get("cpuArchitecture", "").lower()
    if wanted and wanted != limits.architecture:
        yield (
            f"{_CANNOT_CREATE}: runtimePlatform asks for {wanted.upper()}: this engine is "
            f"{limits.architecture.upper()}. Build the image for it, or leave cpuArchitecture out."
        )
    for volume in definition.get("volumes", ()):
        path = host_path(volume)
        if path and not is_below(path, limits.host_volume_roots):
            yield (
                f"{_CANNOT_CREATE}: the volume {volume.get('name')} is the host's folder {path}, which is not below "
                f"one of SIMFRA_HOST_VOLUMES ({':'.join(limits.host_volume_roots) or 'none is set'})."
            )
    for container in definition["containerDefinitions"]:
        yield from _of_container(container, limits)


def _of_container(container: Shape, limits: EngineLimits) -> Iterable[str]:
    name = container["name"]
    allow = "Start Simfra with SIMFRA_ALLOW_PRIVILEGED=true to allow it."
    if container.get("privileged") and not limits.allows_privileged:
        yield f"{_CANNOT_CREATE}: the container {name} is privileged, which is the whole host's. {allow}"
    for device in container.get("linuxParameters", {}).get("devices", ()):
        if device["hostPath"] not in HARMLESS_DEVICES and not limits.allows_privileged:
            yield f"{_CANNOT_CREATE}: the container {name} wants the host's device {device['hostPath']}. {allow}"


def is_below(path: str, roots: Iterable[str]) -> bool:
    """Whether a path of the host is one of the roots or below it; one that climbs with ``..`` is not."""
    wanted = PurePosixPath(path)
    return wanted.is_absolute() and ".." not in wanted.parts and any(wanted.is_relative_to(root) for root in roots)
