"""The loop: whatever is lost, comes twice or breaks off, things end as they should be."""

import logging
from datetime import UTC, datetime

import pytest

from aws_api.core.containers import ContainerSpec, ContainerState, NetworkSpec
from aws_api.core.models import PlanRecord
from aws_api.core.reconcile import Round
from tests.support.fake_runtime import FakeRuntime, Program
from tests.workers.conftest import leave_lease
from tests.workers.things import KIND, Thing, ThingController, container_name
from workers import garbage, jobs, leases
from workers.loop import reconcile
from workers.models import Lease
from workers.runtimes import NullRuntime

Kicks = list[tuple[str, str]]


def test_a_wanted_thing_runs_after_one_kick(things: ThingController, engine: FakeRuntime, key: str) -> None:
    thing = things.things[key] = Thing()
    assert reconcile(KIND, key, engine) == 30
    assert thing.last == "RUNNING"
    assert [str(plan) for plan in (made.plan for made in thing.rounds) if plan] == [
        "PullImage thing:1: it is wanted\n"
        f"CreateContainer {container_name(key)}: it is wanted\n"
        f"StartContainer {container_name(key)}: it is there"
    ]
    assert not Lease.objects.filter(kind=KIND, key=key).exists()


def test_a_kick_that_comes_twice_changes_nothing(things: ThingController, engine: FakeRuntime, key: str) -> None:
    things.things[key] = Thing()
    reconcile(KIND, key, engine)
    calls = list(engine.calls)
    reconcile(KIND, key, engine)
    assert engine.calls == calls


def test_a_plan_is_written_down_once_with_why_it_failed(things: ThingController, engine: FakeRuntime, key: str) -> None:
    engine.fail("start_container", container_name(key), "CannotStartContainerError: no")
    thing = things.things[key] = Thing()
    reconcile(KIND, key, engine)
    records = PlanRecord.objects.filter(kind=KIND, key=key).order_by("at")
    assert [(record.text.splitlines()[-1], record.failure) for record in records] == [
        (f"StartContainer {container_name(key)}: it is there", "CannotStartContainerError: no"),
        (f"RemoveContainer {container_name(key)}: it has ended", ""),
    ]
    assert thing.failures == ["CannotStartContainerError: no"]
    assert engine.names == []


def test_a_thing_that_is_gone_needs_nothing(things: ThingController, engine: FakeRuntime, key: str) -> None:
    assert reconcile(KIND, key, engine) is None
    assert engine.calls == []


def test_a_container_that_a_dead_worker_created_is_adopted(
    things: ThingController, engine: FakeRuntime, key: str
) -> None:
    thing = things.things[key] = Thing()
    leave_lease(KIND, key, lapses_in_s=10)
    labels = {"simfra.kind": KIND, "simfra.key": key}
    made = engine.create_container(ContainerSpec(name=container_name(key), image=thing.image, labels=labels))
    reconcile(KIND, key, engine)
    assert thing.last == "NEW", "the dead worker's lease still holds"
    leave_lease(KIND, key, lapses_in_s=-1)
    reconcile(KIND, key, engine)
    assert thing.last == "RUNNING"
    (seen,) = engine.find_containers(labels)
    assert seen.id == made


def test_a_container_that_ended_while_nobody_looked_is_found(
    things: ThingController, engine: FakeRuntime, key: str
) -> None:
    thing = things.things[key] = Thing()
    reconcile(KIND, key, engine)
    engine.end(container_name(key), 1)
    thing.wanted = False
    reconcile(KIND, key, engine)
    assert (thing.last, engine.names) == ("GONE", [])


def test_a_kick_that_comes_meanwhile_makes_another_round(
    things: ThingController, engine: FakeRuntime, key: str
) -> None:
    thing = things.things[key] = Thing()
    record = things.record

    def stop_meanwhile(desired: tuple[str, Thing], outcome: Round) -> None:
        record(desired, outcome)
        if thing.last == "RUNNING" and thing.wanted:
            thing.wanted = False
            assert reconcile(KIND, key, engine) is None

    things.record = stop_meanwhile  # type: ignore[method-assign]
    reconcile(KIND, key, engine)
    assert (thing.last, engine.names) == ("GONE", [])


