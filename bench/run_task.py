"""Tasks against plain `docker run -d` of the same image, side by side: started, started together, stopped and seen.

    python -m bench.run_task [--rounds 10] [--together 10 50] [--image simfra-test-busybox:1]

Needs a running instance (`manage.py up`) and the Docker engine. "Running" is the engine's own StartedAt of the
application's container, "ended" its FinishedAt; all are measured on one clock. What is compared is measured in turns,
and ratios are medians of pairs, since other work on the machine comes and goes.

Goals: a task runs within 1.8 times of `docker run -d`; 50 together within 1.3 times; StopTask to STOPPED within 0.5 s
after the process ends; an end is seen within 100 ms; DescribeTasks of 100 tasks within 15 ms; RunTask within 30 ms.
"""

import argparse
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config

import docker

FAMILY = "bench-run-task"
LABEL = "simfra.bench=run-task"
#: Ends at once when it is asked to.
COMMAND = ["sh", "-c", 'trap "exit 0" TERM; sleep 600 & wait']
DESCRIBED = 100
MAX_WAIT_S = 180
_POLL_S = 0.02
_SETTLE_S = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--together", type=int, nargs="*", default=[10, 50])
    parser.add_argument("--together-rounds", type=int, default=3)
    parser.add_argument("--image", default="simfra-test-busybox:1")
    arguments = parser.parse_args()
    bench = Bench(arguments.image)
    try:
        one_by_one(bench, arguments.rounds)
        for count in arguments.together:
            together(bench, count, arguments.together_rounds)
        stopping(bench, arguments.rounds)
        ending(bench, arguments.rounds)
        describing(bench)
    finally:
        bench.clean()


def one_by_one(bench: "Bench", rounds: int) -> None:
    """One task, one container, in turns."""
    bench.task()  # the VPC's network and gateway are made once
    bench.clean()
    answered, running, plain = [], [], []
    for _ in range(rounds):
        seconds = bench.task()
        answered.append(seconds[0])
        running.append(seconds[1])
        bench.clean()
        plain.append(bench.plain())
        bench.clean()
    show("RunTask answered", answered)
    show("task's process ran", running)
    show("docker run -d ran", plain)
    show_ratio("one by one", running, plain)


def together(bench: "Bench", count: int, rounds: int) -> None:
    """So many at the same time, each asked for by a caller of its own, until the last one's process runs."""
    tasks, plain = [], []
    for _ in range(rounds):
        tasks.append(bench.together(count, bench.start_task, "simfra.kind=ecs.task", "simfra.role=app"))
        bench.clean()
        plain.append(bench.together(count, bench.start_plain, LABEL))
        bench.clean()
    show(f"{count} tasks together", tasks)
    show(f"{count} docker run -d", plain)
    show_ratio(f"{count} together", tasks, plain)


def stopping(bench: "Bench", rounds: int) -> None:
    """From the process's end after StopTask until DescribeTasks says STOPPED."""
    lags = []
    for _ in range(rounds):
        bench.task()
        arn = bench.tasks[-1]
        bench.await_status(arn, "RUNNING")
        bench.ecs.stop_task(task=arn)
        task, seen_at = bench.await_status(arn, "STOPPED")
        lags.append(seen_at - task["executionStoppedAt"].timestamp())
    show("ended -> STOPPED", lags)


def ending(bench: "Bench", rounds: int) -> None:
    """From the end of a process that nobody asked to end until DescribeTasks says that the task stops."""
    lags = []
    for _ in range(rounds):
        bench.task(["sleep", "1.5"])
        arn = bench.tasks[-1]
        bench.await_status(arn, "RUNNING")
        _, seen_at = bench.await_status(arn, "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED")
        task, _ = bench.await_status(arn, "STOPPED")
        lags.append(seen_at - task["executionStoppedAt"].timestamp())
    bench.clean()
    show("ended -> seen", lags)


def describing(bench: "Bench") -> None:
    """DescribeTasks of a hundred tasks, on one warm connection. The tasks stop before they start."""
    arns: list[str] = []
    while len(arns) < DESCRIBED:
        arns += [task["taskArn"] for task in bench.run(count=10)]
        bench.stop()
    took = []
    for _ in range(20):
        asked = time.perf_counter()
        assert len(bench.ecs.describe_tasks(tasks=arns)["tasks"]) == DESCRIBED
        took.append(time.perf_counter() - asked)
    show(f"DescribeTasks({DESCRIBED}), with boto3", took)


