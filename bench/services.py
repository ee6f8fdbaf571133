"""What services cost: idle ones, many tasks at once, and the replacement of a killed one, against plain tasks.

Run it against a running Simfra with the image on the engine: ``python bench/services.py IMAGE PID``, where PID is
that of ``manage.py up``; the CPU time of it and its processes is read from /proc.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

IDLE_SERVICES = 20
IDLE_S = 30
MANY = int(os.environ.get("BENCH_TASKS", "20"))
PATIENCE_S = 300


def main() -> None:
    image, parent = sys.argv[1], int(sys.argv[2])
    ecs = boto3.client("ecs")
    container = {"name": "app", "image": image, "memory": 16, "command": ["sleep", "3600"], "stopTimeout": 2}
    ecs.register_task_definition(family="bench", containerDefinitions=[container])
    print(f"{MANY} plain tasks RUNNING after {plain_tasks(ecs):.1f} s")
    began = time.monotonic()
    ecs.create_service(serviceName="many", taskDefinition="bench", desiredCount=MANY)
    wait(lambda: count(ecs, "many") == MANY)
    print(f"a service of {MANY}: RUNNING after {time.monotonic() - began:.1f} s")
    print(f"one more task: {one_task(ecs):.2f} s; a stopped one is replaced in {replacement(ecs):.2f} s")
    end(ecs, ["many"])
    names = [f"idle-{number}" for number in range(IDLE_SERVICES)]
    before = idle(parent)
    for name in names:
        ecs.create_service(serviceName=name, taskDefinition="bench", desiredCount=1)
    wait(lambda: all(count(ecs, name) == 1 for name in names))
    time.sleep(20)  # until the last deployment is completed
    print(f"idle: {before:.1%} of a core without services, {idle(parent):.1%} with {IDLE_SERVICES} steady ones")
    end(ecs, names)


def plain_tasks(ecs: Any) -> float:
    began = time.monotonic()
    arns: list[str] = []
    while len(arns) < MANY:
        asked = min(10, MANY - len(arns))
        arns += [task["taskArn"] for task in ecs.run_task(taskDefinition="bench", count=asked)["tasks"]]
    wait(lambda: {task["lastStatus"] for task in ecs.describe_tasks(tasks=arns)["tasks"]} == {"RUNNING"})
    took = time.monotonic() - began
    for arn in arns:
        ecs.stop_task(task=arn)
    wait(lambda: {task["lastStatus"] for task in ecs.describe_tasks(tasks=arns)["tasks"]} == {"STOPPED"})
    return took


def one_task(ecs: Any) -> float:
    began = time.monotonic()
    (task,) = ecs.run_task(taskDefinition="bench")["tasks"]
    wait(lambda: ecs.describe_tasks(tasks=[task["taskArn"]])["tasks"][0]["lastStatus"] == "RUNNING")
    took = time.monotonic() - began
    ecs.stop_task(task=task["taskArn"])
    return took


def replacement(ecs: Any) -> float:
    """From StopTask to the replacement RUNNING."""
    before = set(ecs.list_tasks(serviceName="many")["taskArns"])
    began = time.monotonic()
    ecs.stop_task(task=min(before))

    def replaced() -> bool:
        new = [arn for arn in ecs.list_tasks(serviceName="many")["taskArns"] if arn not in before]
        return bool(new) and ecs.describe_tasks(tasks=new)["tasks"][0]["lastStatus"] == "RUNNING"

    wait(replaced)
    return time.monotonic() - began


def count(ecs: Any, name: str) -> int:
    return int(ecs.describe_services(services=[name])["services"][0]["runningCount"])


def end(ecs: Any, names: list[str]) -> None:
    for name in names:
        ecs.delete_service(service=name, force=True)
    wait(lambda: all(ecs.describe_services(services=[name])["services"][0]["status"] == "INACTIVE" for name in names))


def idle(parent: int) -> float:
    """The share of a core that Simfra's processes take while nobody asks anything."""
    before = cpu_s(parent)
    time.sleep(IDLE_S)
    return (cpu_s(parent) - before) / IDLE_S


def cpu_s(parent: int) -> float:
    """CPU seconds of a process and all below it."""
    spent: dict[int, tuple[int, float]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks = sum(map(int, fields[11:15]))
        spent[int(path.parent.name)] = (int(fields[1]), ticks / os.sysconf("SC_CLK_TCK"))
    family = {parent}
    for _ in range(10):
        family |= {pid for pid, (above, _) in spent.items() if above in family}
    return sum(spent[pid][1] for pid in family if pid in spent)


def wait(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends, "it takes too long"
        time.sleep(0.1)


if __name__ == "__main__":
    main()