def test_a_stop_is_asked_for_once_and_looked_after(things: ThingController, engine: FakeRuntime, key: str) -> None:
    engine.programs[None] = Program(ignores_sigterm=True)
    thing = things.things[key] = Thing()
    reconcile(KIND, key, engine)
    thing.wanted = False
    for _ in range(3):
        assert reconcile(KIND, key, engine) == 31
    assert engine.calls.count(f"stop_container {container_name(key)}") == 1
    assert thing.rounds[-1].observed.containers[0].state is ContainerState.RUNNING


def test_an_engine_that_is_away_fails_nothing(
    things: ThingController, engine: FakeRuntime, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    thing = things.things[key] = Thing()
    engine.is_unreachable = True
    with caplog.at_level(logging.ERROR):
        assert reconcile(KIND, key, engine) is None
    assert (thing.rounds, caplog.records) == ([], [])
    engine.is_unreachable = False
    reconcile(KIND, key, engine)
    assert thing.last == "RUNNING"


def test_a_surprise_is_logged_and_the_lease_let_go(
    things: ThingController, engine: FakeRuntime, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    thing = things.things[key] = Thing(surprise=ZeroDivisionError("oops"))
    assert reconcile(KIND, key, engine) is None
    assert "ZeroDivisionError: oops" in caplog.text
    thing.surprise = None
    reconcile(KIND, key, engine)
    assert thing.last == "RUNNING"


def test_waiting_for_another_resource_kicks_it_and_leaves_the_rest(
    things: ThingController, engine: FakeRuntime, key: str, kicks: Kicks
) -> None:
    thing = things.things[key] = Thing(awaits=("test.network", "n1"))
    reconcile(KIND, key, engine)
    assert kicks == [("test.network", "n1")]
    assert (len(thing.rounds), thing.rounds[0].failure) == (1, None)


def test_without_an_engine_a_thing_fails_with_the_reason_and_can_be_ended(things: ThingController, key: str) -> None:
    thing = things.things[key] = Thing(awaits=("test.network", "n1"))
    reconcile(KIND, key, NullRuntime("There is no Docker here."))
    assert thing.failures == ["CannotStartContainerError: There is no Docker here."]
    assert thing.last == "GONE"


def test_the_sweep_kicks_what_is_unsettled_and_nobody_is_busy_with(
    things: ThingController, key: str, kicks: Kicks
) -> None:
    things.things = {f"{key}-lost": Thing(), f"{key}-busy": Thing(), f"{key}-done": Thing(last="RUNNING")}
    busy = leases.claim(KIND, f"{key}-busy")
    assert busy is not None
    jobs.sweep()
    assert [kick for kick in kicks if kick[0] == KIND] == [(KIND, f"{key}-lost")]
    busy.abandon()


def test_the_sweep_kicks_what_a_dead_worker_left(things: ThingController, key: str, kicks: Kicks) -> None:
    things.things[key] = Thing(last="RUNNING")
    leave_lease(KIND, key, lapses_in_s=-1)
    jobs.sweep()
    assert (KIND, key) in kicks


def test_garbage_is_what_no_resource_wants(things: ThingController, engine: FakeRuntime, key: str) -> None:
    things.things[key] = Thing()
    reconcile(KIND, key, engine)
    labels = {"simfra.kind": KIND, "simfra.key": "deleted"}
    engine.create_container(ContainerSpec(name="left", image="thing:1", labels=labels))
    engine.create_network(NetworkSpec(name="left", bridge_name="left", labels=labels))
    garbage.collect(engine, datetime.now(UTC))
    assert engine.names == [container_name(key)]
    assert engine.find_networks({}) == []
