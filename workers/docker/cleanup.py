"""Removing everything that an instance has on the engine."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from docker.errors import APIError, NotFound

from aws_api.core.containers import LABEL_INSTANCE, LABEL_ROLE
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


def remove_all(instance: str) -> Removed:
    """Remove every container and network of an instance, running or not. Raises RuntimeFailure.

    What a worker asked the engine for just before it ended may still appear, so it looks again until nothing is left.
    """
    containers: set[str] = set()
    networks: set[str] = set()
    with engine_failures():
        for _ in range(_MAX_LOOKS):
            found = _remove_containers(instance)
            containers |= found
            left = {network["Id"] for network in engine.client().networks(filters=_labels(instance))}
            networks |= left
            _each(_remove_network, left)
            if not found and not left:
                break
    return Removed(containers=len(containers), networks=len(networks))


def _labels(instance: str) -> dict[str, str]:
    return {"label": f"{LABEL_INSTANCE}={instance}"}


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


def _remove_network(network_id: str) -> None:
    try:
        engine.client().remove_network(network_id)
    except NotFound:
        return
    except APIError as error:
        # A container came onto it meanwhile: the next look removes both.
        if error.status_code != 403:
            raise
