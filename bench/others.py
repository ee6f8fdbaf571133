"""Calls of STS, SSM and ECS: small reads that applications and their tools make all the time."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from bench.load import CONCURRENCIES, Endpoint, presign
from bench.table import Table

#: Tasks of one cluster, and of one RunTask.
TASKS = 100
RUN_AT_ONCE = 10


def measure(endpoint: Endpoint, table: Table, seconds: float) -> None:
    """All figures of one server; a call that it refuses to prepare is left out, and said so."""
    for name, prepare in (("sts", _identity), ("ssm", _parameter), ("ecs", _tasks)):
        client = endpoint.client(name)
        try:
            calls = list(prepare(client))
        except (ClientError, BotoCoreError) as error:
            print(f"{endpoint.name} {name}: left out, {error}")
            continue
        for call, method, parameters in calls:
            requests = presign(client, [(method, parameters)] * 20)
            for concurrency in CONCURRENCIES:
                table.measure(endpoint, call, requests, concurrency=concurrency, seconds=seconds)


def _identity(_client: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "GetCallerIdentity", "get_caller_identity", {}


def _parameter(client: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    name = f"/bench/{uuid4().hex[:8]}"
    client.put_parameter(Name=name, Value="x" * 100, Type="String")
    yield "GetParameter", "get_parameter", {"Name": name}


def _tasks(client: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A cluster with tasks that nobody runs: only reading them is measured."""
    name = f"bench-{uuid4().hex[:8]}"
    client.create_cluster(clusterName=name)
    client.register_task_definition(
        family=name, containerDefinitions=[{"name": "app", "image": "app", "memory": 64, "essential": True}]
    )
    arns: list[str] = []
    for _ in range(TASKS // RUN_AT_ONCE):
        run = client.run_task(cluster=name, taskDefinition=name, count=RUN_AT_ONCE, launchType="EC2")
        arns += [task["taskArn"] for task in run["tasks"]]
    for count in (RUN_AT_ONCE, TASKS):
        yield f"DescribeTasks({count})", "describe_tasks", {"cluster": name, "tasks": arns[:count]}
    yield f"ListTasks, {TASKS}", "list_tasks", {"cluster": name}
