"""Tasks in the browser: long lists by pages and filters, the environment, what they use, stopping one."""

import asyncio
import uuid
from collections.abc import Callable
from html import unescape
from typing import Any

import orjson
from django.test import Client

from aws_api.core import bus
from aws_api.core.container_statistics import Question, answer_questions
from aws_api.services.ecs.models import Task
from console.usage import use_of
from tests.console.test_live import connected, received
from tests.console.test_pages import page
from tests.support.threads import in_thread

RunTask = Callable[..., str]
STATISTICS = {
    "cpu_stats": {"cpu_usage": {"total_usage": 300}, "system_cpu_usage": 2000, "online_cpus": 2},
    "precpu_stats": {"cpu_usage": {"total_usage": 200}, "system_cpu_usage": 1000},
    "memory_stats": {"usage": 5000, "stats": {"inactive_file": 1000}},
}


def copies(arn: str, count: int, **columns: Any) -> None:
    """More tasks like one that runs."""
    row = Task.objects.get(arn=arn)
    kept = {each.attname: getattr(row, each.attname) for each in Task._meta.concrete_fields}
    kept = {name: value for name, value in kept.items() if name not in ("id", "credentials_id")}
    ids = [uuid.uuid4().hex for _ in range(count)]
    prefix = arn.rpartition("/")[0]
    rows = [Task(**{**kept, "task_id": each, "arn": f"{prefix}/{each}", **columns}) for each in ids]
    Task.objects.bulk_create(rows)


def test_a_thousand_tasks_have_pages(browser: Client, run_task: RunTask) -> None:
    copies(run_task(), 999)
    text = page(browser, "/clusters/default/")
    assert "Page 1 of 20, 1000 in all" in text
    assert text.count("/clusters/default/tasks/") == 50
    assert "Page 20 of 20" in page(browser, "/clusters/default/?page=20")
    assert "All 1000 tasks" in page(browser, "/")


def test_tasks_are_filtered(browser: Client, run_task: RunTask) -> None:
    copies(run_task(), 1, service_name="shop", family="other", last_status="PENDING")
    for asked in ("status=PENDING", "service=shop", "family=other"):
        assert page(browser, f"/clusters/default/?{asked}").count("/clusters/default/tasks/") == 1, asked
    assert "No task is like this." in page(browser, "/clusters/default/?service=none")
    assert "No task like this stopped" in page(browser, "/clusters/default/?status=STOPPED")


def test_pages_keep_the_filter(browser: Client, run_task: RunTask) -> None:
    copies(run_task(), 60, service_name="shop&co")
    assert "?service=shop%26co&amp;page=2" in page(browser, "/clusters/default/?service=shop%26co")


def test_a_task_is_stopped(browser: Client, run_task: RunTask, aws: Callable[..., Any]) -> None:
    arn = run_task()
    address = f"/clusters/default/tasks/{arn.rpartition('/')[2]}/"
    assert browser.post(f"{address}stop")["location"] == address
    assert "The task is stopping." in page(browser, address)
    assert aws("ecs").describe_tasks(tasks=[arn])["tasks"][0]["desiredStatus"] == "STOPPED"


def test_another_accounts_task_is_not_stopped(browser: Client, run_task: RunTask, aws: Callable[..., Any]) -> None:
    arn = run_task()
    Client().post(f"/clusters/default/tasks/{arn.rpartition('/')[2]}/stop")
    assert aws("ecs").describe_tasks(tasks=[arn])["tasks"][0]["desiredStatus"] == "RUNNING"


def test_the_environment_is_shown_without_secrets(browser: Client, aws: Callable[..., Any]) -> None:
    ecs = aws("ecs")
    trusted = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
    trust = orjson.dumps({"Version": "2012-10-17", "Statement": [trusted]}).decode()
    role = aws("iam").create_role(RoleName="execution", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    secret = aws("secretsmanager").create_secret(Name="db", SecretString="hunter2")["ARN"]
    given = {"STAGE": "dev", "DB_PASSWORD": "hunter3", "LATER": "no"}
    ecs.register_task_definition(
        family="web",
        executionRoleArn=role,
        containerDefinitions=[
            {
                "name": "app",
                "image": "busybox",
                "memory": 64,
                "environment": [{"name": name, "value": value} for name, value in given.items()],
                "secrets": [{"name": "DB", "valueFrom": secret}],
            }
        ],
    )
    override = {"name": "app", "environment": [{"name": "LATER", "value": "yes"}]}
    arn = ecs.run_task(taskDefinition="web", overrides={"containerOverrides": [override]})["tasks"][0]["taskArn"]
    text = unescape(page(browser, f"/clusters/default/tasks/{arn.rpartition('/')[2]}/"))
    shown = text.partition('id="environment-title"')[2]
    assert "STAGE" in shown
    assert ">yes" in shown
    assert secret in shown
    assert "hunter" not in shown


def test_use_is_what_docker_says() -> None:
    use = use_of(STATISTICS)
    assert (use.cpu_percent, use.memory_bytes) == (20.0, 4000)
    assert use_of({}).cpu_percent == 0


async def test_what_is_used_goes_live_only_while_somebody_watches(browser: Client, run_task: RunTask) -> None:
    arn = await in_thread(run_task)
    task_id = arn.rpartition("/")[2]
    asked: list[str] = []

    def answer(question: Question) -> None:
        asked.extend(question.names)
        found = dict.fromkeys(question.names, STATISTICS)
        asyncio.get_running_loop().create_task(bus.publish_async((question.answer_to, orjson.dumps(found))))

    desk = asyncio.create_task(answer_questions(answer))
    try:
        async with connected(f"/_simfra/live/clusters/default/tasks/{task_id}", browser) as socket:
            await received(socket, 'hx-target="#usage-memory-app" hx-swap="beforeend"><data data-points="\\[\\[')
        async with connected("/_simfra/live/home", browser) as socket:
            await received(socket, 'data-series="web" id="usage-cpu-web"><data data-points="\\[\\[[0-9.]+,20.0')
        watched = len(asked)
        async with connected("/_simfra/live/services", browser) as socket:
            await received(socket, "services")
        assert set(asked) == {f"ecs-web-1-app-{task_id[:12]}"}
        assert len(asked) == watched, "nobody looks at figures any more"
    finally:
        desk.cancel()
