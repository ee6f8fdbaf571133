"""How fast the console's lists answer: a thousand tasks, as rows, in a cluster that runs none of them.

    python -m bench.console [--tasks 1000] [--rounds 20]

Starts a database of its own (as the tests do) and asks the pages in this process, through Django's whole handler. Goal:
every list within 150 ms.
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
    "/clusters/",
    "/clusters/default/",
    "/clusters/default/?page=20",
    "/clusters/default/?status=RUNNING&family=web",
    "/clusters/default/services/web/",
    "/services/",
    "/task-definitions/",
)
GOAL_MS = 150


def main() -> None:
    """Make the rows, ask each page, print milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()

    # The servers first: Django reads where they are when it is set up.
    servers = importlib.import_module("tests.servers")
    try:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "simfra.settings")
        django.setup()
        call_command("migrate", verbosity=0)
        _fill(options.tasks)
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
            assert answer.status_code == 200, (page, answer.status_code)
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


if __name__ == "__main__":
    main()
