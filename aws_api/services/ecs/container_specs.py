"""A container definition with a task's overrides, as the container to make. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.containers import ContainerSpec, HealthCheck, Mount, PortBinding
from aws_api.services.ecs.dependencies import start_order

Shape = Mapping[str, Any]

DEFAULT_STOP_TIMEOUT_S = 30
#: A cpu of 0 or less is Docker's least, as ECS's agent has it.
MIN_CPU_SHARES = 2
_CPU_UNITS_PER_CPU = 1024
_NANO = 1_000_000_000
_MIB = 1024 * 1024
_SHORT_ID = 12


def container_name(family: str, revision: int, container: str, task_id: str) -> str:
    """The engine's name of a task's container: deterministic, so that making it twice is one container."""
    return f"ecs-{family}-{revision}-{container}-{task_id[:_SHORT_ID]}"


def overridden(container: Shape, override: Shape | None) -> dict[str, Any]:
    """A container definition with what RunTask overrides in it."""
    if override is None:
        return dict(container)
    changed = {**container}
    for member in ("command", "cpu", "memory", "memoryReservation", "resourceRequirements"):
        if member in override:
            changed[member] = override[member]
    environment = {pair["name"]: pair.get("value", "") for pair in container.get("environment", ())}
    environment.update({pair["name"]: pair.get("value", "") for pair in override.get("environment", ())})
    changed["environment"] = [{"name": name, "value": value} for name, value in environment.items()]
    return changed


def containers_in_start_order(containers: Iterable[Shape]) -> list[Shape]:
    """Each container after those that it depends on, otherwise as they are written."""
    by_name = {container["name"]: container for container in containers}
    edges = {
        name: [dependency["containerName"] for dependency in container.get("dependsOn", ())]
        for name, container in by_name.items()
    }
    return [by_name[name] for name in start_order(edges)]


def container_spec(
    container: Shape,
    *,
    name: str,
    labels: Mapping[str, str],
    environment: Mapping[str, str],
    network_mode: str,
    network_of: str | None,
    mounts: tuple[Mount, ...],
    task_cpu: int | None,
    task_memory_mib: int | None,
) -> ContainerSpec:
    """The container to make of a definition whose overrides are applied.

    ``task_cpu`` is the limit of the task in CPU units, which holds for each of its containers together with their own.
    """
    linux = container.get("linuxParameters", {})
    capabilities = linux.get("capabilities", {})
    memory, reservation = container.get("memory"), container.get("memoryReservation")
    shared_memory = linux.get("sharedMemorySize")
    joins = network_of is not None
    return ContainerSpec(
        name=name,
        image=container["image"],
        labels={**container.get("dockerLabels", {}), **labels},
        command=_tuple(container.get("command")),
        entry_point=_tuple(container.get("entryPoint")),
        environment=environment,
        working_directory=container.get("workingDirectory"),
        user=container.get("user"),
        hostname=None if joins else container.get("hostname"),
        network_of=network_of,
        network_mode=None if joins else network_mode,
        ports=tuple(_ports(container)) if network_mode == "bridge" else (),
        mounts=mounts,
        capabilities_add=tuple(capabilities.get("add", ())),
        capabilities_drop=tuple(capabilities.get("drop", ())),
        sysctls={name: value for name, value in sysctls_of(container).items() if not (joins and is_of_network(name))},
        ulimits=tuple(
            (limit["name"], limit["softLimit"], limit["hardLimit"]) for limit in container.get("ulimits", ())
        ),
        # A joined namespace has its owner's hosts; Docker refuses others.
        extra_hosts={} if joins else {host["hostname"]: host["ipAddress"] for host in container.get("extraHosts", ())},
        cpu_shares=max(container.get("cpu", 0), MIN_CPU_SHARES),
        nano_cpus=task_cpu * _NANO // _CPU_UNITS_PER_CPU if task_cpu else None,
        memory_bytes=_bytes(memory or task_memory_mib),
        memory_reservation_bytes=_bytes(reservation),
        shared_memory_bytes=_bytes(shared_memory),
        tmpfs={mount["containerPath"]: _tmpfs_options(mount) for mount in linux.get("tmpfs", ())},
        init=linux.get("initProcessEnabled", False),
        read_only=container.get("readonlyRootFilesystem", False),
        privileged=container.get("privileged", False),
        interactive=container.get("interactive", False),
        terminal=container.get("pseudoTerminal", False),
        health_check=_health_check(container.get("healthCheck")),
    )


def mounts_of(
    container: Shape, containers: Mapping[str, Shape], volumes: Iterable[Shape], *, volume_prefix: str
) -> tuple[Mount, ...]:
    """A container's mounts, its own and those of the containers in ``volumesFrom``.

    A volume of the task alone is named ``<volume_prefix>-<volume>``; a shared one has its own name.
    """
    by_name = {volume.get("name", ""): volume for volume in volumes}
    points = [(point, point.get("readOnly", False)) for point in container.get("mountPoints", ())]
    for source in container.get("volumesFrom", ()):
        read_only = source.get("readOnly", False)
        points += [
            (point, read_only or point.get("readOnly", False))
            for point in containers[source["sourceContainer"]].get("mountPoints", ())
        ]
    # The container's own mount wins where two have the same path.
    mounts: dict[str, Mount] = {}
    for point, read_only in points:
        volume = by_name[point["sourceVolume"]]
        mounts.setdefault(
            point["containerPath"],
            Mount(
                source=_source(volume, volume_prefix),
                target=point["containerPath"],
                read_only=read_only,
                type="bind" if volume.get("host", {}).get("sourcePath") else "volume",
            ),
        )
    return tuple(mounts.values())


def sysctls_of(container: Shape) -> dict[str, str]:
    """A container's system controls."""
    return {control["namespace"]: control["value"] for control in container.get("systemControls", ())}


