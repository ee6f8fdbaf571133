"""ContainerRuntime on a Docker engine. Every method is one engine call, or the few that belong together."""

import json
import logging
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import requests
from django.conf import settings
from docker.auth import get_config_header, resolve_repository_name
from docker.errors import APIError, ImageNotFound, NotFound
from docker.utils import parse_repository_tag

from aws_api.core.containers import (
    LABEL_INSTANCE,
    LABEL_KEY,
    LABEL_KIND,
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
    RuntimeUnreachable,
    Scope,
    VolumeSpec,
)
from aws_api.core.sidecars import uplink_network_name
from workers.docker import cgroups, control, engine, memory, networks, volumes
from workers.docker.failures import engine_failures, worded
from workers.docker.observations import (
    NEVER,
    container_of_inspect,
    container_of_list,
    engine_of_info,
    image_of_inspect,
    network_of_inspect,
    volume_of_inspect,
)
from workers.docker.output import OutputDecoder, timestamp
from workers.docker.specs import archive_of, container_config

READY = "READY"
#: What can change a decision, once each: who creates a container goes on from there, and a stop is a death as well.
#: Health checks run inside containers: their exec events are not wanted.
EVENT_ACTIONS = ("start", "die", "oom", "destroy", "health_status")
#: An engine that says nothing for so long is asked again.
EVENT_SILENCE_S = 60
_LOG_SILENCE_S = 3600
_PULL_SILENCE_S = 300
_LOAD_SILENCE_S = 600
#: A stop answers when the container has ended: its timeout, and what the engine needs after SIGKILL.
_STOP_GRACE_S = 60
_LAST_WORDS = 5

_log = logging.getLogger(__name__)


