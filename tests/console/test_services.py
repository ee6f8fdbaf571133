"""The pages of ECS services: what is shown, what can be done, and what goes live."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from tests.console.test_live import connected, received
from tests.console.test_pages import page
from tests.services.ecs.conftest import awsvpc, ecs, register, subnet
from tests.services.ecs.service_stage import ServiceStage, clock, service_stage, stage_of_tasks
from tests.services.ecs.test_service_traffic import Balanced, balanced, shifting
from tests.support.threads import in_thread

__all__ = ["awsvpc", "balanced", "clock", "ecs", "register", "service_stage", "stage_of_tasks", "subnet"]

WEB = "/clusters/default/services/web/"


@pytest.fixture
def web(service_stage: ServiceStage, register: Any) -> ServiceStage:
    """A steady service ``web`` of two tasks."""
    register("web")
    service_stage.create("web", desiredCount=2)
    return service_stage


def shown(browser: Client, path: str = WEB) -> str:
    return unescape(page(browser, path))


def test_a_service_is_listed_with_how_it_is(browser: Client, web: ServiceStage) -> None:
    for path in ("/services/", "/clusters/default/"):
        text = shown(browser, path)
        assert WEB in text
        assert "2 of 2" in text
        assert "steady" in text


def test_a_page_has_its_deployments_events_and_tasks(browser: Client, web: ServiceStage) -> None:
    text = shown(browser)
    assert "COMPLETED" in text
    assert "has reached a steady state." in text
    assert 'aria-label="2 of 2 tasks run"' in text
    for task in web.tasks("web"):
        assert task["taskArn"].rpartition("/")[2] in text


def test_a_rollout_shows_both_revisions_side_by_side(browser: Client, web: ServiceStage, register: Any) -> None:
    register("web")
    web.ecs.update_service(service="web", taskDefinition="web:2")
    text = shown(browser)
    assert "A deployment is under way" in text
    assert text.index("/task-definitions/web/2/") < text.index("/task-definitions/web/1/")
    assert 'data-opens="roll-back"' in text


def test_the_desired_count_is_changed(browser: Client, web: ServiceStage) -> None:
    assert browser.post(f"{WEB}update", {"desiredCount": "3"})["location"] == WEB
    assert web.settle("web")["runningCount"] == 3
    assert "web is to run 3 tasks." in shown(browser)
    assert "web is to run 3 tasks." not in shown(browser), "it is said once"


@pytest.mark.parametrize("count", ["", "-1", "many", "99999"])
def test_a_count_that_is_none_is_refused(browser: Client, web: ServiceStage, count: str) -> None:
    browser.post(f"{WEB}update", {"desiredCount": count})
    assert "The desired count is a number from 0 to 5000." in shown(browser)
    assert web.describe("web")["desiredCount"] == 2


def test_a_new_deployment_is_forced(browser: Client, web: ServiceStage) -> None:
    before = web.describe("web")["deployments"][0]["id"]
    browser.post(f"{WEB}update", {"forceNewDeployment": "true"})
    assert web.settle("web")["deployments"][0]["id"] != before


@pytest.mark.parametrize(("kind", "status"), [("ROLLBACK", "ROLLBACK_SUCCESSFUL"), ("ABORT", "STOPPED")])
def test_a_deployment_is_stopped(browser: Client, web: ServiceStage, register: Any, kind: str, status: str) -> None:
    register("web")
    web.ecs.update_service(service="web", taskDefinition="web:2")
    arn = web.service_deployment("web")["serviceDeploymentArn"]
    browser.post(f"{WEB}stop", {"serviceDeploymentArn": arn, "stopType": kind})
    web.settle("web")
    assert web.wake("web")["status"] == "ACTIVE"
    assert web.service_deployment("web")["status"] == status


def test_aws_says_why_something_cannot_be_done(browser: Client, web: ServiceStage) -> None:
    arn = web.service_deployment("web")["serviceDeploymentArn"]
    browser.post(f"{WEB}stop", {"serviceDeploymentArn": arn})
    assert "ConflictException: The service deployment cannot be stopped" in shown(browser)


def test_a_service_that_is_not_there_is_not_found(browser: Client, web: ServiceStage) -> None:
    assert browser.get("/clusters/default/services/none/").status_code == 404
    assert Client().get(WEB).status_code == 404, "another account's"
    assert WEB not in page(Client(), "/services/")


def test_target_health_is_shown_with_its_reason(browser: Client, balanced: Balanced) -> None:
    balanced.create(desiredCount=1)
    balanced.report("unhealthy", reason="Health checks failed with these codes: [500]")
    text = shown(browser)
    assert "Health checks failed with these codes: [500]" in text
    assert "unhealthy" in text


def test_a_shifting_deployment_shows_stage_weights_and_asks(browser: Client, balanced: Balanced) -> None:
    hook = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}
    configuration = shifting("BLUE_GREEN", lifecycleHooks=[hook])
    balanced.create(desiredCount=1, deploymentConfiguration=configuration)
    under_way = balanced.stage.service_deployment("web")
    text = shown(browser)
    assert "The deployment waits for you" in text
    assert '<li class="now" aria-current="step">Post scale up</li>' in text
    assert "Production traffic 0 %" in text
    (waiting,) = under_way["lifecycleHookDetails"]
    answer = {"serviceDeploymentArn": under_way["serviceDeploymentArn"], "hookId": waiting["hookId"]}
    browser.post(f"{WEB}continue", {**answer, "action": "CONTINUE"})
    assert "The deployment goes on." in shown(browser)
    balanced.report("healthy")
    (answered,) = balanced.stage.service_deployment("web")["lifecycleHookDetails"]
    assert answered["status"] != "AWAITING_ACTION"


async def test_a_page_follows_a_rollout(browser: Client, web: ServiceStage) -> None:
    async with connected("/_simfra/live/clusters/default/services/web", browser) as socket:
        assert "2 of 2 tasks run" in await received(socket, 'hx-target="#rollout"')
        await in_thread(web.update, "web", desiredCount=3)
        assert "has started 1 tasks" in await received(socket, "3 of 3 tasks run")


async def test_the_list_follows_services(browser: Client, web: ServiceStage) -> None:
    async with connected("/_simfra/live/services", browser) as socket:
        await received(socket, "2 of 2")
        await in_thread(web.update, "web", desiredCount=1)
        await received(socket, "1 of 1")


def test_a_list_has_pages(browser: Client, aws: Callable[..., Any], register: Any) -> None:
    register("web")
    for number in range(52):
        aws("ecs").create_service(serviceName=f"s{number:02}", taskDefinition="web", desiredCount=0)
    first = shown(browser, "/services/")
    assert "Page 1 of 2, 52 in all" in first
    assert "services/s51/" not in first
    assert "services/s51/" in shown(browser, "/services/?page=2")