def is_of_network(sysctl: str) -> bool:
    """Whether a system control belongs to the network namespace, and so to its owner."""
    return sysctl.startswith("net.")


def _source(volume: Shape, volume_prefix: str) -> str:
    if path := volume.get("host", {}).get("sourcePath"):
        return str(path)
    if volume.get("dockerVolumeConfiguration", {}).get("scope") == "shared":
        return str(volume["name"])
    if file_system := volume.get("efsVolumeConfiguration", {}).get("fileSystemId"):
        return f"efs-{file_system}"
    return f"{volume_prefix}-{volume['name']}"


def _ports(container: Shape) -> Iterable[PortBinding]:
    for mapping in container.get("portMappings", ()):
        protocol = mapping.get("protocol", "tcp")
        if port_range := mapping.get("containerPortRange"):
            first, _, last = port_range.partition("-")
            for port in range(int(first), int(last or first) + 1):
                yield PortBinding(container_port=port, protocol=protocol)
        else:
            yield PortBinding(
                container_port=mapping["containerPort"], host_port=mapping.get("hostPort", 0), protocol=protocol
            )


def _health_check(check: Shape | None) -> HealthCheck | None:
    if check is None:
        return None
    command = tuple(check["command"])
    if command[0] not in ("CMD", "CMD-SHELL", "NONE"):
        command = ("CMD", *command)
    return HealthCheck(
        command=command,
        interval_s=check.get("interval", 30),
        timeout_s=check.get("timeout", 5),
        retries=check.get("retries", 3),
        start_period_s=check.get("startPeriod", 0),
    )


def _tmpfs_options(mount: Shape) -> str:
    return ",".join((f"size={mount['size']}m", *mount.get("mountOptions", ())))


def _tuple(items: Iterable[str] | None) -> tuple[str, ...] | None:
    return tuple(items) if items else None


def _bytes(mib: int | None) -> int | None:
    return mib * _MIB if mib else None
