"""Services on a fake engine, with a clock that the test moves."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from aws_api.core.clock import SHARED_CLOCK, ClockSetting, MovableClock
from aws_api.services.ecs.models import Service
from tests.services.ecs.stage import Stage
from tests.support.fake_runtime import FakeRuntime

KIND = "ecs.service"


@dataclass
class ServiceStage:
    """An account's services: each change is followed until nothing is kicked any more."""

    stage: Stage

    @property
    def ecs(self) -> Any:
        return self.stage.ecs

    @property
    def runtime(self) -> Any:
        return self.stage.runtime

    def create(self, family: str, name: str = "", **request: Any) -> dict[str, Any]:
        name = name or family
        if request.get("schedulingStrategy") != "DAEMON":
            request.setdefault("desiredCount", 1)
        self.ecs.create_service(serviceName=name, taskDefinition=family, **request)
        return self.settle(name)

    def update(self, name: str, **request: Any) -> dict[str, Any]:
        self.ecs.update_service(service=name, **request)
        return self.settle(name)

    def settle(self, name: str) -> dict[str, Any]:
        self.stage.settle()
        return self.describe(name)

    def wake(self, name: str) -> dict[str, Any]:
        """What the sweep does."""
        self.stage.kicks.append((KIND, self.arn(name)))
        return self.settle(name)

    def arn(self, name: str) -> str:
        return str(Service.objects.filter(account_id=self.stage.account_id, name=name).latest("pk").arn)

    def describe(self, name: str) -> dict[str, Any]:
        return dict(self.ecs.describe_services(services=[name], include=["TAGS"])["services"][0])

    def messages(self, name: str) -> list[str]:
        return [event["message"] for event in self.describe(name)["events"]]

    def tasks(self, name: str, status: str = "RUNNING") -> list[dict[str, Any]]:
        arns = self.ecs.list_tasks(serviceName=name, desiredStatus=status)["taskArns"]
        return list(self.ecs.describe_tasks(tasks=arns)["tasks"]) if arns else []

    def end(self, task: dict[str, Any], exit_code: int = 1) -> None:
        """Let a task's container end, and tell of it."""
        self.runtime.end(self.stage.container(task["taskArn"], task["containers"][0]["name"]), exit_code)
        self.stage.wake(task["taskArn"])

    def set_health(self, task: dict[str, Any], health: str) -> None:
        self.runtime.set_health(self.stage.container(task["taskArn"], task["containers"][0]["name"]), health)
        self.stage.wake(task["taskArn"])

    def service_deployment(self, name: str) -> dict[str, Any]:
        """The newest one."""
        arn = self.ecs.list_service_deployments(service=name)["serviceDeployments"][0]["serviceDeploymentArn"]
        return dict(self.ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0])


@pytest.fixture
def service_stage(stage_of_tasks: Stage) -> Iterator[ServiceStage]:
    with override_settings(SIMFRA_TASK_WARM_UP_S=0):
        yield ServiceStage(stage=stage_of_tasks)


@pytest.fixture
def clock() -> Iterator[MovableClock]:
    """The clock that services go by, in this process."""
    before = SHARED_CLOCK.setting
    yield SHARED_CLOCK
    SHARED_CLOCK.set(before)


def advance(clock: MovableClock, seconds: float) -> None:
    """Let the clock jump ahead."""
    setting, real_s = clock.setting, time.time()
    shown_s = setting.at(real_s) if setting else real_s
    clock.set(ClockSetting(real_s=real_s, shown_s=shown_s + seconds))


@pytest.fixture
def stage_of_tasks(ecs: Any, account: Any, kicks: list[tuple[str, str]]) -> Stage:
    runtime = FakeRuntime(images=["busybox", settings.SIMFRA_SIDECAR_IMAGE])
    return Stage(ecs=ecs, runtime=runtime, kicks=kicks, account_id=account.account_id)
