"""What every ContainerRuntime promises, on the fake and on a real engine, so that the fake stays honest."""

import threading
import time
from itertools import islice

import pytest

from aws_api.core.containers import (
    ContainerState,
    HealthCheck,
    NetworkEndpoint,
    NetworkSpec,
    RuntimeFailure,
    Scope,
    VolumeSpec,
)
from aws_api.core.sidecars import bridge_name
from tests.contracts.conftest import Bench
from tests.support.fake_runtime import Program
from tests.support.waiting import wait_for


def test_a_container_is_created_started_and_seen(bench: Bench) -> None:
    spec = bench.spec("app")
    container_id = bench.runtime.create_container(spec)
    created = bench.see("app")
    assert created is not None
    assert (created.id, created.state, created.exit_code) == (container_id, ContainerState.CREATED, None)
    bench.runtime.start_container(spec.name)
    running = bench.see("app")
    assert running is not None
    assert running.state is ContainerState.RUNNING
    assert running.image == bench.image
    assert running.started_at is not None
    assert running.labels.items() >= bench.labels.items()


def test_creating_starting_stopping_and_removing_twice_is_harmless(bench: Bench) -> None:
    spec = bench.spec("app", "trap 'exit 143' TERM; while :; do sleep 0.1; done")
    first = bench.runtime.create_container(spec)
    assert bench.runtime.create_container(spec) == first
    bench.runtime.start_container(spec.name)
    bench.runtime.start_container(spec.name)
    bench.runtime.stop_container(spec.name, 10)
    bench.await_end("app")
    bench.runtime.stop_container(spec.name, 10)
    bench.runtime.remove_container(spec.name)
    bench.runtime.remove_container(spec.name)
    bench.runtime.stop_container(spec.name, 10)
    assert bench.see("app") is None


def test_the_exit_code_is_the_programs(bench: Bench) -> None:
    bench.run(bench.spec("app", "exit 3", Program(exit_code=3)))
    ended = bench.await_end("app")
    assert (ended.exit_code, ended.out_of_memory) == (3, False)
    assert ended.finished_at is not None


def test_a_program_that_heeds_sigterm_ends_with_143(bench: Bench) -> None:
    spec = bench.spec("app", "exec sleep 1000", init=True)
    bench.run(spec)
    bench.runtime.stop_container(spec.name, 20)
    assert bench.await_end("app", timeout_s=10).exit_code == 143


def test_a_program_that_ignores_sigterm_is_killed_after_the_timeout(bench: Bench) -> None:
    spec = bench.spec("app", "trap '' TERM; echo ready; sleep 1000", Program(output=("ready",), ignores_sigterm=True))
    bench.run(spec)
    wait_for(lambda: list(bench.runtime.logs(spec.name, 0, follow=False)), what="the trap")
    asked_at = time.monotonic()
    bench.runtime.stop_container(spec.name, 1)
    assert time.monotonic() - asked_at < 0.5, "stopping does not wait"
    assert bench.await_end("app", timeout_s=10).exit_code == 137


def test_a_program_that_is_not_there_cannot_be_started(bench: Bench) -> None:
    spec = bench.spec("app", program=Program(is_missing=True))
    if bench.image != "busybox":
        spec = bench.spec("app", entry_point=("/no/such/program",))
    bench.runtime.create_container(spec)
    with pytest.raises(RuntimeFailure, match=r"^CannotStartContainerError: Error response from daemon: .*"):
        bench.runtime.start_container(spec.name)
    seen = bench.see("app")
    assert seen is not None
    assert (seen.state, seen.exit_code) == (ContainerState.CREATED, 127)


def test_a_container_of_an_image_that_is_not_there_cannot_be_created(bench: Bench) -> None:
    bench.image = "simfra-test-nothing:1"
    with pytest.raises(RuntimeFailure, match=r"^CannotCreateContainerError: Error response from daemon: No such image"):
        bench.runtime.create_container(bench.spec("app"))


