"""How fast the lists answer: a thousand tasks, ten thousand messages, as many requests as are kept, 500 of many a kind.

    python -m bench.console [--tasks 1000] [--messages 10000] [--things 500] [--rounds 20]

Starts a database of its own (as the tests do) and asks the pages and the admin API in this process, through Django's
whole handler; nothing runs, all of it is rows. Goal: every list within 150 ms.
"""

import argparse
import importlib
import os
import statistics
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import django
from django.core.management import call_command

PAGES = (
    "/",
    "/search?q=thing-49",
    "/clusters/",
    "/clusters/default/",
    "/clusters/default/?page=20",
    "/clusters/default/?status=RUNNING&family=web",
    "/clusters/default/services/web/",
    "/services/",
    "/task-definitions/",
    "/queues/",
    "/queues/many/",
    "/tables/",
    "/tables/many/",
    "/secrets/",
    "/parameters/",
    "/logs/",
    "/alarms/",
    "/metrics/",
    "/iam/roles/",
    "/names/",
    "/network/",
    "/images/",
    "/load-balancers/",
    "/requests/",
    "/requests/?service=sqs&status=4xx",
    "/access/",
    "/people/",
    "/resources/ec2/subnets/",
    "/resources/ecs/task-definitions/",
    "/resources/sqs/queues/",
    "/resources/ssm/parameters/",
    "/resources/iam/roles/",
    "/resources/secretsmanager/secrets/",
    "/resources/dynamodb/tables/",
    "/resources/logs/log-groups/",
    "/_simfra/accounts?limit=100",
    "/_simfra/debug/requests?limit=100",
    "/_simfra/debug/requests?service=sqs",
    "/_simfra/debug/requests/counts",
    "/_simfra/load-balancers",
    "/_simfra/port-forwards",
    "/_simfra/storage/summary",
    "/_simfra/audit?limit=100",
    "/_simfra/images",
)
GOAL_MS = 150


