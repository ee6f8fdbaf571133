"""Services through the whole loop on a runtime whose programs and failures are data."""

from typing import Any

import pytest

from tests.services.ecs.service_stage import ServiceStage, service_stage, stage_of_tasks

__all__ = ["service_stage", "stage_of_tasks"]


@pytest.fixture
def stage(service_stage: ServiceStage) -> ServiceStage:
    return service_stage


def test_a_service_starts_its_tasks_and_reaches_a_steady_state(stage: ServiceStage, register: Any) -> None:
    register("web")
    service = stage.create("web", desiredCount=3)
    assert (service["status"], service["runningCount"], service["pendingCount"]) == ("ACTIVE", 3, 0)
    (deployment,) = service["deployments"]
    assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "COMPLETED")
    assert deployment["rolloutStateReason"] == f"ECS deployment {deployment['id']} completed."
    messages = stage.messages("web")
    assert messages[0] == "(service web) has reached a steady state."
    assert messages[1] == f"(service web) (deployment {deployment['id']}) deployment completed."
    assert messages[2].startswith("(service web) has started 3 tasks: (task ")
    task = stage.tasks("web")[0]
    assert (task["group"], task["startedBy"]) == ("service:web", deployment["id"])
    stage.ecs.get_waiter("services_stable").wait(services=["web"])
