"""From RunTask to the application's process running, against `docker run -d` of the same image, interleaved.

    python -m bench.run_task [--rounds 10] [--image simfra-test-busybox:1]

Needs a running instance (`manage.py up`) and the Docker engine. "Running" is the engine's own StartedAt of the
application's container; both sides are measured from the moment somebody asks, on one clock. Goals: a task runs within
1.8 times of `docker run -d`, and RunTask itself answers within 30 ms.
"""

import argparse
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import boto3

import docker

FAMILY = "bench-run-task"
LABEL = "simfra.bench=run-task"
COMMAND = ["sleep", "600"]
AT_ONCE = (10, 50)
MAX_WAIT_S = 120
_POLL_S = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--image", default="simfra-test-busybox:1")
    arguments = parser.parse_args()
    bench = Bench(arguments.image)
    try:
        bench.task()  # the VPC's network and gateway are made once
        rows = [(bench.task(), bench.plain()) for _ in range(arguments.rounds)]
        report(rows)
        for count in AT_ONCE:
            tasks = at_once(count, lambda: bench.task()[1])
            bench.clean()
            plain = at_once(count, bench.plain)
            bench.clean()
            ratio = f"{tasks / plain:.2f}x"
            print(f"{count} at once, until the last runs: tasks {tasks:.2f} s, docker run -d {plain:.2f} s, {ratio}")
    finally:
        bench.clean()


class Bench:
    """Starts tasks and plain containers, and says after how many seconds their process ran."""

    def __init__(self, image: str) -> None:
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "http://localhost:4599")
        options: dict[str, Any] = {
            "endpoint_url": endpoint,
            "region_name": "us-east-1",
            "aws_access_key_id": os.environ.get("AWS_ACCESS_KEY_ID", "test"),
            "aws_secret_access_key": os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
        }
        self._image = image
        self._ecs = boto3.client("ecs", **options)
        subnet = boto3.client("ec2", **options).describe_subnets()["Subnets"][0]["SubnetId"]
        self._network = {"awsvpcConfiguration": {"subnets": [subnet]}}
        self._engine = docker.APIClient()
        container = {"name": "app", "image": image, "command": COMMAND, "memory": 32}
        self._ecs.register_task_definition(family=FAMILY, networkMode="awsvpc", containerDefinitions=[container])
        self._tasks: list[str] = []

    def task(self) -> tuple[float, float]:
        """Run a task: seconds until RunTask answered, and until the process ran."""
        asked = time.time()
        arn = self._ecs.run_task(taskDefinition=FAMILY, networkConfiguration=self._network)["tasks"][0]["taskArn"]
        answered = time.time()
        self._tasks.append(arn)
        labels = {"label": [f"simfra.key={arn}", "simfra.role=app"]}
        return answered - asked, self._started(lambda: self._engine.containers(filters=labels)) - asked

    def plain(self) -> float:
        """The same image by the Docker CLI: seconds until the process ran."""
        asked = time.time()
        command = ["docker", "run", "-d", "--label", LABEL, "-m", "32m", self._image, *COMMAND]
        identifier = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        return self._started(lambda: [{"Id": identifier}]) - asked

    def clean(self) -> None:
        """Stop and remove everything that was started."""
        for arn in self._tasks:
            self._ecs.stop_task(task=arn)
        self._tasks.clear()
        for container in self._engine.containers(all=True, filters={"label": LABEL}):
            self._engine.remove_container(container["Id"], force=True)
        for _ in range(int(MAX_WAIT_S / 0.2)):
            if not self._ecs.list_tasks(desiredStatus="RUNNING", family=FAMILY)[
                "taskArns"
            ] and not self._engine.containers(filters={"label": ["simfra.kind=ecs.task"]}):
                return
            time.sleep(0.2)

    def _started(self, find: Callable[[], list[Any]]) -> float:
        deadline = time.time() + MAX_WAIT_S
        while time.time() < deadline:
            for found in find():
                state = self._engine.inspect_container(found["Id"])["State"]
                if state["Running"]:
                    return datetime.fromisoformat(state["StartedAt"][:26] + "+00:00").timestamp()
            time.sleep(_POLL_S)
        raise TimeoutError(f"no container ran within {MAX_WAIT_S} s")


def at_once(count: int, start: Callable[[], float]) -> float:
    """Start that many together: seconds until the last one's process ran."""
    with ThreadPoolExecutor(count) as pool:
        return max(pool.map(lambda _: start(), range(count)))


def report(rows: list[tuple[tuple[float, float], float]]) -> None:
    answered = [task[0] * 1000 for task, _ in rows]
    running = [task[1] * 1000 for task, _ in rows]
    plain = [seconds * 1000 for _, seconds in rows]
    ratio = statistics.median(a / b for a, b in zip(running, plain, strict=True))
    for name, values in (("RunTask answered", answered), ("task's process ran", running), ("docker run -d ran", plain)):
        print(f"{name:<22} min {min(values):6.0f}  median {statistics.median(values):6.0f}  max {max(values):6.0f} ms")
    print(f"task / docker run -d, median of pairs: {ratio:.2f}x")


if __name__ == "__main__":
    main()