class Bench:
    """Starts tasks and plain containers, and says after how many seconds their process ran."""

    def __init__(self, image: str) -> None:
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "http://localhost:4599")
        options: dict[str, Any] = {
            "endpoint_url": endpoint,
            "region_name": "us-east-1",
            "aws_access_key_id": os.environ.get("AWS_ACCESS_KEY_ID", "test"),
            "aws_secret_access_key": os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
            "config": Config(max_pool_connections=64),
        }
        self.tasks: list[str] = []
        self.ecs = boto3.client("ecs", **options)
        self._image = image
        subnet = boto3.client("ec2", **options).describe_subnets()["Subnets"][0]["SubnetId"]
        self._network = {"awsvpcConfiguration": {"subnets": [subnet]}}
        self._engine = docker.APIClient()
        container = {"name": "app", "image": image, "command": COMMAND, "memory": 32}
        self.ecs.register_task_definition(family=FAMILY, networkMode="awsvpc", containerDefinitions=[container])

    def run(self, command: Sequence[str] = (), count: int = 1) -> list[Any]:
        overrides = {"containerOverrides": [{"name": "app", "command": list(command)}]} if command else {}
        tasks: list[Any] = self.ecs.run_task(
            taskDefinition=FAMILY, networkConfiguration=self._network, overrides=overrides, count=count
        )["tasks"]
        self.tasks += [task["taskArn"] for task in tasks]
        return tasks

    def task(self, command: Sequence[str] = ()) -> tuple[float, float]:
        """Run a task: seconds until RunTask answered, and until the process ran."""
        asked = time.time()
        (task,) = self.run(command)
        answered = time.time()
        (started,) = self._started(1, f"simfra.key={task['taskArn']}", "simfra.role=app")
        return answered - asked, started - asked

    def plain(self) -> float:
        """The same image by the Docker CLI: seconds until the process ran."""
        asked = time.time()
        self.start_plain()
        (started,) = self._started(1, LABEL)
        return started - asked

    def start_task(self) -> None:
        self.run()

    def start_plain(self) -> None:
        command = ["docker", "run", "-d", "--label", LABEL, "-m", "32m", self._image, *COMMAND]
        subprocess.run(command, check=True, capture_output=True)

    def together(self, count: int, start: Callable[[], None], *labels: str) -> float:
        """Start that many together: seconds until the last one's process ran."""
        asked = time.time()
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(lambda _: start(), range(count)))
        return max(self._started(count, *labels)) - asked

    def await_status(self, arn: str, *statuses: str) -> tuple[Any, float]:
        """The task once it has one of the statuses, and when that was seen."""
        deadline = time.time() + MAX_WAIT_S
        while time.time() < deadline:
            task = self.ecs.describe_tasks(tasks=[arn])["tasks"][0]
            if task["lastStatus"] in statuses:
                return task, time.time()
            time.sleep(_POLL_S / 2)
        raise TimeoutError(f"{arn} was not {statuses} within {MAX_WAIT_S} s")

    def stop(self) -> None:
        """Ask every task to stop."""
        for arn in self.tasks:
            self.ecs.stop_task(task=arn)
        self.tasks.clear()

    def clean(self) -> None:
        """Stop and remove everything that was started, and let the machine come to rest."""
        self.stop()
        for container in self._engine.containers(all=True, filters={"label": LABEL}):
            self._engine.remove_container(container["Id"], force=True)
        deadline = time.time() + MAX_WAIT_S
        while time.time() < deadline:
            if not self._unsettled():
                time.sleep(_SETTLE_S)
                return
            time.sleep(0.2)

    def _unsettled(self) -> bool:
        arns = self.ecs.list_tasks(family=FAMILY, desiredStatus="STOPPED")["taskArns"]
        stopped = self.ecs.describe_tasks(tasks=arns)["tasks"] if arns else []
        is_running = bool(self.ecs.list_tasks(family=FAMILY)["taskArns"])
        return is_running or any(task["lastStatus"] != "STOPPED" for task in stopped)

    def _started(self, count: int, *labels: str) -> list[float]:
        """When the processes of so many containers with these labels started. One look for all of them at a time: the
        engine that is measured answers it."""
        deadline = time.time() + MAX_WAIT_S
        while time.time() < deadline:
            found = self._engine.containers(filters={"label": list(labels)})
            if len(found) >= count:
                return [self._started_at(each["Id"]) for each in found]
            time.sleep(_POLL_S * (1 + count // 10))
        raise TimeoutError(f"{count} containers did not run within {MAX_WAIT_S} s")

    def _started_at(self, identifier: str) -> float:
        text = self._engine.inspect_container(identifier)["State"]["StartedAt"]
        return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()


def show(name: str, seconds: Sequence[float]) -> None:
    low, middle, high = (value * 1000 for value in (min(seconds), statistics.median(seconds), max(seconds)))
    print(f"{name:<32} min {low:7.1f}  median {middle:7.1f}  max {high:7.1f} ms", flush=True)


def show_ratio(name: str, ours: Sequence[float], floor: Sequence[float]) -> None:
    ratio = statistics.median(a / b for a, b in zip(ours, floor, strict=True))
    print(f"{name:<32} tasks / docker run -d, median of pairs: {ratio:.2f}x", flush=True)


if __name__ == "__main__":
    main()
