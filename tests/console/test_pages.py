"""What people see in the browser."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.support.in_process import call

RunTask = Callable[..., str]


def page(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_front_page_shows_what_runs_and_how_to_connect(browser: Client, run_task: RunTask) -> None:
    task_id = run_task().rpartition("/")[2]
    text = page(browser, "/")
    assert task_id in text
    assert "export AWS_ENDPOINT_URL=http://localhost:4599" in text


def test_the_front_page_says_why_a_task_failed(browser: Client, run_task: RunTask) -> None:
    run_task("nope:1", failure="CannotPullContainerError: not found")
    assert "CannotPullContainerError: not found" in page(browser, "/")


def test_a_cluster_page_lists_its_tasks(browser: Client, run_task: RunTask) -> None:
    task_id = run_task().rpartition("/")[2]
    assert "default" in page(browser, "/clusters/")
    assert f"/clusters/default/tasks/{task_id}/" in page(browser, "/clusters/default/")


def test_a_task_page_shows_timeline_plan_and_containers(browser: Client, run_task: RunTask) -> None:
    task_id = run_task().rpartition("/")[2]
    text = page(browser, f"/clusters/default/tasks/{task_id}/")
    assert "StartContainer app" in text
    assert "RUNNING" in text
    assert 'id="log-app"' in text


def test_a_failed_tasks_page_says_why_and_what_to_do(browser: Client, run_task: RunTask) -> None:
    task_id = run_task("nowhere/app:1", failure="CannotPullContainerError: manifest unknown").rpartition("/")[2]
    text = page(browser, f"/clusters/default/tasks/{task_id}/")
    assert "What to do next" in text
    assert "Check the image" in text
    assert "CannotPullContainerError: manifest unknown" in text
    assert "PullImage nowhere/app:1" in text


def test_a_task_is_held_and_let_go_from_its_page(browser: Client, run_task: RunTask) -> None:
    task_id = run_task().rpartition("/")[2]
    address = f"/clusters/default/tasks/{task_id}/"
    for hold, offered in (("true", "Let its containers go"), ("false", "Hold")):
        assert browser.post(f"{address}hold", {"hold": hold}).status_code == 302
        assert offered in page(browser, address)
    assert browser.post(f"/clusters/default/tasks/{'0' * 32}/hold", {"hold": "true"}).status_code == 404


def test_what_is_not_there_is_not_found(browser: Client) -> None:
    assert browser.get("/clusters/nowhere/").status_code == 404
    assert browser.get("/clusters/default/tasks/" + "0" * 32 + "/").status_code == 404


def test_another_account_does_not_see_the_tasks(browser: Client, run_task: RunTask) -> None:
    task_id = run_task().rpartition("/")[2]
    assert task_id not in page(Client(), "/clusters/default/")


@pytest.mark.parametrize(
    "scope", [{"account_id": "12", "region": "us-east-1"}, {"account_id": "1" * 12, "region": "x"}]
)
def test_a_scope_that_is_none_is_refused(browser: Client, scope: dict[str, str]) -> None:
    assert browser.post("/scope", scope).status_code == 400


def test_switching_never_leads_to_another_host(browser: Client, account: Any) -> None:
    posted = {"account_id": account.account_id, "region": "us-east-1", "back": "https://evil.example/"}
    assert browser.post("/scope", posted)["location"] == "/"


def test_pages_allow_nothing_from_elsewhere(browser: Client) -> None:
    policy = browser.get("/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_tasks_reach_neither_the_console_nor_the_admin_api(gateway: Any, settings: Any) -> None:
    settings.SIMFRA_UPLINK_SUBNET = "198.19.0.0/20"
    headers = {"host": "localhost:4599"}
    assert call(gateway, "GET", "/_simfra/services", headers=headers, client_host="198.19.0.2")[0] == 403
    assert call(gateway, "GET", "/_simfra/health", headers=headers, client_host="198.19.0.2")[0] == 200
