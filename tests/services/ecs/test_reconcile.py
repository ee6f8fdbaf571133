"""What is decided for a task, as the plan prints it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aws_api.core.containers import Mount, Observation, VolumeSpec
from aws_api.services.ecs.lifecycle import NETWORK_TIMED_OUT, NETWORK_TIMEOUT_S, assess, find_stop
from aws_api.services.ecs.reconcile import decide
from aws_api.services.ecs.specification import (
    ContainerPart,
    NetworkWait,
    RestartPolicy,
    Stop,
    StopCode,
    TaskVolume,
)
from tests.services.ecs.tasks import (
    ASKED,
    NOW,
    awsvpc_task,
    check,
    created,
    exited,
    part,
    running,
    started,
    task,
    waiting_task,
    world,
)

ENDED = Stop(code=StopCode.ESSENTIAL_CONTAINER_EXITED, reason="Essential container in task exited")


def test_a_task_whose_image_is_here_is_created_and_started() -> None:
    check(task(), world(), "CreateContainer app: its image is here", "StartContainer app: it should run")


def test_a_missing_image_is_pulled_first() -> None:
    check(
        task(),
        world(images=()),
        "PullImage app:1: the engine has no such image",
        "CreateContainer app: its image is here",
        "StartContainer app: it should run",
    )


def test_an_image_of_our_asks_registry_is_asked_for_though_one_of_its_name_is_here() -> None:
    check(
        task(part("app", asks_registry=True)),
        world(),
        "PullImage app:1: the registry may have a newer one",
        "CreateContainer app: its image is here",
        "StartContainer app: it should run",
    )


def test_an_image_is_pulled_once_for_all_containers_that_have_it() -> None:
    plan = decide(task(part("one"), part("two")), world(images=()), NOW)
    assert [str(step) for step in plan.steps].count("PullImage app:1: the engine has no such image") == 1


def test_a_task_waits_for_its_network_and_pulls_meanwhile() -> None:
    check(
        waiting_task(),
        world(images=()),
        "PullImage app:1: the engine has no such image",
        "AwaitResource ec2.vpc vpc-1: the VPC's network is not there yet",
    )


def test_a_task_gives_up_when_its_network_does_not_come() -> None:
    later = NOW + timedelta(minutes=3)
    assert not decide(waiting_task(), world(), later)
    check(
        waiting_task(last_stop=Stop(code="TaskFailedToStart", reason="no network"), last_status="DEPROVISIONING"),
        world(),
        now=later,
    )


def test_the_owner_of_the_network_namespace_is_started_before_those_who_join_it() -> None:
    check(
        awsvpc_task(),
        world(),
        "CreateContainer ~internal~ecs~pause: what the containers share needs an owner",
        "StartContainer ~internal~ecs~pause: the containers join its namespaces",
        "CreateContainer app: its image is here",
        "StartContainer app: it should run",
    )


def test_a_start_that_was_cut_short_is_taken_up_where_it_ended() -> None:
    check(awsvpc_task(), world(running("pause"), created("app")), "StartContainer app: it should run")


def test_a_task_whose_containers_run_is_left_alone() -> None:
    check(awsvpc_task(started(part("app")), last_status="RUNNING"), world(running("pause"), running("app")))


@pytest.mark.parametrize(
    ("condition", "reached", "not_reached"),
    [
        ("START", running("init"), created("init")),
        ("START", exited("init", 1), created("init")),
        ("COMPLETE", exited("init", 1), running("init")),
        ("SUCCESS", exited("init", 0), running("init")),
        ("HEALTHY", running("init", "healthy"), running("init", "starting")),
        ("HEALTHY", running("init", "healthy"), running("init", "unhealthy")),
    ],
)
def test_a_container_starts_when_its_dependency_has_reached_the_condition(condition, reached, not_reached) -> None:
    desired = task(part("init", essential=False), part("app", f"init:{condition}"))
    check(
        desired,
        world(reached),
        "CreateContainer app: its image is here",
        f"StartContainer app: what it depends on is reached: init {condition}",
    )
    waiting = str(decide(desired, world(not_reached), NOW))
    # What is only created is started in the same plan, and START holds after that.
    assert ("StartContainer app" in waiting) == (condition == "START")


def test_a_chain_of_starts_is_one_plan_in_order() -> None:
    desired = task(part("one"), part("two", "one:START"), part("three", "two:START"))
    steps = [str(step).partition(":")[0] for step in decide(desired, world(), NOW).steps]
    assert [step for step in steps if step.startswith("Start")] == [
        "StartContainer one",
        "StartContainer two",
        "StartContainer three",
    ]


def test_a_task_stops_when_a_dependency_cannot_succeed_any_more() -> None:
    desired = task(part("init", essential=False), part("app", "init:SUCCESS"))
    plan = decide(desired, world(exited("init", 1)), NOW)
    assert not plan and plan.look_again_s == 0, "the reason is written down before anything is done"


def test_a_wait_for_a_dependency_ends_with_its_start_timeout() -> None:
    desired = task(part("init", essential=False, start_timeout_s=20), part("app", "init:COMPLETE"))
    assert decide(desired, world(running("init")), NOW).look_again_s == 20
    assert not decide(desired, world(running("init")), NOW + timedelta(seconds=21))


def test_a_container_that_may_end_does_not_stop_the_task() -> None:
    desired = task(started(part("side", essential=False)), started(part("app")), last_status="RUNNING")
    check(desired, world(exited("side", 1), running("app")))


def test_an_end_is_written_down_before_the_rest_is_stopped() -> None:
    desired = task(started(part("side")), started(part("app")), last_status="RUNNING")
    plan = decide(desired, world(running("side"), exited("app", 1)), NOW)
    assert not plan and plan.look_again_s == 0


def test_the_rest_of_a_task_is_stopped_when_an_essential_container_has_exited() -> None:
    desired = task(
        started(part("side", stop_timeout_s=5)), started(part("app")), last_status="STOPPING", last_stop=ENDED
    )
    check(
        desired,
        world(running("side"), exited("app", 1)),
        "StopContainer side: Essential container in task exited",
    )


def test_a_task_is_stopped_at_its_users_wish_with_the_users_reason() -> None:
    check(
        task(started(part("app")), last_status="RUNNING", desired_stop=ASKED),
        world(running("app")),
        "StopContainer app: Task stopped by user",
    )


def test_containers_are_stopped_in_reverse_order_of_their_dependencies() -> None:
    parts = (started(part("db")), started(part("app", "db:START")))
    desired = task(*parts, last_status="STOPPING", last_stop=ASKED)
    check(desired, world(running("db"), running("app")), "StopContainer app: Task stopped by user")
    check(desired, world(running("db"), exited("app", 143)), "StopContainer db: Task stopped by user")


def test_containers_stay_until_their_end_is_written_down_and_the_pause_goes_last() -> None:
    parts = (started(part("app")),)
    ended = world(running("pause"), exited("app", 143))
    assert not decide(awsvpc_task(*parts, last_status="STOPPING", last_stop=ASKED), ended, NOW)
    check(
        awsvpc_task(*parts, last_status="DEPROVISIONING", last_stop=ASKED),
        ended,
        "RemoveContainer app: every container of the task has stopped",
        "RemoveContainer ~internal~ecs~pause: every container of the task has stopped",
    )


def test_the_death_of_the_network_namespace_stops_the_task() -> None:
    desired = awsvpc_task(started(part("app")), last_status="RUNNING", pause_started=True)
    for pause in ((exited("pause", 137),), ()):
        plan = decide(desired, world(running("app"), *pause), NOW)
        assert not plan and plan.look_again_s == 0
    check(
        awsvpc_task(started(part("app")), last_status="STOPPING", pause_started=True, last_stop=ENDED),
        world(running("app"), exited("pause", 137)),
        "StopContainer app: Essential container in task exited",
    )


def test_a_container_that_somebody_removed_is_over_and_not_made_anew() -> None:
    plan = decide(task(started(part("app")), last_status="RUNNING"), world(), NOW)
    assert not plan and plan.look_again_s == 0


def test_a_task_that_cannot_be_started_is_ended_and_nothing_is_made() -> None:
    assert not decide(task(problem="ResourceInitializationError: unable to pull secrets"), world(images=()), NOW)


def test_a_container_that_failed_to_start_is_not_tried_again() -> None:
    failed = part("side", essential=False)
    failed = started(failed, started=False, failure="CannotStartContainerError: no such file", status="STOPPED")
    check(
        task(failed, part("app")),
        world(),
        "CreateContainer app: its image is here",
        "StartContainer app: it should run",
    )


def test_a_stopped_task_starts_nothing_and_loses_what_is_left() -> None:
    desired = awsvpc_task(last_status="STOPPED", last_stop=ASKED)
    check(desired, world())
    check(
        desired,
        world(running("app"), created("pause")),
        "RemoveContainer app: the task is stopped",
        "RemoveContainer ~internal~ecs~pause: the task is stopped",
    )


def restarting(**policy: Any) -> ContainerPart:
    """A container that ran and is started again when it ran for a second and its exit code is not 3."""
    return started(part("app", restart=RestartPolicy(attempt_period_s=1, ignored_exit_codes=(3,)), **policy))


def test_a_container_is_started_again_by_its_restart_policy() -> None:
    desired = task(restarting(), last_status="RUNNING")
    check(
        desired,
        world(exited("app", 1)),
        "StartContainer app: it exited with 1, and its restart policy starts it again",
    )
    assert assess(desired, world(exited("app", 1)), None, NOW).status == "RUNNING"


def test_a_container_is_not_started_again_that_ran_too_short_or_whose_exit_code_is_ignored() -> None:
    desired = task(restarting(), last_status="RUNNING")
    for ended in (exited("app", 3), replace(exited("app", 1), finished_at=NOW + timedelta(milliseconds=900))):
        plan = decide(desired, world(ended), NOW)
        assert not plan and plan.look_again_s == 0, "its end is the task's, which is written down first"


def test_a_task_that_stops_starts_no_container_again() -> None:
    desired = task(restarting(), last_status="STOPPING", last_stop=ASKED)
    assert not decide(desired, world(exited("app", 1)), NOW)


def volume(name: str, **members: bool) -> TaskVolume:
    return TaskVolume(name=name, spec=VolumeSpec(name=f"ecs-{name}", labels={}), **{"own": True, **members})


def mounting(*names: str) -> ContainerPart:
    mounts = tuple(Mount(source=f"ecs-{name}", target=f"/{name}") for name in names)
    app = part("app")
    return replace(app, spec=replace(app.spec, mounts=mounts))


def test_volumes_are_made_before_who_mounts_them() -> None:
    desired = task(mounting("data", "old"), volumes=(volume("data"), volume("old"), volume("unused")))
    check(
        desired,
        replace(world(), volumes=("ecs-old",)),
        "CreateVolume data: the task's own",
        "CreateContainer app: its image is here",
        "StartContainer app: it should run",
    )


def test_a_tasks_own_volumes_go_last_and_shared_ones_stay() -> None:
    desired = task(
        started(mounting("data", "shared")),
        volumes=(volume("data"), volume("shared", own=False)),
        last_status="DEPROVISIONING",
        last_stop=ASKED,
    )
    check(
        desired,
        replace(world(exited("app")), volumes=("ecs-data", "ecs-shared")),
        "RemoveContainer app: every container of the task has stopped",
        "RemoveVolume data: every container of the task has stopped",
    )


def test_a_shared_volume_that_nobody_made_ends_the_task() -> None:
    desired = task(mounting("data"), volumes=(volume("data", own=False, must_exist=True),))
    assert not decide(desired, world(), NOW)
    stop = find_stop(desired, world(), NOW)
    assert stop is not None
    assert "the shared volume ecs-data does not exist" in stop.reason
    assert decide(desired, replace(world(), volumes=("ecs-data",)), NOW)


def test_a_held_task_keeps_its_containers_and_loses_its_namespaces() -> None:
    desired = awsvpc_task(started(part("app")), last_status="DEPROVISIONING", last_stop=ASKED, is_held=True)
    check(
        desired,
        world(exited("app"), running("pause")),
        "RemoveContainer ~internal~ecs~pause: every container of the task has stopped",
    )
    assert assess(desired, world(exited("app")), None, NOW).status == "STOPPED"


def test_a_network_that_cannot_be_made_stops_the_task_with_its_reason() -> None:
    awaits = NetworkWait(kind="ec2.vpc", key="vpc-1", problem="CannotStartContainerError: the gateway was not ready")
    waiting = task(last_status="PROVISIONING", awaits=awaits)
    assert find_stop(waiting, Observation(), NOW + timedelta(seconds=NETWORK_TIMEOUT_S - 1)) is None
    stop = find_stop(waiting, Observation(), NOW + timedelta(seconds=NETWORK_TIMEOUT_S))
    assert stop is not None
    assert stop.code == "TaskFailedToStart"
    assert stop.reason == f"{NETWORK_TIMED_OUT} CannotStartContainerError: the gateway was not ready"
