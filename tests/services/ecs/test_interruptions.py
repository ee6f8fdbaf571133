"""Tasks whose capacity goes away."""

from typing import Any

import pytest

from aws_api.services.ecs.interruptions import interrupt
from aws_api.services.ecs.models import Task
from tests.services.ecs.stage import Stage


@pytest.mark.parametrize(
    ("provider", "code", "reason"),
    [
        ("FARGATE_SPOT", "SpotInterruption", "Your Spot Task was interrupted."),
        ("FARGATE", "TerminationNotice", "The host that the task ran on was given notice of its termination."),
    ],
)
def test_a_task_whose_capacity_goes_away_stops_and_says_so(
    stage: Stage, register: Any, provider: str, code: str, reason: str
) -> None:
    register("web", cpu="256", memory="512")
    arn = stage.run("web")
    row = Task.objects.get(arn=arn)
    row.document["capacityProviderName"] = provider
    row.save()
    assert interrupt(row)
    assert not interrupt(row), "once is enough"
    stage.settle()
    task = stage.describe(arn)
    assert task["containers"][0]["exitCode"] == 143
    assert (task["lastStatus"], task["stopCode"], task["stoppedReason"]) == ("STOPPED", code, reason)
    assert not interrupt(Task.objects.get(arn=arn))