def test_output_is_told_by_stream_with_times_in_order(bench: Bench) -> None:
    program = Program(output=("one", "two"), errors=("oops",), exit_code=0)
    spec = bench.spec("app", "echo one; sleep 0.01; echo two; sleep 0.01; echo oops >&2", program)
    bench.run(spec)
    lines = list(bench.runtime.logs(spec.name, 0, follow=True))
    assert [line.message for line in lines if line.stream == "stdout"] == ["one", "two"]
    assert [line.message for line in lines if line.stream == "stderr"] == ["oops"]
    after_first = list(bench.runtime.logs(spec.name, lines[0].at_ns + 1, follow=False))
    assert after_first == lines[1:]


def test_observing_finds_by_labels_alone(bench: Bench) -> None:
    bench.runtime.create_container(bench.spec("b"))
    bench.runtime.create_container(bench.spec("a"))
    other = Bench(runtime=bench.runtime, image=bench.image)
    other.runtime.create_container(other.spec("c"))
    try:
        seen = bench.runtime.observe(Scope(labels=bench.labels, images=(bench.image, "simfra-test-nothing:1")))
        assert [container.name for container in seen.containers] == [bench.name("a"), bench.name("b")]
        assert list(seen.images) == [bench.image]
        assert [found.name for found in bench.runtime.find_containers(bench.labels)] == [
            bench.name("a"),
            bench.name("b"),
        ]
    finally:
        bench.runtime.remove_container(other.name("c"))


def test_events_tell_whose_container_started_and_died_also_afterwards(bench: Bench) -> None:
    began_ns = time.time_ns()
    bench.run(bench.spec("app", "exit 0", Program(exit_code=0)))
    bench.await_end("app")
    mine = (event for event in bench.runtime.events(began_ns) if event.key == bench.key)
    events = list(islice(mine, 2))
    assert [event.action for event in events] == ["start", "die"]
    assert {event.kind for event in events} == {"test.thing"}
    assert events[0].at_ns >= began_ns


def test_events_come_as_they_happen(bench: Bench) -> None:
    spec = bench.spec("app")
    bench.runtime.create_container(spec)
    seen: list[str] = []

    def follow(since_ns: int) -> None:
        for event in bench.runtime.events(since_ns):
            if event.key == bench.key:
                seen.append(event.action)
                return

    following = threading.Thread(target=follow, args=(time.time_ns(),), daemon=True)
    following.start()
    bench.runtime.start_container(spec.name)
    following.join(10)
    assert seen == ["start"]


def test_an_image_that_no_registry_has_cannot_be_pulled(bench: Bench) -> None:
    image = "localhost:9/nothing/here:1"
    if bench.image == "busybox":
        reason = f"pull image manifest has been retried 1 time(s): failed to resolve ref {image}: connection refused"
        bench.runtime.fail("pull_image", image, f"CannotPullContainerError: {reason}")  # type: ignore[attr-defined]
    with pytest.raises(RuntimeFailure) as caught:
        bench.runtime.pull_image(image, None, lambda _: None)
    expected = (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        "failed to resolve ref localhost:9/nothing/here:1: "
    )
    assert str(caught.value).startswith(expected)
    assert "connection refused" in str(caught.value)


def test_a_network_is_made_once_on_a_subnet_of_its_own(bench: Bench) -> None:
    def spec(alias: str) -> NetworkSpec:
        name = bench.name(alias)
        return NetworkSpec(name=name, bridge_name=bridge_name("test", name), labels=bench.labels)

    first = bench.runtime.create_network(spec("one"))
    second = bench.runtime.create_network(spec("two"))
    assert bench.runtime.create_network(spec("one")) == first
    assert first.subnet != second.subnet
    assert first.subnet.endswith("/22")
    seen = bench.runtime.observe(Scope(labels=bench.labels, networks=(first.name, "simfra-test-nothing")))
    assert seen.networks == (first,)
    address = first.subnet.replace(".0/22", ".9")
    app = bench.spec("app", endpoints=(NetworkEndpoint(network=first.name, address=address),), network_mode=None)
    bench.run(app)
    placed = bench.see("app")
    assert placed is not None
    assert placed.addresses == {first.name: address}
    bench.runtime.remove_container(app.name)
    for name in (first.name, second.name, first.name):
        bench.runtime.remove_network(name)
    assert bench.runtime.find_networks(bench.labels) == []


