"""A ContainerSpec as the engine's API takes it. Pure."""

import io
import tarfile
from collections.abc import Mapping
from typing import Any

from aws_api.core.containers import ContainerSpec, HealthCheck, LogForwarding, PortBinding

#: What a container's output may take on the engine's disk; the console and log groups have it as well.
_LOG_OPTIONS = {"max-size": "16m", "max-file": "4"}
_NANOSECONDS = 1_000_000_000


def container_config(
    spec: ContainerSpec, labels: Mapping[str, str], cgroup_parent: str = "", log_socket: str = ""
) -> dict[str, Any]:
    """The body of ``POST /containers/create``; members that the spec leaves open are absent.

    ``log_socket`` is the path on the engine's host at which the spec's ``forwards_log`` finds its receiver.
    """
    ports = {f"{binding.container_port}/{binding.protocol}" for binding in spec.ports}
    return _present(
        Image=spec.image,
        Cmd=_list(spec.command),
        Entrypoint=_list(spec.entry_point),
        Env=[f"{name}={value}" for name, value in spec.environment.items()],
        WorkingDir=spec.working_directory,
        User=spec.user,
        Hostname=spec.hostname,
        Labels=dict(labels),
        OpenStdin=spec.interactive,
        Tty=spec.terminal,
        ExposedPorts={port: {} for port in sorted(ports)},
        Healthcheck=_health_check(spec.health_check),
        HostConfig=_host_config(spec, log_socket) | _present(CgroupParent=cgroup_parent),
        NetworkingConfig=_networking_config(spec),
    )


def archive_of(files: Mapping[str, bytes]) -> bytes:
    """Files as the tar archive that the engine unpacks into a container."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _host_config(spec: ContainerSpec, log_socket: str) -> dict[str, Any]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for binding in spec.ports:
        place = {"HostIp": binding.host_ip, "HostPort": _host_port(binding)}
        bindings.setdefault(f"{binding.container_port}/{binding.protocol}", []).append(place)
    return _present(
        NetworkMode=_network_mode(spec),
        PortBindings=bindings,
        # As binds: the engine makes a host's folder that is not there.
        Binds=[
            f"{mount.source}:{mount.target}:{'ro' if mount.read_only else 'rw'}"
            for mount in spec.mounts
            if mount.type == "bind"
        ],
        Mounts=[
            {"Type": mount.type, "Source": mount.source, "Target": mount.target, "ReadOnly": mount.read_only}
            for mount in spec.mounts
            if mount.type != "bind"
        ],
        VolumesFrom=[f"{name}:{'ro' if read_only else 'rw'}" for name, read_only in spec.volumes_from],
        CapAdd=list(spec.capabilities_add),
        CapDrop=list(spec.capabilities_drop),
        Sysctls=dict(spec.sysctls),
        Ulimits=[{"Name": name, "Soft": soft, "Hard": hard} for name, soft, hard in spec.ulimits],
        ExtraHosts=[f"{name}:{address}" for name, address in spec.extra_hosts.items()],
        Links=[f"{name}:{alias}" for name, alias in spec.links],
        Dns=list(spec.dns_servers),
        DnsSearch=list(spec.dns_search_domains),
        Devices=[
            {
                "PathOnHost": device.host_path,
                "PathInContainer": device.container_path,
                "CgroupPermissions": device.permissions,
            }
            for device in spec.devices
        ],
        SecurityOpt=list(spec.security_options),
        PidMode=spec.pid_mode,
        IpcMode=spec.ipc_mode,
        CpuShares=spec.cpu_shares,
        NanoCpus=spec.nano_cpus,
        Memory=spec.memory_bytes,
        # Without a word on swap there is none, as on Fargate: the limit is where the kernel kills.
        MemorySwap=spec.memory_bytes + (spec.swap_bytes or 0) if spec.memory_bytes else None,
        MemoryReservation=spec.memory_reservation_bytes,
        ShmSize=spec.shared_memory_bytes,
        Tmpfs=dict(spec.tmpfs),
        Init=spec.init,
        ReadonlyRootfs=spec.read_only,
        Privileged=spec.privileged,
        LogConfig=_log_config(spec.forwards_log, log_socket),
    ) | ({} if spec.swappiness is None else {"MemorySwappiness": spec.swappiness})  # 0 is a value of its own


def _log_config(forwarding: LogForwarding | None, log_socket: str) -> dict[str, Any]:
    if forwarding is None:
        return {"Type": "json-file", "Config": _LOG_OPTIONS}
    options = {
        "fluentd-address": f"unix://{log_socket}",
        # The receiver may need a moment to listen; once it has gone nobody waits for it for long.
        "fluentd-async": "true",
        "fluentd-retry-wait": "100ms",
        "fluentd-max-retries": "13",
        "fluentd-sub-second-precision": "true",
        "tag": forwarding.tag,
    }
    if forwarding.buffer_events:
        options["fluentd-buffer-limit"] = str(forwarding.buffer_events)
    return {"Type": "fluentd", "Config": options}


def _host_port(binding: PortBinding) -> str:
    if binding.last_host_port:
        return f"{binding.host_port}-{binding.last_host_port}"
    return str(binding.host_port or "")


def _network_mode(spec: ContainerSpec) -> str:
    if spec.network_of is not None:
        return f"container:{spec.network_of}"
    if spec.endpoints:
        return spec.endpoints[0].network
    return spec.network_mode or "bridge"


def _networking_config(spec: ContainerSpec) -> dict[str, Any]:
    """The first endpoint: older engines take no more than one when a container is made."""
    if not spec.endpoints:
        return {}
    endpoint = spec.endpoints[0]
    address = {"IPAMConfig": {"IPv4Address": endpoint.address}} if endpoint.address else {}
    return {"EndpointsConfig": {endpoint.network: address}}


def _health_check(check: HealthCheck | None) -> dict[str, Any]:
    if check is None:
        # ECS looks at the task definition's health checks alone, never at the image's.
        return {"Test": ["NONE"]}
    return {
        "Test": list(check.command),
        "Interval": int(check.interval_s * _NANOSECONDS),
        "Timeout": int(check.timeout_s * _NANOSECONDS),
        "Retries": check.retries,
        "StartPeriod": int(check.start_period_s * _NANOSECONDS),
    }


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, "", [], {}, False)}


def _list(items: tuple[str, ...] | None) -> list[str] | None:
    return None if items is None else list(items)