def main() -> None:
    """Make the rows, ask each page, print milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--things", type=int, default=500, help="of each other kind")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()

    # The servers first: Django reads where they are when it is set up.
    servers = importlib.import_module("tests.servers")
    try:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "simfra.settings")
        django.setup()
        call_command("migrate", verbosity=0)
        _fill(options.tasks)
        _fill_queue(options.messages)
        _fill_kinds(options.things)
        _fill_requests()
        slow = _measure(options.rounds)
    finally:
        servers.pytest_unconfigure()
    raise SystemExit(f"slower than {GOAL_MS} ms: {', '.join(slow)}" if slow else 0)


def _measure(rounds: int) -> list[str]:
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    slow = []
    print(f"{'page':50} {'median ms':>10} {'worst ms':>10} {'of it CPU':>10}")
    for page in PAGES:
        times_ms = []
        began_cpu = time.process_time()
        for _ in range(rounds):
            began = time.perf_counter()
            answer = client.get(page)
            times_ms.append(1000 * (time.perf_counter() - began))
            assert answer.status_code == 200, (page, answer.status_code, answer.content[:300])
        median, cpu_ms = statistics.median(times_ms), 1000 * (time.process_time() - began_cpu) / rounds
        print(f"{page:50} {median:10.1f} {max(times_ms):10.1f} {cpu_ms:10.1f}")
        if median > GOAL_MS:
            slow.append(page)
    return slow


def _fill(count: int) -> None:
    """A service of so many tasks, in the default account; nothing starts, since nobody works here."""
    from django.conf import settings

    from aws_api.core.reconcile import set_kicker
    from aws_api.services.ecs.models import Task
    from console.scope import Scope

    set_kicker(lambda _kind, _key: None)
    scope = Scope(settings.SIMFRA_DEFAULT_ACCOUNT_ID, settings.SIMFRA_DEFAULT_REGION)
    container = {"name": "app", "image": "busybox", "memory": 64}
    scope.call_as_sent("ecs", "RegisterTaskDefinition", {"family": "web", "containerDefinitions": [container]})
    scope.call("ecs", "CreateCluster", clusterName="default")
    scope.call("ecs", "CreateService", serviceName="web", taskDefinition="web", desiredCount=count, launchType="EC2")
    arn = scope.call("ecs", "RunTask", taskDefinition="web")["tasks"][0]["taskArn"]
    row = Task.objects.get(arn=arn)
    kept = {field.attname: getattr(row, field.attname) for field in Task._meta.concrete_fields}
    kept = {name: value for name, value in kept.items() if name not in ("id", "credentials_id")}
    running: dict[str, Any] = {"last_status": "RUNNING", "last_started_at": datetime.now(UTC), "service_name": "web"}
    rows = []
    for _ in range(count):
        task_id = uuid.uuid4().hex
        rows.append(Task(**{**kept, **running, "task_id": task_id, "arn": f"{arn.rpartition('/')[0]}/{task_id}"}))
    Task.objects.bulk_create(rows)


def _scope() -> Any:
    from django.conf import settings

    from console.scope import Scope

    return Scope(settings.SIMFRA_DEFAULT_ACCOUNT_ID, settings.SIMFRA_DEFAULT_REGION)


def _fill_queue(count: int) -> None:
    """A queue, and a table, of so much."""
    scope = _scope()
    url = scope.call("sqs", "CreateQueue", QueueName="many")["QueueUrl"]
    for first in range(0, count, 10):
        entries = [{"Id": str(n), "MessageBody": f"message {first + n}"} for n in range(10)]
        scope.call("sqs", "SendMessageBatch", QueueUrl=url, Entries=entries)
    _make_table("many")
    for first in range(0, count // 10, 25):
        puts = [{"PutRequest": {"Item": {"id": {"S": f"{first + n:06}"}}}} for n in range(25)]
        scope.call("dynamodb", "BatchWriteItem", RequestItems={"many": puts})


def _make_table(name: str) -> None:
    _scope().call(
        "dynamodb",
        "CreateTable",
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )


def _fill_kinds(count: int) -> None:
    """So many of each kind that people list."""
    scope = _scope()
    container = {"name": "app", "image": "busybox", "memory": 64}
    for number in range(count):
        name = f"thing-{number}"
        scope.call("sqs", "CreateQueue", QueueName=name)
        scope.call("ssm", "PutParameter", Name=f"/{name}", Value="x", Type="String")
        scope.call("secretsmanager", "CreateSecret", Name=name, SecretString="x")
        scope.call("logs", "CreateLogGroup", logGroupName=name)
        scope.call("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=_TRUST)
        scope.call("ecr", "CreateRepository", repositoryName=name)
        scope.call_as_sent("ecs", "RegisterTaskDefinition", {"family": name, "containerDefinitions": [container]})
        _make_table(name)
        alarm = {"Namespace": "Shop", "MetricName": name, "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
        comparison = {"Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}
        scope.call("cloudwatch", "PutMetricAlarm", AlarmName=name, **alarm, **comparison)
        scope.call("cloudwatch", "PutMetricData", Namespace="Shop", MetricData=[{"MetricName": name, "Value": 1.0}])


_TRUST = (
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", '
    '"Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}}'
)


def _fill_requests() -> None:
    """As many requests as are kept."""
    import orjson
    from django.conf import settings

    from aws_api.core import bus
    from aws_api.core.execution import run_on_loop
    from aws_api.gateway.records import KEPT, LIST

    scope = _scope()
    record = {
        "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "method": "POST",
        "path": "/",
        "service": "sqs",
        "operation": "SendMessage",
        "status": 200,
        "duration_ms": 1.5,
        "account_id": scope.account_id,
        "region": scope.region,
        "principal": f"arn:aws:iam::{scope.account_id}:root",
        "parameters": {"QueueUrl": f"{settings.SIMFRA_ENDPOINT}/{scope.account_id}/many", "MessageBody": "x" * 500},
        "fault": "",
        "error": "",
        "decisions": [],
    }
    records = [orjson.dumps({**record, "id": uuid.uuid4().hex}) for _ in range(KEPT)]
    run_on_loop(bus.append_async(LIST, records, keep=KEPT))


if __name__ == "__main__":
    main()
