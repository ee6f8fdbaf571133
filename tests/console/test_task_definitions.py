"""Task definitions in the browser: revisions and their differences, registering, running."""

import json
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from console.differences import difference
from console.task_definition_forms import FormProblem, registration, run
from tests.console.test_pages import page

CONTAINER = {"name": "app", "image": "busybox", "memory": 64}


@pytest.fixture
def ecs(aws: Callable[..., Any]) -> Any:
    return aws("ecs")


@pytest.fixture
def web(ecs: Any) -> Any:
    """Two revisions of ``web`` with different images."""
    for image in ("busybox", "nginx:1.27"):
        ecs.register_task_definition(family="web", containerDefinitions=[{**CONTAINER, "image": image}])
    return ecs


def shown(browser: Client, path: str) -> str:
    return unescape(page(browser, path))


def test_families_are_listed_with_their_latest_revisions(browser: Client, web: Any) -> None:
    assert "/task-definitions/web/2/" in shown(browser, "/task-definitions/")
    assert "/task-definitions/web/2/" not in shown(browser, "/task-definitions/?q=nothing")
    assert browser.get("/task-definitions/web/")["location"] == "/task-definitions/web/2/"


def test_a_revision_says_what_is_different(browser: Client, web: Any) -> None:
    text = shown(browser, "/task-definitions/web/2/")
    assert '<span class="removed">-       "image": "busybox",</span>' in text
    assert '<span class="added">+       "image": "nginx:1.27",</span>' in text
    backwards = shown(browser, "/task-definitions/web/1/?with=2")
    assert '<span class="added">+       "image": "busybox",</span>' in backwards


def test_revisions_that_say_the_same_differ_in_nothing(browser: Client, ecs: Any) -> None:
    for _ in range(2):
        ecs.register_task_definition(family="web", containerDefinitions=[CONTAINER])
    assert "Nothing: both say the same." in shown(browser, "/task-definitions/web/2/")


def test_a_difference_keeps_to_what_is_near() -> None:
    before = [f"line {number}" for number in range(20)]
    lines = difference("\n".join(before), "\n".join([*before[:10], "new", *before[10:]]))
    assert [line.text for line in lines if line.kind == "added"] == ["new"]
    assert "line 0" not in [line.text for line in lines]
    assert lines[0].mark == "⋯"


def test_the_form_registers(browser: Client, ecs: Any) -> None:
    typed = {
        "mode": "form",
        "family": "api",
        "compatibility": "FARGATE",
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "container": "app",
        "image": "busybox",
        "command": 'sh -c "echo hello"',
        "ports": "8080, 53/udp",
        "environment": "STAGE=dev\nQUERY=a=b",
    }
    answer = browser.post("/task-definitions/register", typed)
    assert answer["location"] == "/task-definitions/api/1/"
    (container,) = ecs.describe_task_definition(taskDefinition="api")["taskDefinition"]["containerDefinitions"]
    assert container["command"] == ["sh", "-c", "echo hello"]
    assert [port["containerPort"] for port in container["portMappings"]] == [8080, 53]
    assert {"name": "QUERY", "value": "a=b"} in container["environment"]


def test_the_editor_registers_what_a_revision_says(browser: Client, web: Any) -> None:
    text = shown(browser, "/task-definitions/register?from=web:1")
    typed = text.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0]
    assert json.loads(typed)["containerDefinitions"][0]["image"] == "busybox"
    answer = browser.post("/task-definitions/register", {"mode": "json", "json": typed})
    assert answer["location"] == "/task-definitions/web/3/"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("{", "This is no JSON"),
        ("[]", "A task definition is a JSON object"),
        ('{"family": "x", "containerDefinitions": []}', "Container list cannot be empty"),
        ('{"family": "x", "containerDefinitions": [{"name": "a", "image": "b", "memory": "much"}]}', "Exception"),
        ('{"family": "x"}', "Exception"),
    ],
)
def test_what_is_refused_stays_typed_with_the_reason(browser: Client, typed: str, said: str) -> None:
    answer = browser.post("/task-definitions/register", {"mode": "json", "json": typed})
    assert answer.status_code == 400
    text = unescape(answer.content.decode())
    assert said in text
    assert f">{typed}</textarea>" in text


