"""The runtime of this process: the Docker engine, or none where `manage.py up` found none."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from django.conf import settings

from aws_api.core.containers import (
    ContainerRuntime,
    ContainerSpec,
    LogLine,
    NetworkSpec,
    Observation,
    ObservedContainer,
    ObservedImage,
    ObservedNetwork,
    ObservedVolume,
    PullProgress,
    RegistryCredentials,
    RuntimeEvent,
    RuntimeFailure,
    Scope,
    VolumeSpec,
)


def process_runtime() -> ContainerRuntime:
    """What this process runs containers with, by the settings."""
    if settings.SIMFRA_DOCKER:
        from workers.docker.runtime import DockerRuntime

        return DockerRuntime()
    return NullRuntime(settings.SIMFRA_DOCKER_PROBLEM or "No Docker engine was found when Simfra started.")


class NullRuntime:
    """No engine: there is nothing to see, nothing can be made, and what should go is gone."""

    def __init__(self, problem: str) -> None:
        self.reason = f"CannotStartContainerError: {problem}"

    def observe(self, scope: Scope) -> Observation:
        return Observation()

    def find_containers(self, labels: Mapping[str, str]) -> Sequence[ObservedContainer]:
        return ()

    def find_networks(self, labels: Mapping[str, str]) -> Sequence[ObservedNetwork]:
        return ()

    def find_volumes(self, labels: Mapping[str, str]) -> Sequence[ObservedVolume]:
        return ()

    def pull_image(
        self, image: str, credentials: RegistryCredentials | None, progress: Callable[[PullProgress], None]
    ) -> ObservedImage:
        self._refuse()

    def load_image(self, image: str, archive: Iterable[bytes]) -> ObservedImage:
        self._refuse()

    def create_network(self, spec: NetworkSpec) -> ObservedNetwork:
        self._refuse()

    def create_volume(self, spec: VolumeSpec) -> None:
        self._refuse()

    def create_container(self, spec: ContainerSpec) -> str:
        self._refuse()

    def start_container(self, name: str, ready_within_s: float | None = None) -> None:
        self._refuse()

    def configure_container(self, name: str, configuration: Mapping[str, Any]) -> None:
        self._refuse()

    def logs(self, name: str, since_ns: int, follow: bool) -> Iterator[LogLine]:
        return iter(())

    def statistics(self, name: str) -> Mapping[str, Any] | None:
        return None

    def written_bytes(self, name: str) -> int | None:
        return None

    def events(self, since_ns: int) -> Iterator[RuntimeEvent]:
        return iter(())

    def remove_network(self, name: str) -> None: ...
    def remove_volume(self, name: str) -> None: ...
    def stop_container(self, name: str, timeout_s: int) -> None: ...
    def kill_container(self, name: str) -> None: ...
    def exhaust_memory(self, name: str) -> None: ...
    def remove_container(self, name: str) -> None: ...

    def _refuse(self) -> NoReturn:
        raise RuntimeFailure(self.reason)
