"""An account with tasks on a scripted engine, and a browser session that looks at it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from console.scope import SESSION_KEY
from tests.support.fake_runtime import FakeRuntime
from tests.support.waiting import wait_for
from workers import loop


@pytest.fixture
def run_task(aws: Callable[..., Any], account: Any, kicks: list[tuple[str, str]]) -> Callable[..., str]:
    """``run_task("busybox")``: runs a task on the fake engine until it runs or has stopped; answers its ARN."""
    ecs = aws("ecs")
    runtime: Any = FakeRuntime(images=["busybox", settings.SIMFRA_SIDECAR_IMAGE])

    def settled(arn: str) -> bool:
        for kick in [kick for kick in kicks if account.account_id in kick[1]]:
            kicks.remove(kick)
            loop.reconcile(*kick, runtime)
        return ecs.describe_tasks(tasks=[arn])["tasks"][0]["lastStatus"] in ("RUNNING", "STOPPED")

    def run(image: str = "busybox", failure: str = "") -> str:
        if failure:
            runtime.fail("pull_image", image, failure)
        container = {"name": "app", "image": image, "memory": 64}
        ecs.register_task_definition(family="web", containerDefinitions=[container])
        arn = str(ecs.run_task(taskDefinition="web")["tasks"][0]["taskArn"])
        wait_for(lambda: settled(arn), what="the task to run or stop")
        return arn

    return run


@pytest.fixture
def browser(gateway: Any, account: Any) -> Client:
    """A browser session that chose the account."""
    client = Client()
    answer = client.post("/scope", {"account_id": account.account_id, "region": "us-east-1", "back": "/"})
    assert answer.status_code == 302
    assert client.session[SESSION_KEY] == [account.account_id, "us-east-1"]
    return client
