"""Tasks of one deployment have one version of an image."""

from typing import Any

import pytest

from aws_api.services.ecs.image_versions import pinned_image
from aws_api.services.ecs.models import Task

DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture
def tasks(aws: Any, account: Any) -> list[Task]:
    """Two tasks of a deployment, of which the first has said what its image's tag means."""
    ecs = aws("ecs")
    image = f"localhost:4599/{account.account_id}/app:1"
    ecs.register_task_definition(family="web", containerDefinitions=[{"name": "app", "image": image, "memory": 64}])
    arns = [ecs.run_task(taskDefinition="web")["tasks"][0]["taskArn"] for _ in range(2)]
    Task.objects.filter(arn__in=arns).update(started_by="ecs-svc/1234567890123456789")
    Task.objects.filter(arn=arns[0]).update(last_containers={"app": {"image_digest": DIGEST}})
    return [Task.objects.get(arn=arn) for arn in arns]


def container(task: Task, **members: Any) -> dict[str, Any]:
    return {**task.task_definition.document["containerDefinitions"][0], **members}


def test_the_first_tasks_digest_is_the_others(tasks: list[Task]) -> None:
    first, second = tasks
    repository = container(first)["image"].removesuffix(":1")
    assert pinned_image(first, container(first)) == f"{repository}:1"
    assert pinned_image(second, container(second)) == f"{repository}@{DIGEST}"


def test_where_that_is_not_wanted_each_resolves_its_own(tasks: list[Task]) -> None:
    second = tasks[1]
    free = container(second, versionConsistency="disabled")
    assert pinned_image(second, free) == free["image"]
    second.started_by = "somebody"
    assert pinned_image(second, container(second)) == container(second)["image"]


def test_an_image_of_another_registry_is_the_engines(tasks: list[Task]) -> None:
    second = tasks[1]
    assert pinned_image(second, container(second, image="busybox:1")) == "busybox:1"
