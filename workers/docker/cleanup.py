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
_STOP_TIMEOUT_S = 5


@dataclass(frozen=True, kw_only=True)
class Removed:
    """How many objects were removed."""

    containers: int
    networks: int


def remove_all(instance: str) -> Removed:
    """Remove every container and network of an instance, running or not. Raises RuntimeFailure."""
    with engine_failures():
        client = engine.client()
        labels = {"label": f"{LABEL_INSTANCE}={instance}"}
        containers = client.containers(all=True, filters=labels)
        for container in containers:
            if container["Labels"].get(LABEL_ROLE) == ROLE_HOST_RULES:
                # It takes the host's rules away when it is asked to end, not when it is killed.
                client.stop(container["Id"], timeout=_STOP_TIMEOUT_S)
        _each(_remove_container, (container["Id"] for container in containers))
        networks = client.networks(filters=labels)
        _each(_remove_network, (network["Id"] for network in networks))
    return Removed(containers=len(containers), networks=len(networks))


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
