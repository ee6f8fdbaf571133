"""A task's volumes: what the engine calls them, and which a task makes and takes away. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_data_volumes.html
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_api.core.containers import Mount, VolumeSpec
from aws_api.services.ecs.specification import TaskVolume

Shape = Mapping[str, Any]

_DIGEST_DIGITS = 12
_GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class VolumeNaming:
    """What makes names of volumes: ``own_prefix`` those of one task, ``shared_prefix`` those of an account's region."""

    own_prefix: str
    shared_prefix: str


def mounts_of(container: Shape, volumes: Iterable[Shape], naming: VolumeNaming) -> tuple[Mount, ...]:
    """A container's own mounts; those of ``volumesFrom`` the engine adds."""
    by_name = {volume.get("name", ""): volume for volume in volumes}
    mounts = []
    for point in container.get("mountPoints", ()):
        volume = by_name[point["sourceVolume"]]
        path = host_path(volume)
        mounts.append(
            Mount(
                source=path or engine_name(volume, naming),
                target=point["containerPath"],
                read_only=point.get("readOnly", False),
                type="bind" if path else "volume",
            )
        )
    return tuple(mounts)


def volumes_of(
    volumes: Iterable[Shape], naming: VolumeNaming, *, labels: Mapping[str, str], sizes_gib: Mapping[str, int]
) -> tuple[TaskVolume, ...]:
    """The engine's volumes of a task; ``labels`` mark those that go with it, ``sizes_gib`` are by name."""
    found = []
    for volume in volumes:
        if host_path(volume):
            continue
        docker = volume.get("dockerVolumeConfiguration", {})
        own = not is_shared(volume) and "efsVolumeConfiguration" not in volume
        spec = VolumeSpec(
            name=engine_name(volume, naming),
            labels={**docker.get("labels", {}), **(labels if own else {})},
            driver=docker.get("driver", "local"),
            driver_options=docker.get("driverOpts", {}),
            size_bytes=sizes_gib[volume["name"]] * _GIB if volume.get("name") in sizes_gib else None,
        )
        must_exist = is_shared(volume) and not docker.get("autoprovision", False)
        found.append(TaskVolume(name=volume.get("name", ""), spec=spec, own=own, must_exist=must_exist))
    return tuple(found)


def host_path(volume: Shape) -> str:
    """The host's folder that a volume is; empty where it is the engine's."""
    return str(volume.get("host", {}).get("sourcePath") or "")


def is_shared(volume: Shape) -> bool:
    return bool(volume.get("dockerVolumeConfiguration", {}).get("scope") == "shared")


def engine_name(volume: Shape, naming: VolumeNaming) -> str:
    """A Docker volume that tasks share has the name that its definition says, as on a container instance."""
    if is_shared(volume):
        return str(volume["name"])
    if efs := volume.get("efsVolumeConfiguration"):
        place = efs.get("authorizationConfig", {}).get("accessPointId") or efs.get("rootDirectory", "/").strip("/")
        suffix = f"-{hashlib.sha256(place.encode()).hexdigest()[:_DIGEST_DIGITS]}" if place else ""
        return f"{naming.shared_prefix}-efs-{efs['fileSystemId']}{suffix}"
    return f"{naming.own_prefix}-{volume['name']}"
