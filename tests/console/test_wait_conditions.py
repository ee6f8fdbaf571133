"""Each condition of POST /_simfra/wait: time that runs out says why, and what comes true meanwhile is noticed."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from aws_api.core.changes import StateChange, publish
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.services.elbv2.models import Target
from tests.console.test_load_balancers import shop
from tests.console.test_services import awsvpc, clock, ecs, register, service_stage, stage_of_tasks, subnet
from tests.services.ecs.service_stage import ServiceStage

__all__ = ["awsvpc", "clock", "ecs", "register", "service_stage", "shop", "stage_of_tasks", "subnet"]

Wait = Callable[..., tuple[int, Any]]
AT_MOST_S = 30


@pytest.fixture
def wait(account: Any) -> Wait:
    """``wait(queue={...})``: the status and the answer of a wait in the account."""

    def ask(timeout_s: float = AT_MOST_S, **condition: Any) -> tuple[int, Any]:
        body = {"accountId": account.account_id, "timeout_s": timeout_s, **condition}
        answer = Client().post("/_simfra/wait", body, content_type="application/json")
        return answer.status_code, answer.json()

    return ask


def test_a_target_that_becomes_healthy(wait: Wait, shop: str, account: Any) -> None:
    condition = {"target": {"targetGroupArn": shop}}
    status, told = wait(timeout_s=0.1, **condition)
    assert (status, told["met"]) == (408, False)
    assert "0 of 1 targets are healthy" in told["error"]

    def becomes_healthy() -> None:
        Target.objects.filter(group__arn=shop).update(last_state="healthy", last_reason="", last_description="")
        publish(change("elbv2.target", f"{shop}/10.0.0.9:80", account.account_id))

    status, told = while_it_waits(lambda: wait(**condition), becomes_healthy)
    assert (status, told["found"]["targets"][0]["State"]) == (200, "healthy")


def test_a_service_that_becomes_steady(wait: Wait, service_stage: ServiceStage, register: Any) -> None:
    register("web")
    service_stage.ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=2)
    condition = {"service": {"service": "web"}}
    status, told = wait(timeout_s=0.1, **condition)
    assert status == 408
    assert "0 of 2 tasks run, in 1 deployments" in told["error"]
    status, told = while_it_waits(lambda: wait(**condition), lambda: service_stage.settle("web"))
    assert (status, told["found"]["runningCount"]) == (200, 2)


def test_a_task_that_comes_to_run(wait: Wait, aws: Any, run_task: Callable[..., str]) -> None:
    status, told = wait(timeout_s=0.1, task={"task": run_task(), "status": "STOPPED"})
    assert status == 408
    assert "The task is RUNNING, not STOPPED." in told["error"]


def test_an_item_a_line_a_request_and_a_resource_are_missed_by_name(wait: Wait, aws: Any, account: Any) -> None:
    aws("logs").create_log_group(logGroupName="/web")
    aws("dynamodb").create_table(
        TableName="orders",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    aws("sqs").create_queue(QueueName="orders")
    arn = f"arn:aws:sqs:us-east-1:{account.account_id}:missing"
    missing: dict[str, tuple[dict[str, Any], str]] = {
        "item": ({"table": "orders", "key": {"id": "7"}}, "orders"),
        "log": ({"group": "/web", "pattern": "ready"}, "ready"),
        "request": ({"service": "sqs", "operation": "SendMessage"}, "0 of 1 such requests"),
        "resource": ({"arn": arn}, "missing"),
        "queue": ({"queue": "orders", "messages": 3}, "0"),
    }
    for name, (condition, word) in missing.items():
        status, told = wait(timeout_s=0.1, **{name: condition})
        assert status == 408, (name, told)
        assert word in told["error"], name


def while_it_waits(ask: Callable[[], tuple[int, Any]], act: Callable[[], Any]) -> tuple[int, Any]:
    """What a wait answers that was there when something happened."""

    def asked() -> tuple[int, Any]:
        try:
            return ask()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(asked)
        time.sleep(0.3)  # What is proven is the wait: let it begin.
        act()
        return answer.result()


def change(kind: str, key: str, account_id: str) -> StateChange:
    return StateChange(
        kind=kind,
        key=key,
        account_id=account_id,
        region="us-east-1",
        before="initial",
        after="healthy",
        cause="",
        at=SYSTEM_CLOCK.now(),
    )