def test_a_volume_is_made_once_seen_and_removed(bench: Bench) -> None:
    name = bench.name("data")
    spec = VolumeSpec(name=name, labels=bench.labels)
    bench.runtime.create_volume(spec)
    bench.runtime.create_volume(spec)
    seen = bench.runtime.observe(Scope(labels=bench.labels, volumes=(name, "simfra-test-nothing")))
    assert seen.volumes == (name,)
    assert [volume.name for volume in bench.runtime.find_volumes(bench.labels)] == [name]
    bench.runtime.remove_volume(name)
    bench.runtime.remove_volume(name)
    assert bench.runtime.observe(Scope(labels=bench.labels, volumes=(name,))).volumes == ()


def test_the_engine_says_what_it_is(bench: Bench) -> None:
    engine = bench.runtime.observe(Scope(labels=bench.labels, engine=True)).engine
    assert engine is not None
    assert engine.architecture in ("x86_64", "arm64")
    assert engine.cpus > 0
    assert engine.memory_bytes > 1 << 20
    assert bench.runtime.observe(Scope(labels=bench.labels)).engine is None


def test_a_health_check_comes_out_healthy(bench: Bench) -> None:
    check = HealthCheck(command=("CMD-SHELL", "true"), interval_s=0.1, timeout_s=5, retries=1)
    spec = bench.spec("app", health_check=check)
    bench.run(spec)
    if bench.image == "busybox":
        bench.runtime.set_health(spec.name, "healthy")  # type: ignore[attr-defined]
    wait_for(lambda: (seen := bench.see("app")) and seen.health == "healthy", what="the health check")


def test_a_container_that_is_not_running_cannot_be_configured(bench: Bench) -> None:
    spec = bench.spec("app")
    bench.runtime.create_container(spec)
    with pytest.raises(RuntimeFailure, match="cannot be configured: it is not running"):
        bench.runtime.configure_container(spec.name, {})


def test_a_container_is_ready_when_it_says_so_in_this_run_of_it(bench: Bench) -> None:
    script = "[ -e /tmp/again ] && sleep 0.5; touch /tmp/again; echo READY; exec sleep 1000"
    spec = bench.spec("app", script, Program(output=("READY",)), ready_within_s=20)
    for _ in range(3):
        bench.run(spec)
        bench.runtime.stop_container(spec.name, 0)
        bench.await_end("app")
    lines = [line.message for line in bench.runtime.logs(spec.name, 0, follow=False)]
    assert lines == ["READY"] * 3


@pytest.mark.parametrize("bench", [pytest.param("docker", marks=pytest.mark.docker)], indirect=True)
def test_a_container_that_never_gets_ready_cannot_be_started(bench: Bench) -> None:
    ends = bench.spec("ends", "echo it went wrong >&2; exit 1", ready_within_s=20)
    with pytest.raises(RuntimeFailure, match=r"ends ended before it was ready: it went wrong$"):
        bench.run(ends)
    hangs = bench.spec("hangs", "echo wait; sleep 1000", ready_within_s=1)
    with pytest.raises(RuntimeFailure, match=r"hangs was not ready within 1 s: wait$"):
        bench.run(hangs)


def test_figures_are_those_of_a_container_that_runs(bench: Bench) -> None:
    spec = bench.spec("app")
    assert bench.runtime.statistics(spec.name) is None
    bench.runtime.create_container(spec)
    assert bench.runtime.statistics(spec.name) is None
    bench.runtime.start_container(spec.name)
    figures = bench.runtime.statistics(spec.name)
    assert figures is not None
    assert figures["name"] == f"/{spec.name}"
    assert figures["memory_stats"]["usage"] > 0
    bench.runtime.stop_container(spec.name, 0)
    bench.await_end("app")
    assert bench.runtime.statistics(spec.name) is None


def test_what_a_container_wrote_is_counted_while_it_is_there(bench: Bench) -> None:
    spec = bench.spec("app", "head -c 3145728 /dev/zero > /written; sleep 1000")
    assert bench.runtime.written_bytes(spec.name) is None
    bench.run(spec)
    wait_for(lambda: (bench.runtime.written_bytes(spec.name) or 0) >= 3 * 1024 * 1024, what="what it writes")
    bench.runtime.kill_container(spec.name)
    bench.runtime.remove_container(spec.name)
    assert bench.runtime.written_bytes(spec.name) is None
