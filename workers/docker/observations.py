"""What the engine's API says of containers and networks, as the vocabulary of ``decide`` has it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from docker.utils import parse_repository_tag

from aws_api.core.containers import (
    ContainerState,
    ObservedContainer,
    ObservedEngine,
    ObservedImage,
    ObservedNetwork,
    ObservedVolume,
    PortBinding,
)

#: The engine's word for a time that has not come.
NEVER = "0001-01-01"
_MAX_HEALTH_OUTPUT = 1024


def container_of_inspect(inspected: Mapping[str, Any]) -> ObservedContainer:
    """A container from ``GET /containers/{id}/json``."""
    state = inspected["State"]
    has_ended = state["Status"] in ("exited", "dead")
    has_failed = state["Status"] == "created" and state.get("ExitCode")
    networks = inspected["NetworkSettings"].get("Networks") or {}
    return ObservedContainer(
        id=inspected["Id"],
        name=inspected["Name"].lstrip("/"),
        image=inspected["Config"]["Image"],
        image_id=inspected["Image"],
        state=ContainerState(state["Status"]),
        labels=inspected["Config"].get("Labels") or {},
        exit_code=state["ExitCode"] if has_ended or has_failed else None,
        error=state.get("Error") or "",
        out_of_memory=bool(state.get("OOMKilled")),
        health=_health(state.get("Health")),
        health_output=_health_output(state.get("Health")),
        created_at=_time(inspected["Created"]),
        started_at=_time(state.get("StartedAt")),
        finished_at=_time(state.get("FinishedAt")),
        addresses={name: network["IPAddress"] for name, network in networks.items() if network.get("IPAddress")},
        ports=_ports(inspected["NetworkSettings"].get("Ports") or {}),
    )


def container_of_list(listed: Mapping[str, Any]) -> ObservedContainer:
    """A container from ``GET /containers/json``: without times, health and exit code, which a list does not carry."""
    networks = (listed.get("NetworkSettings") or {}).get("Networks") or {}
    return ObservedContainer(
        id=listed["Id"],
        name=listed["Names"][0].lstrip("/") if listed.get("Names") else "",
        image=listed["Image"],
        image_id=listed["ImageID"],
        state=ContainerState(listed["State"]),
        labels=listed.get("Labels") or {},
        addresses={name: network["IPAddress"] for name, network in networks.items() if network.get("IPAddress")},
    )


def network_of_inspect(inspected: Mapping[str, Any]) -> ObservedNetwork:
    """A network, from a list as well as from an inspection."""
    pools = (inspected.get("IPAM") or {}).get("Config") or []
    return ObservedNetwork(
        id=inspected["Id"],
        name=inspected["Name"],
        subnet=pools[0]["Subnet"] if pools else "",
        labels=inspected.get("Labels") or {},
    )


def volume_of_inspect(inspected: Mapping[str, Any]) -> ObservedVolume:
    """A volume, from a list as well as from an inspection."""
    return ObservedVolume(name=inspected["Name"], labels=inspected.get("Labels") or {})


def engine_of_info(info: Mapping[str, Any]) -> ObservedEngine:
    """The engine from ``GET /info``."""
    architecture = str(info.get("Architecture", ""))
    return ObservedEngine(
        id=str(info["ID"]),
        name=str(info.get("Name", "")),
        version=str(info.get("ServerVersion", "")),
        operating_system=str(info.get("OSType", "linux")),
        architecture={"aarch64": "arm64", "amd64": "x86_64"}.get(architecture, architecture),
        cpus=int(info["NCPU"]),
        memory_bytes=int(info["MemTotal"]),
    )


def image_of_inspect(inspected: Mapping[str, Any], name: str) -> ObservedImage:
    """An image as it was asked for by a name; its digest is that of the name's repository.

    The same content may have been pulled from others too, with other manifests.
    """
    repository = _familiar(parse_repository_tag(name)[0])
    parted = (known.partition("@") for known in inspected.get("RepoDigests") or ())
    digest = next((digest for known, _, digest in parted if _familiar(known) == repository), "")
    return ObservedImage(id=inspected["Id"], digest=digest)


def _familiar(repository: str) -> str:
    """A repository as Docker lists it: of Docker Hub's without what goes without saying."""
    return repository.removeprefix("docker.io/").removeprefix("library/")


def _health(health: Mapping[str, Any] | None) -> str | None:
    status = (health or {}).get("Status")
    return None if status in (None, "", "none") else str(status)


def _health_output(health: Mapping[str, Any] | None) -> str:
    """What the last check printed, at most so much of it as a reader wants."""
    log = (health or {}).get("Log") or []
    return str(log[-1].get("Output") or "").strip()[:_MAX_HEALTH_OUTPUT] if log else ""


def _time(text: str | None) -> datetime | None:
    """``2026-11-22T10:00:00.123456789Z``, as precise as Python has it; None for Docker's zero time."""
    if not text or text.startswith(NEVER):
        return None
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{seconds}.{(fraction + '000000')[:6]}+00:00")


def _ports(ports: Mapping[str, Any]) -> tuple[PortBinding, ...]:
    bindings = []
    for container_port, places in ports.items():
        number, _, protocol = container_port.partition("/")
        bindings += [
            PortBinding(
                container_port=int(number),
                host_port=int(place["HostPort"]),
                protocol=protocol,
                host_ip=place["HostIp"],
            )
            for place in places or ()
        ]
    return tuple(bindings)