def test_a_refused_form_stays_filled_in(browser: Client) -> None:
    typed = {"mode": "form", "family": "no such name!", "image": "busybox", "container": "app", "environment": "A=1"}
    answer = browser.post("/task-definitions/register", typed)
    assert answer.status_code == 400
    text = unescape(answer.content.decode())
    assert "ClientException" in text
    assert 'value="no such name!"' in text
    assert "A=1</textarea>" in text


def test_a_revision_is_deregistered(browser: Client, web: Any) -> None:
    browser.post("/task-definitions/web/2/deregister")
    text = shown(browser, "/task-definitions/web/2/")
    assert "web:2 is deregistered." in text
    assert "INACTIVE" in text


def test_another_accounts_definitions_are_not_shown(browser: Client, web: Any) -> None:
    assert Client().get("/task-definitions/web/2/").status_code == 404
    assert "/task-definitions/web/" not in page(Client(), "/task-definitions/")
    assert Client().get("/task-definitions/register?from=web:1").status_code == 404


def test_a_task_is_run_with_overrides(browser: Client, web: Any) -> None:
    assert "<option>app</option>" in shown(browser, "/run-task?taskDefinition=web")
    typed = {
        "taskDefinition": "web:1",
        "cluster": "default",
        "count": "1",
        "launchType": "EC2",
        "container": "app",
        "command": '["sh", "-c", "true"]',
        "environment": "STAGE=test",
    }
    location = browser.post("/run-task", typed)["location"]
    task_id = location.split("/")[-2]
    (task,) = web.describe_tasks(tasks=[task_id])["tasks"]
    (override,) = task["overrides"]["containerOverrides"]
    assert override["command"] == ["sh", "-c", "true"]
    assert override["environment"] == [{"name": "STAGE", "value": "test"}]
    assert location == f"/clusters/default/tasks/{task_id}/"


def test_a_task_on_the_network_gets_what_was_chosen(browser: Client, aws: Callable[..., Any], ecs: Any) -> None:
    fargate = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
    ecs.register_task_definition(family="web", **fargate, containerDefinitions=[CONTAINER])
    subnet = aws("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    text = shown(browser, "/run-task?taskDefinition=web")
    assert "selected>" in text.partition('name="subnets"')[2].partition("</select>")[0], "what it needs is offered"
    assert "<option selected>FARGATE</option>" in text
    typed = {"taskDefinition": "web", "launchType": "FARGATE", "subnets": [subnet], "assignPublicIp": "1"}
    task_id = browser.post("/run-task", typed)["location"].split("/")[-2]
    (attachment,) = ecs.describe_tasks(tasks=[task_id])["tasks"][0]["attachments"]
    assert {"name": "subnetId", "value": subnet} in attachment["details"]


def test_a_run_that_is_refused_says_why_and_keeps_what_was_typed(browser: Client, web: Any) -> None:
    answer = browser.post("/run-task", {"taskDefinition": "nothing:7", "command": "sleep 9"})
    assert answer.status_code == 400
    text = unescape(answer.content.decode())
    assert "TaskDefinition not found." in text
    assert 'value="nothing:7"' in text
    assert 'value="sleep 9"' in text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("ports=http", "http is no port"),
        ("environment=A", "A is no variable"),
        ("command=sh -c 'x", "cannot be split"),
        ("containerMemory=1.5", "containerMemory is a whole number"),
    ],
)
def test_what_cannot_even_be_sent_is_refused(typed: str, said: str) -> None:
    with pytest.raises(FormProblem, match=said):
        registration(QueryDict(f"family=x&image=y&{typed}"))


def test_a_run_without_overrides_overrides_nothing() -> None:
    assert run(QueryDict("taskDefinition=web&container=app")) == {"taskDefinition": "web", "cluster": "default"}
