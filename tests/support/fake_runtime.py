"""A scripted container runtime in memory. What programs do, and what fails, is data.

``programs`` maps a command to what it does when it is started; ``failures`` maps a method and its subject
(``"pull_image", "nope:1"``) to the reason that it fails with, once for each entry.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from aws_api.core.containers import (
    LABEL_INSTANCE,
    LABEL_KEY,
    LABEL_KIND,
    ContainerSpec,
    ContainerState,
    LogLine,
    NetworkSpec,
    Observation,
    ObservedContainer,
    ObservedEngine,
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

INSTANCE = "fake"


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a command does: says lines, then ends with ``exit_code``, or runs on where that is None."""

    output: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    exit_code: int | None = None
    ignores_sigterm: bool = False
    is_missing: bool = False


@dataclass
class _Container:
    seen: ObservedContainer
    spec: ContainerSpec
    lines: list[LogLine] = field(default_factory=list)
    ends_at: float | None = None


class FakeRuntime:
    """A ContainerRuntime without an engine. Its containers run what ``programs`` says of their command."""

    def __init__(self, *, images: Iterable[str] = ()) -> None:
        self.programs: dict[tuple[str, ...] | None, Program] = {}
        self.failures: dict[tuple[str, str], list[str]] = {}
        self.is_unreachable = False
        #: What was called, as ``create_container app``.
        self.calls: list[str] = []
        self.configurations: dict[str, Mapping[str, Any]] = {}
        #: Set this to let pulls take until it is set.
        self.pull_gate: threading.Event | None = None
        self._containers: dict[str, _Container] = {}
        self._networks: dict[str, ObservedNetwork] = {}
        self._images = {name: _image(name) for name in images}
        self._volumes: dict[str, ObservedVolume] = {}
        self.engine = ObservedEngine(
            id="fake",
            name="fake",
            version="1",
            operating_system="linux",
            architecture="x86_64",
            cpus=4,
            memory_bytes=8 << 30,
        )
        self._events: list[RuntimeEvent] = []
        self._changed = threading.Condition(threading.RLock())
        self._ids = 0
        self._at_ns = time.time_ns()

    # Scripting --------------------------------------------------------------------------------------------------------

    def fail(self, method: str, subject: str, reason: str) -> None:
        """Let the next call of a method for a subject fail."""
        self.failures.setdefault((method, subject), []).append(reason)

    def end(self, name: str, exit_code: int, *, out_of_memory: bool = False) -> None:
        """End a running container."""
        with self._changed:
            self._end(self._containers[name], exit_code, out_of_memory=out_of_memory)

    def say(self, name: str, message: str, stream: str = "stdout") -> None:
        """Let a container print a line."""
        with self._changed:
            self._containers[name].lines.append(LogLine(at_ns=self._now_ns(), stream=stream, message=message))
            self._changed.notify_all()

    def set_health(self, name: str, health: str) -> None:
        """Let a container's health check come out."""
        with self._changed:
            container = self._containers[name]
            container.seen = replace(container.seen, health=health)
            self._tell(container, f"health_status: {health}")

    def add_image(self, name: str) -> None:
        """Have an image on the engine."""
        self._images[name] = _image(name)

    @property
    def volumes(self) -> list[str]:
        """The volumes that exist."""
        return sorted(self._volumes)

    @property
    def names(self) -> list[str]:
        """The containers that exist."""
        return sorted(self._containers)

    # The port ---------------------------------------------------------------------------------------------------------

    def observe(self, scope: Scope) -> Observation:
        with self._called("observe"):
            return Observation(
                containers=tuple(self._matching(scope.labels)) if scope.labels else (),
                networks=tuple(self._networks[name] for name in sorted(scope.networks) if name in self._networks),
                images={name: self._images[name] for name in scope.images if name in self._images},
                volumes=tuple(name for name in sorted(scope.volumes) if name in self._volumes),
                engine=self.engine if scope.engine else None,
            )

    def find_containers(self, labels: Mapping[str, str]) -> Sequence[ObservedContainer]:
        with self._called("find_containers"):
            return [
                replace(seen, exit_code=None, health=None, created_at=None, started_at=None, finished_at=None, ports=())
                for seen in self._matching(labels)
            ]

    def find_networks(self, labels: Mapping[str, str]) -> Sequence[ObservedNetwork]:
        with self._called("find_networks"):
            return [
                network for _, network in sorted(self._networks.items()) if labels.items() <= network.labels.items()
            ]

    def find_volumes(self, labels: Mapping[str, str]) -> Sequence[ObservedVolume]:
        with self._called("find_volumes"):
            return [volume for _, volume in sorted(self._volumes.items()) if labels.items() <= volume.labels.items()]

    def pull_image(
        self, image: str, credentials: RegistryCredentials | None, progress: Callable[[PullProgress], None]
    ) -> ObservedImage:
        if self.pull_gate is not None:
            progress(PullProgress(layer="layer", status="Downloading", done_bytes=1, total_bytes=2))
            assert self.pull_gate.wait(20), "the pull was never let go"
        with self._called("pull_image", image):
            progress(PullProgress(layer="layer", status="Pull complete", done_bytes=2, total_bytes=2))
            return self._images.setdefault(image, _image(image))

    def load_image(self, image: str, archive: Iterable[bytes]) -> ObservedImage:
        content = b"".join(archive)
        with self._called("load_image", image):
            loaded = ObservedImage(id=f"sha256:{hashlib.sha256(content).hexdigest()}")
            self._images[image] = loaded
            return loaded

    def create_network(self, spec: NetworkSpec) -> ObservedNetwork:
        with self._called("create_network", spec.name):
            made = ObservedNetwork(
                id=self._new_id(),
                name=spec.name,
                subnet=f"100.80.{4 * len(self._networks)}.0/{spec.backing_prefix}",
                labels={**spec.labels, LABEL_INSTANCE: INSTANCE},
            )
            return self._networks.setdefault(spec.name, made)

    def remove_network(self, name: str) -> None:
        with self._called("remove_network", name):
            self._networks.pop(name, None)

    def create_volume(self, spec: VolumeSpec) -> None:
        with self._called("create_volume", spec.name):
            made = ObservedVolume(name=spec.name, labels={**spec.labels, LABEL_INSTANCE: INSTANCE})
            self._volumes.setdefault(spec.name, made)

    def remove_volume(self, name: str) -> None:
        with self._called("remove_volume", name):
            self._volumes.pop(name, None)

    def create_container(self, spec: ContainerSpec) -> str:
        with self._called("create_container", spec.name):
            existing = self._containers.get(spec.name)
            if existing is not None:
                return existing.seen.id
            if spec.image not in self._images:
                raise RuntimeFailure(
                    f"CannotCreateContainerError: Error response from daemon: No such image: {spec.image}"
                )
            seen = ObservedContainer(
                id=self._new_id(),
                name=spec.name,
                image=spec.image,
                image_id=self._images[spec.image].id,
                state=ContainerState.CREATED,
                labels={**spec.labels, LABEL_INSTANCE: INSTANCE},
                created_at=datetime.now(UTC),
                addresses={end.network: end.address or "" for end in spec.endpoints},
                ports=spec.ports,
            )
            for mount in spec.mounts:
                if mount.type == "volume":
                    self._volumes.setdefault(mount.source, ObservedVolume(name=mount.source, labels={}))
            self._containers[spec.name] = _Container(seen=seen, spec=spec)
            return seen.id

    def start_container(self, name: str, ready_within_s: float | None = None) -> None:
        with self._called("start_container", name):
            container = self._find(name, "CannotStartContainerError")
            if container.seen.state is ContainerState.RUNNING:
                return
            program = self.programs.get(container.spec.command, Program())
            if program.is_missing:
                command = (container.spec.command or ("",))[0]
                container.seen = replace(container.seen, exit_code=127, error="executable file not found in $PATH")
                raise RuntimeFailure(
                    "CannotStartContainerError: Error response from daemon: "
                    f'exec: "{command}": executable file not found in $PATH: unknown'
                )
            container.seen = replace(
                container.seen,
                state=ContainerState.RUNNING,
                started_at=datetime.now(UTC),
                exit_code=None,
                finished_at=None,
                health="starting" if container.spec.health_check else None,
            )
            self._tell(container, "start")
            for stream, messages in (("stdout", program.output), ("stderr", program.errors)):
                container.lines += [LogLine(at_ns=self._now_ns(), stream=stream, message=each) for each in messages]
            if program.exit_code is not None:
                self._end(container, program.exit_code)

    def stop_container(self, name: str, timeout_s: int) -> None:
        with self._called("stop_container", name):
            container = self._containers.get(name)
            if container is None or container.seen.state is not ContainerState.RUNNING:
                return
            if timeout_s == 0:
                self._end(container, 137)
            elif not self.programs.get(container.spec.command, Program()).ignores_sigterm:
                self._end(container, 143)
            elif container.ends_at is None:
                container.ends_at = time.monotonic() + timeout_s

    def kill_container(self, name: str) -> None:
        with self._called("kill_container", name):
            self._end_if_running(name, out_of_memory=False)

    def exhaust_memory(self, name: str) -> None:
        with self._called("exhaust_memory", name):
            self._end_if_running(name, out_of_memory=True)

    def remove_container(self, name: str) -> None:
        with self._called("remove_container", name):
            container = self._containers.pop(name, None)
            if container is not None:
                if container.seen.state is ContainerState.RUNNING:
                    self._end(container, 137)
                self._tell(container, "destroy")

    def configure_container(self, name: str, configuration: Mapping[str, Any]) -> None:
        with self._called("configure_container", name):
            container = self._find(name, "CannotConfigureContainerError")
            if container.seen.state is not ContainerState.RUNNING:
                raise RuntimeFailure(f"{name} cannot be configured: it is not running")
            self.configurations[name] = configuration

    def logs(self, name: str, since_ns: int, follow: bool) -> Iterator[LogLine]:
        position = 0
        while True:
            with self._changed:
                container = self._find(name, "")
                is_over = not follow or container.seen.state is not ContainerState.RUNNING
                lines, position = container.lines[position:], len(container.lines)
                if not lines and not is_over:
                    self._changed.wait(0.05)
            yield from (line for line in lines if line.at_ns >= since_ns)
            if is_over:
                return

    def statistics(self, name: str) -> Mapping[str, Any] | None:
        with self._called("statistics", name):
            container = self._containers.get(name)
            if container is None or container.seen.state is not ContainerState.RUNNING:
                return None
            figures: dict[str, Any] = {"id": container.seen.id, "name": f"/{name}", "memory_stats": {"usage": 4096}}
            if container.spec.network_of is None:
                figures["networks"] = {"eth0": {"rx_bytes": 1, "tx_bytes": 2}}
            return figures

    def written_bytes(self, name: str) -> int | None:
        with self._called("written_bytes", name):
            return 3 * 1024 * 1024 if name in self._containers else None

    def events(self, since_ns: int) -> Iterator[RuntimeEvent]:
        position, deadline = 0, time.monotonic() + 5
        while time.monotonic() < deadline:
            with self._changed:
                if self.is_unreachable:
                    raise RuntimeUnreachable("The fake engine does not answer.")
                events, position = self._events[position:], len(self._events)
                if not events:
                    self._changed.wait(0.05)
            for event in events:
                if event.at_ns >= since_ns:
                    yield event

    # The parts --------------------------------------------------------------------------------------------------------

    def _end_if_running(self, name: str, *, out_of_memory: bool) -> None:
        container = self._containers.get(name)
        if container is not None and container.seen.state is ContainerState.RUNNING:
            self._end(container, 137, out_of_memory=out_of_memory)

    def _called(self, method: str, subject: str = "") -> threading.Condition:
        """Note a call; raise what is scripted for it."""
        if self.is_unreachable:
            raise RuntimeUnreachable("The fake engine does not answer.")
        with self._changed:
            if subject:
                self.calls.append(f"{method} {subject}")
            if reasons := self.failures.get((method, subject)):
                raise RuntimeFailure(reasons.pop(0))
            for container in self._containers.values():
                if container.ends_at is not None and time.monotonic() >= container.ends_at:
                    self._end(container, 137)
        return self._changed

    def _matching(self, labels: Mapping[str, str]) -> list[ObservedContainer]:
        every = [self._containers[name].seen for name in sorted(self._containers)]
        return [seen for seen in every if labels.items() <= seen.labels.items()]

    def _find(self, name: str, code: str) -> _Container:
        if name not in self._containers:
            reason = f"Error response from daemon: No such container: {name}"
            raise RuntimeFailure(f"{code}: {reason}" if code else reason)
        return self._containers[name]

    def _end(self, container: _Container, exit_code: int, *, out_of_memory: bool = False) -> None:
        container.ends_at = None
        container.seen = replace(
            container.seen,
            state=ContainerState.EXITED,
            exit_code=exit_code,
            finished_at=datetime.now(UTC),
            out_of_memory=out_of_memory,
        )
        self._tell(container, "die")

    def _tell(self, container: _Container, action: str) -> None:
        self._events.append(
            RuntimeEvent(
                kind=container.seen.labels.get(LABEL_KIND, ""),
                key=container.seen.labels.get(LABEL_KEY, ""),
                container_id=container.seen.id,
                action=action,
                at_ns=self._now_ns(),
            )
        )
        self._changed.notify_all()

    def _now_ns(self) -> int:
        self._at_ns = max(self._at_ns + 1, time.time_ns())
        return self._at_ns

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:064x}"


def _image(name: str) -> ObservedImage:
    return ObservedImage(id=f"sha256:{hashlib.sha256(name.encode()).hexdigest()}")
