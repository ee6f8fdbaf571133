"""Letting a container run out of memory: a program of ours takes what is left of it, from within its limits."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from docker.errors import APIError

from aws_api.core.containers import LABEL_INSTANCE, LABEL_ROLE, ContainerSpec, Mount, RuntimeFailure
from workers.docker import engine
from workers.docker.specs import container_config

ROLE_MEMORY_PRESSURE = "memory-pressure"
#: The program gives up by itself before (sidecar/memory_pressure.py).
_ENDS_WITHIN_S = 60
#: Of files in memory, at most.
_TAKES_BYTES = 128 << 20


def exhaust(inspected: Mapping[str, Any]) -> None:
    """Let the kernel kill a container as inspected, for want of memory. Raises RuntimeFailure where it will not."""
    process = int(inspected["State"].get("Pid") or 0)
    if not process:
        return
    name = inspected["Name"].lstrip("/")
    labels = {LABEL_ROLE: ROLE_MEMORY_PRESSURE, LABEL_INSTANCE: settings.SIMFRA_INSTANCE}
    spec = ContainerSpec(
        name=f"{name}-memory-pressure",
        image=settings.SIMFRA_SIDECAR_IMAGE,
        labels=labels,
        entry_point=("python3", "-m", "sidecar.memory_pressure", str(process)),
        network_mode="none",
        # It moves itself to where the container is, beside the engine's own doing.
        pid_mode="host",
        shared_memory_bytes=_TAKES_BYTES,
        mounts=(Mount(source="/sys/fs/cgroup", target="/host/cgroup", type="bind"),),
    )
    config = container_config(spec, labels)
    config["HostConfig"]["CgroupnsMode"] = "host"
    client = engine.client()
    _remove(spec.name)
    made = client.create_container_from_config(config, spec.name)["Id"]
    try:
        client.start(made)
        failed = client.wait(made, timeout=_ENDS_WITHIN_S)["StatusCode"] != 0
        # It may be chosen itself, once what it is for has ended.
        if failed and client.inspect_container(inspected["Id"])["State"]["Running"]:
            raise RuntimeFailure(f"{name} did not run out of memory: {client.logs(made).decode(errors='replace')}")
    finally:
        _remove(spec.name)


def _remove(name: str) -> None:
    try:
        engine.client().remove_container(name, v=True, force=True)
    except APIError as error:
        # It is not there, or somebody's removal of it is under way.
        if error.status_code not in (404, 409):
            raise