class DockerRuntime:
    """The engine of this process (see engine.py). Safe for many threads at once."""

    # What is ----------------------------------------------------------------------------------------------------------

    def observe(self, scope: Scope) -> Observation:
        with engine_failures():
            listed = self._list(scope.labels) if scope.labels else []
            found = (self._inspect(each["Id"]) for each in listed)
            containers = [container_of_inspect(inspected) for inspected in found if inspected is not None]
            return Observation(
                # Docker lists by creation, so sort: plans must not depend on the daemon.
                containers=tuple(sorted(containers, key=lambda container: container.name)),
                networks=networks.find(scope.networks),
                images={name: image for name in scope.images if (image := self._image(name)) is not None},
                volumes=tuple(name for name in sorted(scope.volumes) if self._has_volume(name)),
                engine=engine_of_info(engine.client().info()) if scope.engine else None,
            )

    def find_containers(self, labels: Mapping[str, str]) -> Sequence[ObservedContainer]:
        """As listed: without times, health and exit codes, for one call however many there are."""
        with engine_failures():
            return sorted(map(container_of_list, self._list(labels)), key=lambda container: container.name)

    def find_networks(self, labels: Mapping[str, str]) -> Sequence[ObservedNetwork]:
        with engine_failures():
            found = map(network_of_inspect, engine.client().networks(filters=_label_filter(labels)))
            return sorted(found, key=lambda network: network.name)

    def find_volumes(self, labels: Mapping[str, str]) -> Sequence[ObservedVolume]:
        with engine_failures():
            listed = engine.client().volumes(filters=_label_filter(labels)).get("Volumes") or []
            return sorted(map(volume_of_inspect, listed), key=lambda volume: volume.name)

    # Images -----------------------------------------------------------------------------------------------------------

    def pull_image(
        self, image: str, credentials: RegistryCredentials | None, progress: Callable[[PullProgress], None]
    ) -> ObservedImage:
        try:
            with engine_failures():
                repository, tag = parse_repository_tag(image)
                response = engine.stream(
                    "POST",
                    "/images/create",
                    parameters={"fromImage": repository, "tag": tag or "latest"},
                    headers=_registry_header(repository, credentials),
                    silence_s=_PULL_SILENCE_S,
                )
                for message in _messages(response):
                    if "error" in message:
                        raise RuntimeFailure(worded("", message["error"]))
                    _report(message, progress)
                return image_of_inspect(engine.client().inspect_image(image), image)
        except RuntimeUnreachable:
            raise
        except RuntimeFailure as failure:
            reason = str(failure).removeprefix(worded("", ""))
            raise RuntimeFailure(cannot_pull(image, reason)) from failure

    def load_image(self, image: str, archive: Iterable[bytes]) -> ObservedImage:
        with engine_failures("CannotPullContainerError"):
            response = engine.stream(
                "POST",
                "/images/load",
                parameters={"quiet": "1"},
                headers={"Content-Type": "application/x-tar"},
                body=iter(archive),
                silence_s=_LOAD_SILENCE_S,
            )
            for message in _messages(response):
                if "error" in message:
                    raise RuntimeFailure(worded("CannotPullContainerError", message["error"]))
            return image_of_inspect(engine.client().inspect_image(image), image)

    # Networks ---------------------------------------------------------------------------------------------------------

    def create_network(self, spec: NetworkSpec) -> ObservedNetwork:
        return networks.create(spec)

    def remove_network(self, name: str) -> None:
        with engine_failures("CannotRemoveNetworkError"):
            try:
                engine.client().remove_network(name)
            except NotFound:
                return

    # Volumes ----------------------------------------------------------------------------------------------------------

    def create_volume(self, spec: VolumeSpec) -> None:
        """The engine's answer for a name that is there is that volume, as it is."""
        labels = {**spec.labels, LABEL_INSTANCE: settings.SIMFRA_INSTANCE}
        with engine_failures("CannotCreateVolumeError"):
            create = partial(engine.client().create_volume, spec.name, spec.driver, labels=labels)
            for options in volumes.options_of(spec):
                try:
                    create(driver_opts=options)
                except APIError as error:
                    if not volumes.lacks_quotas(error):
                        raise
                else:
                    return

    def remove_volume(self, name: str) -> None:
        with engine_failures("CannotRemoveVolumeError"):
            try:
                engine.client().remove_volume(name)
            except NotFound:
                return

    # Containers -------------------------------------------------------------------------------------------------------

    def create_container(self, spec: ContainerSpec) -> str:
        labels = {**spec.labels, LABEL_INSTANCE: settings.SIMFRA_INSTANCE}
        uplink = uplink_network_name(settings.SIMFRA_INSTANCE)
        if any(endpoint.network == uplink for endpoint in spec.endpoints):
            networks.ensure_uplink()
        with engine_failures("CannotCreateContainerError"):
            try:
                config = container_config(spec, labels, cgroups.parent_of(spec), self._log_socket(spec))
                created = engine.client().create_container_from_config(config, spec.name)
            except APIError as error:
                if error.status_code != 409:
                    raise
                container_id = self._adopt(spec)
            else:
                container_id = created["Id"]
                for endpoint in spec.endpoints[1:]:
                    self._connect(spec.name, endpoint.network, endpoint.address)
            if spec.files:
                engine.client().put_archive(container_id, "/", archive_of(spec.files))
        return container_id

    def start_container(self, name: str, ready_within_s: float | None = None) -> None:
        with engine_failures("CannotStartContainerError"):
            if ready_within_s is None:
                engine.client().start(name)
                return
            # Since the last run's end, not since the start: the engine notes that after the program's first words.
            ended_at = container_of_inspect(engine.client().inspect_container(name)).finished_at
            engine.client().start(name)
            since_ns = int(ended_at.timestamp() * 1_000_000) * 1000 if ended_at else 0
            self._await_ready(name, since_ns, ready_within_s)

    def stop_container(self, name: str, timeout_s: int) -> None:
        """Ask the engine, which waits for the container's end, from a thread of its own."""
        threading.Thread(target=self._stop, args=(name, timeout_s), name=f"stop {name}", daemon=True).start()

    def kill_container(self, name: str) -> None:
        with engine_failures():
            try:
                engine.client().kill(name, "SIGKILL")
            except APIError as error:
                # It is not there any more, or has ended.
                if error.status_code not in (404, 409):
                    raise

    def exhaust_memory(self, name: str) -> None:
        with engine_failures():
            memory.exhaust(engine.client().inspect_container(name))

    def remove_container(self, name: str) -> None:
        with engine_failures("CannotRemoveContainerError"):
            try:
                engine.client().remove_container(name, v=True, force=True)
            except NotFound:
                return
            except APIError as error:
                # Somebody else's removal of it is under way.
                if error.status_code != 409:
                    raise

    def configure_container(self, name: str, configuration: Mapping[str, Any]) -> None:
        with engine_failures("CannotConfigureContainerError"):
            inspected = engine.client().inspect_container(name)
        control.configure(inspected, configuration)

    # What happens -----------------------------------------------------------------------------------------------------

    def logs(self, name: str, since_ns: int, follow: bool) -> Iterator[LogLine]:
        with engine_failures():
            has_terminal = bool(engine.client().inspect_container(name)["Config"].get("Tty"))
            yield from self._lines(name, since_ns, follow, has_terminal, _LOG_SILENCE_S)

    def statistics(self, name: str) -> Mapping[str, Any] | None:
        """The engine's figures of a container, measured over a second; None where it does not run."""
        with engine_failures():
            try:
                measured: dict[str, Any] = engine.client().stats(name, stream=False)
            except NotFound:
                return None
        return None if measured["read"].startswith(NEVER) else measured

    def written_bytes(self, name: str) -> int | None:
        """What a container has on the disk besides its image and volumes; None where it is not there."""
        with engine_failures():
            found = engine.client().containers(all=True, size=True, filters={"name": f"^/{name}$"})
        return int(found[0].get("SizeRw", 0)) if found else None

    def events(self, since_ns: int) -> Iterator[RuntimeEvent]:
        """What happens to this instance's containers from a moment on, also in the past. Ends when the engine is
        silent for EVENT_SILENCE_S; raises RuntimeUnreachable when it goes away."""
        filters = {
            "type": ["container"],
            "event": list(EVENT_ACTIONS),
            "label": [f"{LABEL_INSTANCE}={settings.SIMFRA_INSTANCE}"],
        }
        parameters = {"since": timestamp(since_ns), "filters": json.dumps(filters)}
        with engine_failures():
            response = engine.stream("GET", "/events", parameters=parameters, silence_s=EVENT_SILENCE_S)
            try:
                for message in _messages(response):
                    yield _event(message)
            except requests.ConnectionError as error:
                if "Read timed out" not in str(error):
                    raise
            finally:
                response.close()

    # The parts --------------------------------------------------------------------------------------------------------

    def _list(self, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        return list(engine.client().containers(all=True, filters=_label_filter(labels)))

    def _inspect(self, container_id: str) -> dict[str, Any] | None:
        """A listed container, or None where it was removed meanwhile."""
        try:
            return dict(engine.client().inspect_container(container_id))
        except NotFound:
            return None

    def _image(self, name: str) -> ObservedImage | None:
        try:
            return image_of_inspect(engine.client().inspect_image(name), name)
        except ImageNotFound:
            return None

    def _log_socket(self, spec: ContainerSpec) -> str:
        """Where on its host the engine finds the socket that output is forwarded to."""
        if spec.forwards_log is None:
            return ""
        return f"{engine.client().inspect_volume(spec.forwards_log.volume)['Mountpoint']}/{spec.forwards_log.socket}"

    def _has_volume(self, name: str) -> bool:
        try:
            engine.client().inspect_volume(name)
        except NotFound:
            return False
        return True

    def _adopt(self, spec: ContainerSpec) -> str:
        """A container of this name exists: ours, from a round that was cut short. Finish what that began."""
        inspected = engine.client().inspect_container(spec.name)
        if (inspected["Config"].get("Labels") or {}).get(LABEL_INSTANCE) != settings.SIMFRA_INSTANCE:
            raise RuntimeFailure(worded("CannotCreateContainerError", f"The name {spec.name} is in use by another."))
        connected = inspected["NetworkSettings"]["Networks"]
        for endpoint in spec.endpoints:
            if endpoint.network not in connected:
                self._connect(spec.name, endpoint.network, endpoint.address)
        return str(inspected["Id"])

    def _connect(self, name: str, network: str, address: str | None) -> None:
        engine.client().connect_container_to_network(name, network, ipv4_address=address)

    def _await_ready(self, name: str, since_ns: int, within_s: float) -> None:
        """Wait for READY in the container's output since a moment."""
        deadline = time.monotonic() + within_s
        last_words: list[str] = []
        try:
            for line in self._lines(name, since_ns, True, False, within_s):
                if line.message.startswith(READY):
                    return
                last_words = [*last_words, line.message][-_LAST_WORDS:]
                if time.monotonic() > deadline:
                    break
            else:
                raise RuntimeFailure(
                    f"CannotStartContainerError: {name} ended before it was ready: {' / '.join(last_words)}"
                )
        except requests.ConnectionError as error:
            if "Read timed out" not in str(error):
                raise
        raise RuntimeFailure(
            f"CannotStartContainerError: {name} was not ready within {within_s:g} s: {' / '.join(last_words)}"
        )

    def _lines(self, name: str, since_ns: int, follow: bool, has_terminal: bool, silence_s: float) -> Iterator[LogLine]:
        parameters = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": int(follow), "since": timestamp(since_ns)}
        decoder = OutputDecoder(has_terminal=has_terminal)
        response = engine.stream("GET", f"/containers/{name}/logs", parameters=parameters, silence_s=silence_s)
        try:
            for data in response.iter_content(None):
                yield from decoder.feed(data)
            yield from decoder.finish()
        finally:
            response.close()

    def _stop(self, name: str, timeout_s: int) -> None:
        try:
            with engine_failures():
                engine.stream(
                    "POST",
                    f"/containers/{name}/stop",
                    parameters={"t": timeout_s},
                    silence_s=timeout_s + _STOP_GRACE_S,
                ).close()
        except RuntimeFailure as failure:
            # The round after this one sees whether the container still runs.
            _log.warning("stopping %s: %s", name, failure)


def _label_filter(labels: Mapping[str, str]) -> dict[str, list[str]]:
    """Objects of this instance with all these labels."""
    wanted = {**labels, LABEL_INSTANCE: settings.SIMFRA_INSTANCE}
    return {"label": [f"{name}={value}" for name, value in sorted(wanted.items())]}


def cannot_pull(image: str, reason: str) -> str:
    """``CannotPullContainerError`` as ECS words it.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
    """
    reference = _reference(image)
    return (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        f"failed to resolve ref {reference}: {reason}"
    )


def _reference(image: str) -> str:
    """An image's name in full: ``docker.io/library/busybox:latest``."""
    repository, tag = parse_repository_tag(image)
    registry, path = resolve_repository_name(repository)
    if registry == "docker.io" and "/" not in path:
        path = f"library/{path}"
    separator = "@" if tag and tag.startswith("sha256:") else ":"
    return f"{registry}/{path}{separator}{tag or 'latest'}"


def _registry_header(repository: str, credentials: RegistryCredentials | None) -> dict[str, str]:
    registry, _ = resolve_repository_name(repository)
    if credentials is None:
        # What `docker login` left in the configuration of who runs Simfra.
        header = get_config_header(engine.client(), registry)
        return {"X-Registry-Auth": header.decode() if isinstance(header, bytes) else header} if header else {}
    plain = json.dumps({"username": credentials.username, "password": credentials.password, "serveraddress": registry})
    return {"X-Registry-Auth": urlsafe_b64encode(plain.encode()).decode()}


def _report(message: Mapping[str, Any], progress: Callable[[PullProgress], None]) -> None:
    detail = message.get("progressDetail")
    if "id" in message and detail is not None:
        progress(
            PullProgress(
                layer=message["id"],
                status=message.get("status", ""),
                done_bytes=int(detail.get("current") or 0),
                total_bytes=int(detail.get("total") or 0),
            )
        )


def _messages(response: requests.Response) -> Iterator[dict[str, Any]]:
    """The JSON objects of an answer, one a line, as they come."""
    for line in response.iter_lines():
        if line.strip():
            yield json.loads(line)


def _event(message: Mapping[str, Any]) -> RuntimeEvent:
    actor = message["Actor"]
    attributes = actor.get("Attributes") or {}
    return RuntimeEvent(
        kind=attributes.get(LABEL_KIND, ""),
        key=attributes.get(LABEL_KEY, ""),
        container_id=actor["ID"],
        action=message["Action"],
        at_ns=int(message["timeNano"]),
    )
