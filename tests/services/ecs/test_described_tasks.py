"""DescribeTasks keeps what it described while nothing was written, and never answers it any longer."""

import time
from typing import Any

import pytest

from aws_api.services.ecs import store
from aws_api.services.ecs.models import Task
from tests.services.ecs.conftest import Register

TASKS = 10


@pytest.fixture
def tasks(ecs: Any, register: Register) -> list[str]:
    """The ARNs of tasks that nobody runs."""
    ecs.create_cluster(clusterName="default")
    definition = register()
    run = ecs.run_task(taskDefinition=definition, launchType="EC2", count=TASKS, tags=[{"key": "a", "value": "b"}])
    return [task["taskArn"] for task in run["tasks"]]


def test_a_change_of_a_row_is_in_the_next_answer(ecs: Any, tasks: list[str]) -> None:
    before = ecs.describe_tasks(tasks=tasks)["tasks"]
    assert ecs.describe_tasks(tasks=tasks)["tasks"] == before
    # As another process may write it, past everything that this one knows.
    Task.objects.filter(arn=tasks[3]).update(last_status="PENDING", version=7)
    after = ecs.describe_tasks(tasks=tasks)["tasks"]
    assert [task["lastStatus"] for task in after].count("PENDING") == 1
    assert (after[3]["lastStatus"], after[3]["version"]) == ("PENDING", 7)
    assert [*after[:3], *after[4:]] == [*before[:3], *before[4:]]


def test_tags_are_shown_to_those_who_ask_for_them_alone(ecs: Any, tasks: list[str]) -> None:
    for _ in range(2):
        assert ecs.describe_tasks(tasks=tasks[:1])["tasks"][0]["tags"] == []
        with_tags = ecs.describe_tasks(tasks=tasks[:1], include=["TAGS"])["tasks"][0]
        assert with_tags["tags"] == [{"key": "a", "value": "b"}]


def test_a_task_that_is_gone_is_missing(ecs: Any, tasks: list[str]) -> None:
    ecs.describe_tasks(tasks=tasks)
    Task.objects.filter(arn=tasks[0]).delete()
    answer = ecs.describe_tasks(tasks=tasks[:2])
    assert [failure["arn"] for failure in answer["failures"]] == tasks[:1]
    assert [task["taskArn"] for task in answer["tasks"]] == tasks[1:2]


def test_descriptions_are_kept_within_bounds(ecs: Any, tasks: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_KEPT", TASKS)
    for arn in (*tasks, *tasks):
        for include in ([], ["TAGS"]):
            assert ecs.describe_tasks(tasks=[arn], include=include)["tasks"][0]["taskArn"] == arn
            assert len(store._kept) <= TASKS


def test_a_hundred_tasks_are_described_at_once(ecs: Any, tasks: list[str]) -> None:
    definition = ecs.describe_tasks(tasks=tasks[:1])["tasks"][0]["taskDefinitionArn"]
    for _ in range(100 // TASKS - 1):
        run = ecs.run_task(taskDefinition=definition, launchType="EC2", count=TASKS)
        tasks += [task["taskArn"] for task in run["tasks"]]
    answers, took_s = [], []
    for _ in range(5):
        started = time.perf_counter()
        answers.append(ecs.describe_tasks(tasks=tasks)["tasks"])
        took_s.append(time.perf_counter() - started)
    assert [task["taskArn"] for task in answers[0]] == tasks
    assert answers[0] == answers[-1]
    # It takes 15 ms at most, and boto3's reading as long again; wide, for a machine that does other things.
    assert min(took_s) < 0.2
