"""A container definition with a task's overrides, as the container to make. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aws_api.core.containers import ContainerSpec, Device, HealthCheck, Mount, PortBinding
from aws_api.services.ecs.dependencies import start_order
from aws_api.services.ecs.specification import Condition, Dependency, RestartPolicy

Shape = Mapping[str, Any]

DEFAULT_STOP_TIMEOUT_S = 30
DEFAULT_RESTART_ATTEMPT_PERIOD_S = 300
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
        name: [dependency.container for dependency in dependencies_of(container)] for name, container in by_name.items()
    }
    return [by_name[name] for name in start_order(edges)]


def dependencies_of(container: Shape) -> tuple[Dependency, ...]:
    """What a container waits for: ``dependsOn``, and the start of whom it links to or has volumes from."""
    found = [
        Dependency(container=dependency["containerName"], condition=Condition(dependency["condition"]))
        for dependency in container.get("dependsOn", ())
    ]
    implied = [name for name, _ in links_of(container)]
    implied += [source["sourceContainer"] for source in container.get("volumesFrom", ())]
    for name in dict.fromkeys(implied):
        if name not in {dependency.container for dependency in found}:
            found.append(Dependency(container=name, condition=Condition.START))
    return tuple(found)


def links_of(container: Shape) -> list[tuple[str, str]]:
    """A container's links: the other's name, and what it is called here."""
    parted = (link.partition(":") for link in container.get("links", ()))
    return [(name, alias or name) for name, _, alias in parted]


def restart_policy(container: Shape) -> RestartPolicy | None:
    """When a container is started again; None where it never is."""
    policy = container.get("restartPolicy", {})
    if not policy.get("enabled"):
        return None
    return RestartPolicy(
        attempt_period_s=policy.get("restartAttemptPeriod", DEFAULT_RESTART_ATTEMPT_PERIOD_S),
        ignored_exit_codes=tuple(policy.get("ignoredExitCodes", ())),
    )


def container_spec(
    container: Shape,
    *,
    name: str,
    labels: Mapping[str, str],
    environment: Mapping[str, str],
    network_mode: str,
    published_at: Sequence[str],
    network_of: str | None,
    cgroup_of: str | None,
    pid_mode: str | None,
    ipc_mode: str | None,
    engine_names: Mapping[str, str],
    mounts: tuple[Mount, ...],
    task_cpu: int | None,
    task_memory_mib: int | None,
) -> ContainerSpec:
    """The container to make of a definition whose overrides are applied.

    ``published_at`` are the host's addresses that ports of the bridge are published at.
    ``task_cpu`` is the limit of the task in CPU units, which holds for each of its containers together with their own.
    ``engine_names`` has the engine's name of each of the task's containers.
    """
    linux = container.get("linuxParameters", {})
    capabilities = linux.get("capabilities", {})
    memory, reservation = container.get("memory"), container.get("memoryReservation")
    shared_memory = linux.get("sharedMemorySize")
    if container.get("disableNetworking"):
        network_of, network_mode = None, "none"
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
        cgroup_of=cgroup_of,
        network_mode=None if joins else network_mode,
        ports=tuple(_ports(container, published_at)) if network_mode == "bridge" else (),
        mounts=mounts,
        capabilities_add=tuple(capabilities.get("add", ())),
        capabilities_drop=tuple(capabilities.get("drop", ())),
        sysctls={name: value for name, value in sysctls_of(container).items() if not (joins and is_of_network(name))},
        ulimits=tuple(
            (limit["name"], limit["softLimit"], limit["hardLimit"]) for limit in container.get("ulimits", ())
        ),
        # A joined namespace has its owner's hosts; Docker refuses others.
        extra_hosts={} if joins else {host["hostname"]: host["ipAddress"] for host in container.get("extraHosts", ())},
        links=tuple((engine_names[other], alias) for other, alias in links_of(container)),
        dns_servers=() if joins else tuple(container.get("dnsServers", ())),
        dns_search_domains=() if joins else tuple(container.get("dnsSearchDomains", ())),
        volumes_from=tuple(
            (engine_names[source["sourceContainer"]], source.get("readOnly", False))
            for source in container.get("volumesFrom", ())
        ),
        devices=tuple(_devices(linux)),
        security_options=tuple(container.get("dockerSecurityOptions", ())),
        pid_mode=pid_mode,
        ipc_mode=ipc_mode,
        cpu_shares=max(container.get("cpu", 0), MIN_CPU_SHARES),
        nano_cpus=task_cpu * _NANO // _CPU_UNITS_PER_CPU if task_cpu else None,
        memory_bytes=_bytes(memory or task_memory_mib),
        memory_reservation_bytes=_bytes(reservation),
        swap_bytes=_bytes(linux.get("maxSwap")),
        swappiness=linux.get("swappiness") if "maxSwap" in linux else None,
        shared_memory_bytes=_bytes(shared_memory),
        tmpfs={mount["containerPath"]: _tmpfs_options(mount) for mount in linux.get("tmpfs", ())},
        init=linux.get("initProcessEnabled", False),
        read_only=container.get("readonlyRootFilesystem", False),
        privileged=container.get("privileged", False),
        interactive=container.get("interactive", False),
        terminal=container.get("pseudoTerminal", False),
        health_check=_health_check(container.get("healthCheck")),
    )


def sysctls_of(container: Shape) -> dict[str, str]:
    """A container's system controls."""
    return {control["namespace"]: control["value"] for control in container.get("systemControls", ())}


def is_of_network(sysctl: str) -> bool:
    """Whether a system control belongs to the network namespace, and so to its owner."""
    return sysctl.startswith("net.")


def has_network_controls(definition: Shape) -> bool:
    """Whether a task definition sets system controls of its network namespace, which is then made for it alone."""
    controls = (name for container in definition["containerDefinitions"] for name in sysctls_of(container))
    return any(map(is_of_network, controls))


def _devices(linux: Shape) -> Iterable[Device]:
    letters = {"read": "r", "write": "w", "mknod": "m"}
    for device in linux.get("devices", ()):
        permissions = "".join(letters[permission] for permission in device.get("permissions") or letters)
        yield Device(
            host_path=device["hostPath"],
            container_path=device.get("containerPath") or device["hostPath"],
            permissions=permissions,
        )


def _ports(container: Shape, addresses: Sequence[str]) -> Iterable[PortBinding]:
    for binding in _mapped(container):
        for address in addresses:
            yield replace(binding, host_ip=address)


def _mapped(container: Shape) -> Iterable[PortBinding]:
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
