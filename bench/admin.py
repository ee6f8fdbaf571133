"""The admin API's times: an account for a test run, and lists with a thousand tasks and ten thousand messages.

.venv/bin/python -m bench.admin http://localhost:4599
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from simfra.testing import Account, Simfra

ROUNDS = 30
TASKS, MESSAGES = 1000, 10_000


def main(url: str) -> None:
    simfra = Simfra(url)
    made: list[Account] = []
    report("create an account", lambda: made.append(simfra.create_account()), limit_ms=50)
    report("delete it", lambda: made.pop().delete())
    with simfra.temporary_account() as account:
        fill(account)
        for path in (
            "accounts?limit=100",
            "debug/requests?limit=100",
            "debug/requests/counts",
            "storage/summary",
            "docker/containers?limit=100",
            "docker/summary",
            "load-balancers",
            "port-forwards",
        ):
            report(f"GET /{path}", lambda path=path: simfra.api.call("GET", path), limit_ms=150)
        wait = simfra.wait(account)
        report("wait for what holds", lambda: wait.queue("many", MESSAGES), limit_ms=150)


def fill(account: Account) -> None:
    """Tasks that wait for an engine, and messages."""
    ecs, sqs = account.client("ecs"), account.client("sqs")
    ecs.register_task_definition(
        family="web", containerDefinitions=[{"name": "app", "image": "nowhere.invalid/none", "memory": 16}]
    )
    for _ in range(TASKS // 10):
        ecs.run_task(taskDefinition="web", count=10)
    url = sqs.create_queue(QueueName="many")["QueueUrl"]
    for first in range(0, MESSAGES, 10):
        entries = [{"Id": str(number), "MessageBody": str(first + number)} for number in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


def report(what: str, work: Callable[[], Any], limit_ms: float | None = None) -> None:
    """Print how long it takes: the median and the longest of some rounds."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    median = statistics.median(times)
    verdict = "" if limit_ms is None else f"   {'within' if median <= limit_ms else 'OVER'} {limit_ms:g} ms"
    print(f"{what:34} {median:8.1f} ms median {max(times):8.1f} ms longest{verdict}")


if __name__ == "__main__":
    main(sys.argv[1])
