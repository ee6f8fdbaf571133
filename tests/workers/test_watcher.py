"""The watcher: what happens on the engine is kicked, and what containers say arrives, also after a restart."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from aws_api.core import log_tail
from aws_api.core.containers import (
    LABEL_KEY,
    LABEL_KIND,
    LABEL_ROLE,
    ContainerRuntime,
    ContainerSpec,
    RuntimeFailure,
    Scope,
)
from aws_api.core.execution import process_loop, run_on_loop
from aws_api.core.sidecars import ROLE_APPLICATION
from aws_api.services.ecs.models import Task
from tests.support.fake_runtime import FakeRuntime
from tests.support.images import busybox_image
from tests.support.waiting import wait_for
from workers import hints, log_drain
from workers.models import LogCursor
from workers.watcher import EventFollower, watch

Kicks = list[tuple[str, str]]
KIND = "test.watched"


def spec(key: str, script: str, image: str = "thing:1") -> ContainerSpec:
    labels = {LABEL_KIND: KIND, LABEL_KEY: key, LABEL_ROLE: ROLE_APPLICATION}
    name = f"simfra-test-watched-{key}"
    return ContainerSpec(name=name, image=image, labels=labels, command=("sh", "-c", script), network_mode="none")


def run(runtime: ContainerRuntime, made: ContainerSpec) -> str:
    container_id = runtime.create_container(made)
    runtime.start_container(made.name)
    return container_id


@contextmanager
def watching() -> Iterator[None]:
    """A watcher on the process's event loop."""
    stop = asyncio.Event()
    watcher = asyncio.run_coroutine_threadsafe(watch(stop), process_loop())
    try:
        yield
        assert not watcher.done(), watcher.result()
    finally:
        process_loop().call_soon_threadsafe(stop.set)
        watcher.result(20)


def tail(name: str) -> list[str]:
    return [entry.line.message for entry in run_on_loop(log_tail.read(name))]


def test_what_happens_is_kicked_and_what_happened_before_as_well(
    engine: FakeRuntime, key: str, kicks: Kicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.docker.host.prepare", lambda: None)
    run(engine, spec(f"{key}-before", ""))
    follower = EventFollower(engine, on_containers=lambda: None)
    follower.start()
    wait_for(lambda: (KIND, f"{key}-before") in kicks, what="the kick of what was there")
    run(engine, spec(f"{key}-new", ""))
    wait_for(lambda: kicks.count((KIND, f"{key}-new")) == 1, what="the kick of its start")
    engine.is_unreachable = True
    engine.is_unreachable = False
    engine.end(f"simfra-test-watched-{key}-new", 1)
    wait_for(lambda: kicks.count((KIND, f"{key}-new")) >= 2, what="the kick of the end")
    follower.stop()


def test_a_task_whose_containers_went_while_nobody_watched_is_kicked(
    engine: FakeRuntime, aws: Callable[..., Any], kicks: Kicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.docker.host.prepare", lambda: None)
    ecs = aws("ecs")
    container = {"name": "app", "image": "thing:1", "memory": 64}
    ecs.register_task_definition(family="gone", networkMode="none", containerDefinitions=[container])
    arn = ecs.run_task(taskDefinition="gone")["tasks"][0]["taskArn"]
    Task.objects.filter(arn=arn).update(last_status="RUNNING")
    kicks.clear()
    follower = EventFollower(engine, on_containers=lambda: None)
    follower.start()
    wait_for(lambda: ("ecs.task", arn) in kicks, what="the kick of what should run")
    follower.stop()


@pytest.mark.docker
def test_output_arrives_live_and_whole_across_a_restart_of_the_watcher(
    docker_settings: None, key: str, kicks: Kicks
) -> None:
    from workers.docker.runtime import DockerRuntime

    runtime = DockerRuntime()
    script = "for n in 1 2 3; do echo line $n; done; trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done"
    made = spec(key, script, busybox_image())
    try:
        with watching():
            container_id = run(runtime, made)
            wait_for(lambda: tail(made.name) == ["line 1", "line 2", "line 3"], what="the first lines")
            wait_for(lambda: (KIND, key) in kicks, what="a kick")
        with watching():
            runtime.stop_container(made.name, 20)
            wait_for(lambda: LogCursor.objects.filter(container_id=container_id, finished=True), what="the end")
        assert tail(made.name) == ["line 1", "line 2", "line 3", "bye"]
    finally:
        runtime.remove_container(made.name)


@pytest.mark.docker
def test_a_container_is_not_removed_before_its_last_words_were_shipped(
    docker_settings: None, key: str, kicks: Kicks
) -> None:

    from workers.docker.runtime import DockerRuntime

    runtime = DockerRuntime()
    made = spec(key, "i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo $i; done", busybox_image())
    with watching():
        wait_for(lambda: hints.is_marked(log_drain.ALIVE_MARK), what="the watcher")
        run(runtime, made)

        def ended() -> bool:
            seen = runtime.observe(Scope(labels=made.labels)).container(made.name)
            return seen is not None and seen.exit_code == 0

        wait_for(ended, what="the container to end")
        log_drain.wait(runtime.observe(Scope(labels=made.labels)).container(made.name))
        runtime.remove_container(made.name)
    assert tail(made.name) == [str(number) for number in range(1, 501)]


@pytest.mark.parametrize("method", ["find_containers", "events"])
def test_one_refusal_of_the_engine_does_not_end_the_following_of_its_events(
    engine: FakeRuntime, key: str, kicks: Kicks, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr("workers.docker.host.prepare", lambda: None)
    sound, refusals = getattr(engine, method), [RuntimeFailure("Error response from daemon: a bad moment")]

    def once_refused(*arguments: object) -> object:
        if refusals:
            raise refusals.pop()
        return sound(*arguments)

    monkeypatch.setattr(engine, method, once_refused)
    follower = EventFollower(engine, on_containers=lambda: None)
    follower.start()
    wait_for(lambda: not refusals, what="the refusal")
    run(engine, spec(key, ""))
    wait_for(lambda: (KIND, key) in kicks, what="a kick")
    follower.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_the_watcher_ends_when_nobody_follows_events_any_more(
    docker_settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise TypeError("a bug")

    monkeypatch.setattr("workers.docker.host.prepare", broken)
    with pytest.raises(RuntimeError, match="not followed any more"):
        await asyncio.wait_for(watch(asyncio.Event()), 20)


@pytest.mark.docker
@pytest.mark.parametrize(("size", "has_terminal"), [(7, False), (20_000, False), (7, True)])
def test_a_last_line_without_a_line_feed_arrives_whole_and_once(
    docker_settings: None, key: str, kicks: Kicks, size: int, has_terminal: bool
) -> None:
    from workers.docker.runtime import DockerRuntime

    runtime = DockerRuntime()
    script = f"echo first; sleep 0.3; head -c {size} /dev/zero | tr '\\0' x"
    made = replace(spec(key, script, busybox_image()), terminal=has_terminal)
    try:
        with watching():
            container_id = run(runtime, made)
            wait_for(lambda: LogCursor.objects.filter(container_id=container_id, finished=True), what="the end")
        assert tail(made.name) == ["first", "x" * size]
    finally:
        runtime.remove_container(made.name)
