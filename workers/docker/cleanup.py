"""Removing what an instance has on the engine: everything, but for volumes that tasks share, which are state."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from docker.errors import APIError, NotFound

from aws_api.core.containers import LABEL_INSTANCE, LABEL_KEY, LABEL_ROLE
from workers.docker import engine
from workers.docker.failures import engine_failures
from workers.docker.host import ROLE_HOST_RULES

_AT_ONCE = 8
_MAX_LOOKS = 20
_STOP_TIMEOUT_S = 5


@dataclass(frozen=True, kw_only=True)
class Removed:
    """How many objects were removed."""

    containers: int
    networks: int
    volumes: int = 0


def remove_all(instance: str, *, with_shared_volumes: bool = False) -> Removed:
    """Remove every container and network of an instance, running or not, and the volumes that were a task's own.

    Volumes that tasks share go only ``with_shared_volumes``. Raises RuntimeFailure.

    What a worker asked the engine for just before it ended may still appear, so it looks again until nothing is left.
    """
    containers: set[str] = set()
    networks: set[str] = set()
    volumes: set[str] = set()
    with engine_failures():
        for _ in range(_MAX_LOOKS):
            found = _remove_containers(instance)
            containers |= found
            left = {network["Id"] for network in engine.client().networks(filters=_labels(instance))}
            networks |= left
            _each(_remove_network, left)
            kept = _volumes(instance, with_shared=with_shared_volumes)
            volumes |= kept
            _each(_remove_volume, kept)
            if not found and not left and not kept:
                break
    return Removed(containers=len(containers), networks=len(networks), volumes=len(volumes))


def _labels(instance: str) -> dict[str, str]:
    return {"label": f"{LABEL_INSTANCE}={instance}"}


def _volumes(instance: str, *, with_shared: bool) -> set[str]:
    """The instance's volumes; those of one task carry its key."""
    listed = engine.client().volumes(filters=_labels(instance)).get("Volumes") or []
    return {volume["Name"] for volume in listed if with_shared or LABEL_KEY in (volume.get("Labels") or {})}


def _remove_containers(instance: str) -> set[str]:
    client = engine.client()
    containers = client.containers(all=True, filters=_labels(instance))
    for container in containers:
        if container["Labels"].get(LABEL_ROLE) == ROLE_HOST_RULES:
            # It takes the host's rules away when it is asked to end, not when it is killed.
            client.stop(container["Id"], timeout=_STOP_TIMEOUT_S)
    found = {container["Id"] for container in containers}
    _each(_remove_container, found)
    return found


def _each(remove: Callable[[str], None], ids: Iterable[str]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as executor:
        for _ in executor.map(remove, ids):
            pass


def _remove_container(container_id: str) -> None:
    try:
        engine.client().remove_container(container_id, v=True, force=True)
    except NotFound:
        return
    except APIError as error:
        # A removal that somebody else asked for is under way.
        if error.status_code != 409:
            raise


def _remove_volume(name: str) -> None:
    try:
        engine.client().remove_volume(name)
    except NotFound:
        return
    except APIError as error:
        # A container that is being removed still has it: the next look removes it.
        if error.status_code != 409:
            raise


def _remove_network(network_id: str) -> None:
    try:
        engine.client().remove_network(network_id)
    except NotFound:
        return
    except APIError as error:
        # A container came onto it meanwhile: the next look removes both.
        if error.status_code != 403:
            raise
