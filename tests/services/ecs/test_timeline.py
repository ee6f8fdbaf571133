"""The statuses that a task passes in one round."""

from datetime import timedelta

from aws_api.services.ecs.lifecycle import Assessment, TaskStatus
from aws_api.services.ecs.specification import ContainerRecord, Stop
from aws_api.services.ecs.timeline import passages
from tests.services.ecs.tasks import NOW

STOP = Stop(code="EssentialContainerExited", reason="Essential container in task exited")


def assessed(status: TaskStatus, *records: ContainerRecord, stop: Stop | None = None) -> Assessment:
    named = {str(number): record for number, record in enumerate(records)}
    return Assessment(status=status, stop=stop, records=named, health="UNKNOWN", pause_started=False)


def passed(before: TaskStatus, assessment: Assessment) -> list[str]:
    return [passage.after for passage in passages(before, assessment, {}, NOW)]


def test_a_task_that_runs_after_one_round_passed_every_status_before_that() -> None:
    assessment = assessed(TaskStatus.RUNNING, ContainerRecord(started=True))
    assert passed(TaskStatus.PROVISIONING, assessment) == ["PENDING", "ACTIVATING", "RUNNING"]
    assert passed(TaskStatus.RUNNING, assessment) == []


def test_a_task_that_never_ran_has_nothing_to_leave() -> None:
    nothing = assessed(TaskStatus.STOPPED, ContainerRecord(), stop=STOP)
    assert passed(TaskStatus.PROVISIONING, nothing) == ["DEPROVISIONING", "STOPPED"]
    half = assessed(TaskStatus.STOPPED, ContainerRecord(started=True), ContainerRecord(), stop=STOP)
    assert passed(TaskStatus.PENDING, half) == ["STOPPING", "DEPROVISIONING", "STOPPED"]


def test_times_are_those_of_what_happened_and_never_go_back() -> None:
    times = {
        TaskStatus.PENDING: NOW - timedelta(seconds=3),
        TaskStatus.ACTIVATING: NOW - timedelta(seconds=4),
        TaskStatus.RUNNING: NOW - timedelta(seconds=1),
        TaskStatus.STOPPING: NOW + timedelta(seconds=9),
    }
    assessment = assessed(TaskStatus.STOPPED, ContainerRecord(started=True), stop=STOP)
    found = passages(TaskStatus.PROVISIONING, assessment, times, NOW)
    moments = [(NOW - passage.at).total_seconds() for passage in found]
    assert moments == [3, 3, 1, 0, 0, 0, 0]
    assert found[-1].cause == STOP.reason
    assert found[3].cause.startswith(f"{STOP.reason}; ")
