"""One suite, two runtimes: the fake, and the real engine where there is one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from aws_api.core.containers import (
    LABEL_KEY,
    LABEL_KIND,
    ContainerRuntime,
    ContainerSpec,
    ContainerState,
    ObservedContainer,
    Scope,
)
from aws_api.core.ids import new_hex_id
from tests.support.docker_engine import docker_settings
from tests.support.fake_runtime import FakeRuntime, Program
from tests.support.waiting import wait_for

__all__ = ["docker_settings"]

KIND = "test.thing"


@dataclass
class Bench:
    """A runtime, and things of one key on it. ``spec`` makes a container that runs a program of both worlds."""

    runtime: ContainerRuntime
    image: str
    key: str = field(default_factory=lambda: new_hex_id(digits=12))

    @property
    def labels(self) -> dict[str, str]:
        return {LABEL_KIND: KIND, LABEL_KEY: self.key}

    def name(self, alias: str) -> str:
        return f"simfra-test-{self.key}-{alias}"

    def spec(
        self, alias: str, script: str = "sleep 1000", program: Program | None = None, **options: Any
    ) -> ContainerSpec:
        """A container that runs a shell script on the real engine, and on the fake what ``program`` says of it."""
        command = ("sh", "-c", script)
        if isinstance(self.runtime, FakeRuntime):
            self.runtime.programs[command] = program or Program()
        options.setdefault("network_mode", "none")
        return ContainerSpec(name=self.name(alias), image=self.image, labels=self.labels, command=command, **options)

    def run(self, spec: ContainerSpec) -> None:
        self.runtime.create_container(spec)
        self.runtime.start_container(spec.name, spec.ready_within_s)

    def see(self, alias: str) -> ObservedContainer | None:
        return self.runtime.observe(Scope(labels=self.labels)).container(self.name(alias))

    def await_end(self, alias: str, timeout_s: float = 20) -> ObservedContainer:
        def ended() -> ObservedContainer | None:
            seen = self.see(alias)
            return seen if seen is not None and seen.state is ContainerState.EXITED else None

        seen = wait_for(ended, timeout_s=timeout_s, what=f"{alias} to end")
        assert seen is not None
        return seen


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.docker)])
def bench(request: pytest.FixtureRequest, database: None) -> Iterator[Bench]:
    """A runtime with an image that has a shell."""
    if request.param == "fake":
        yield Bench(runtime=FakeRuntime(images=["busybox"]), image="busybox")
        return
    request.getfixturevalue("docker_settings")
    from tests.support.images import busybox_image
    from workers.docker.runtime import DockerRuntime

    bench = Bench(runtime=DockerRuntime(), image=busybox_image())
    yield bench
    for container in bench.runtime.find_containers(bench.labels):
        bench.runtime.remove_container(container.name)
    for network in bench.runtime.find_networks(bench.labels):
        bench.runtime.remove_network(network.name)
