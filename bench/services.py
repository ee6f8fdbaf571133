"""What services cost beside plain tasks and plain containers: replacements, many tasks at once, and idling.

    python -m bench.services [--rounds 5] [--tasks 50] [--idle 20] [--seconds 60] [--pid PID] [--image ...]

Needs a running instance (`manage.py up`, whose process is PID: without it nothing is said of idling) and its Docker
engine. What is compared is measured in turns, since other work on the machine comes and goes. Goals: a killed task's
replacement is RUNNING and registered within twice the time that a plain task takes to RUNNING; a service of 50 tasks
is steady within 1.5 times of 50 `docker run -d`, both on the engine's bridge and all asked for at once; 20 steady
services, whose targets a load balancer checks, take less than 3 % of a core.
"""

import argparse
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

import docker
from bench.usage import cpu_s

NAME = "bench-services"
BRIDGE = f"{NAME}-bridge"
LABEL = "simfra.bench=services"
#: Ends at once when it is asked to.
COMMAND = ["sh", "-c", 'mkdir -p /tmp/web; httpd -p 8080 -h /tmp/web; trap "exit 0" TERM; sleep 3600 & wait']
#: How many `docker run -d` are under way at once.
CALLERS = 16
MAX_WAIT_S = 300
_POLL_S = 0.02
_SETTLE_S = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=50)
    parser.add_argument("--idle", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--pid", type=int)
    parser.add_argument("--image", default="simfra-test-busybox:1")
    arguments = parser.parse_args()
    bench = Bench(arguments.image)
    try:
        bench.prepare()
        if arguments.rounds:
            replacing(bench, arguments.rounds)
        if arguments.tasks:
            together(bench, arguments.tasks)
        if arguments.idle and arguments.pid:
            idling(bench, arguments.idle, arguments.seconds, arguments.pid)
    finally:
        bench.clean()


def replacing(bench: "Bench", rounds: int) -> None:
    """A plain task to RUNNING, and a killed one's replacement to RUNNING and a target, in turns."""
    bench.balanced_service("replaced", 2)
    bench.await_steady("replaced")
    plain, replaced, healthy = [], [], []
    for _ in range(rounds):
        plain.append(bench.plain_task())
        registered_s, healthy_s = bench.replacement("replaced")
        replaced.append(registered_s)
        healthy.append(healthy_s)
        bench.await_steady("replaced")
        time.sleep(_SETTLE_S)
    show("a plain task, RUNNING", plain)
    show("a replacement, RUNNING and registered", replaced)
    show("a replacement, healthy", healthy)
    show_ratio("replacement / plain task", replaced, plain)
    bench.end("replaced")


def together(bench: "Bench", count: int) -> None:
    """So many containers by the engine's own command, as tasks, and as a service's, each until all run."""
    containers = bench.containers(count)
    tasks = bench.tasks(count)
    began = time.monotonic()
    bench.plain_service("many", count)
    bench.await_running("many", count)
    running = time.monotonic() - began
    bench.await_steady("many")
    steady = time.monotonic() - began
    bench.end("many")
    print(f"{count} at once: docker run -d {containers:.1f} s, RunTask {tasks:.1f} s, service {running:.1f} s RUNNING")
    print(f"the service was steady after {steady:.1f} s: {steady / containers:.2f}x of docker run -d", flush=True)


def idling(bench: "Bench", count: int, seconds: int, process: int) -> None:
    """What the instance's processes take while nobody asks anything, without and with steady services."""
    before = share_of_core(process, seconds)
    names = [f"idle-{number}" for number in range(count)]
    for name in names:
        bench.balanced_service(name, 1)
    for name in names:
        bench.await_steady(name)
    time.sleep(_SETTLE_S)
    after = share_of_core(process, seconds)
    print(f"idle: {before:.2%} of a core; with {count} steady services {after:.2%}: {after - before:.2%} for them")
    for name in names:
        bench.end(name)


def share_of_core(process: int, seconds: int) -> float:
    """What a process and all below it take of a core."""
    before = cpu_s([process])
    time.sleep(seconds)
    return (cpu_s([process]) - before) / seconds


class Bench:
    """Runs containers, tasks and services of one image, and says how long that took."""

    def __init__(self, image: str) -> None:
        options: dict[str, Any] = {
            "endpoint_url": os.environ.get("AWS_ENDPOINT_URL", "http://localhost:4599"),
            "region_name": "us-east-1",
            "aws_access_key_id": os.environ.get("AWS_ACCESS_KEY_ID", "test"),
            "aws_secret_access_key": os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
            "config": Config(max_pool_connections=CALLERS),
        }
        self._ecs, self._ec2, self._elbv2 = (boto3.client(name, **options) for name in ("ecs", "ec2", "elbv2"))
        self._engine = docker.APIClient()
        self._image = image
        self._network: dict[str, Any] = {}
        self._vpc = self._listener = ""
        self._groups: dict[str, str] = {}

    def prepare(self) -> None:
        """Make the task definition and the load balancer, and the VPC's network with a first task."""
        subnets = self._ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
        self._vpc = subnets[0]["VpcId"]
        self._network = {"awsvpcConfiguration": {"subnets": [subnets[0]["SubnetId"]]}}
        container = {
            "name": "app",
            "image": self._image,
            "command": COMMAND,
            "memory": 16,
            "portMappings": [{"containerPort": 8080}],
        }
        self._ecs.register_task_definition(family=NAME, networkMode="awsvpc", containerDefinitions=[container])
        self._ecs.register_task_definition(family=BRIDGE, containerDefinitions=[{**container, "portMappings": []}])
        balancer = self._elbv2.create_load_balancer(
            Name=NAME, Subnets=[subnet["SubnetId"] for subnet in subnets[:2]], Scheme="internal"
        )["LoadBalancers"][0]["LoadBalancerArn"]
        answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        self._listener = self._elbv2.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[answer]
        )["Listeners"][0]["ListenerArn"]
        self.plain_task()

    def balanced_service(self, name: str, count: int) -> None:
        """Create a service in the VPC, with a target group and a rule that leads there."""
        self._ecs.create_service(
            serviceName=name,
            taskDefinition=NAME,
            desiredCount=count,
            networkConfiguration=self._network,
            loadBalancers=[{"containerName": "app", "containerPort": 8080, "targetGroupArn": self._group(name)}],
        )

    def plain_service(self, name: str, count: int) -> None:
        """Create a service on the bridge."""
        self._ecs.create_service(serviceName=name, taskDefinition=BRIDGE, desiredCount=count)

    def plain_task(self) -> float:
        """From RunTask until RUNNING."""
        began = time.monotonic()
        (task,) = self._run(NAME, 1, networkConfiguration=self._network)
        self._await(lambda: self._statuses([task]) == {"RUNNING"}, "the task")
        took = time.monotonic() - began
        self._stop([task])
        return took

    def tasks(self, count: int) -> float:
        """On the bridge, from the first RunTask until all are RUNNING."""
        began = time.monotonic()
        arns: list[str] = []
        while len(arns) < count:
            arns += self._run(BRIDGE, min(10, count - len(arns)))
        self._await(lambda: self._statuses(arns) == {"RUNNING"}, "the tasks")
        took = time.monotonic() - began
        self._stop(arns)
        return took

    def containers(self, count: int) -> float:
        """The same image by the Docker CLI."""
        command = ["docker", "run", "-d", "--label", LABEL, "-m", "16m", self._image, *COMMAND]
        began = time.monotonic()
        with ThreadPoolExecutor(CALLERS) as pool:
            list(pool.map(lambda _: subprocess.run(command, check=True, capture_output=True), range(count)))
        took = time.monotonic() - began
        self._remove_containers()
        return took

    def replacement(self, name: str) -> tuple[float, float]:
        """From the end of a task's container until another task is RUNNING and a target, and until it is healthy."""
        before = set(self._ecs.list_tasks(serviceName=name)["taskArns"])
        filters = {"label": [f"simfra.key={min(before)}", "simfra.role=app"]}
        (container,) = self._engine.containers(filters=filters)
        began = time.monotonic()
        self._engine.kill(container["Id"])
        address = ""

        def is_registered() -> bool:
            nonlocal address
            new = [arn for arn in self._ecs.list_tasks(serviceName=name)["taskArns"] if arn not in before]
            if not new or self._statuses(new) != {"RUNNING"}:
                return False
            details = self._ecs.describe_tasks(tasks=new)["tasks"][0]["attachments"][0]["details"]
            address = next(detail["value"] for detail in details if detail["name"] == "privateIPv4Address")
            return address in self._health(name)

        self._await(is_registered, "the replacement")
        registered = time.monotonic() - began
        self._await(lambda: self._health(name).get(address) == "healthy", "the replacement's health")
        return registered, time.monotonic() - began

    def await_running(self, name: str, count: int) -> None:
        """Until so many of the service's tasks are RUNNING."""
        self._await(lambda: bool(self._described(name)["runningCount"] == count), f"{name}'s tasks")

    def await_steady(self, name: str) -> None:
        """Until the service's one deployment is completed and runs all its tasks."""

        def is_steady() -> bool:
            service = self._described(name)
            is_done = [each["rolloutState"] for each in service["deployments"]] == ["COMPLETED"]
            return is_done and service["runningCount"] == service["desiredCount"]

        self._await(is_steady, f"{name} to be steady")

    def end(self, name: str) -> None:
        """Delete a service and wait until it is gone."""
        self._ecs.delete_service(service=name, force=True)
        self._await(lambda: bool(self._described(name)["status"] == "INACTIVE"), f"the end of {name}")

    def clean(self) -> None:
        """Take all of it away."""
        self._remove_containers()
        for arn in self._ecs.list_services(maxResults=100)["serviceArns"]:
            self._ecs.delete_service(service=arn, force=True)
        for made in self._elbv2.describe_load_balancers()["LoadBalancers"]:
            if made["LoadBalancerName"] == NAME:
                self._elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
        for arn in self._groups.values():
            self._elbv2.delete_target_group(TargetGroupArn=arn)

    def _group(self, name: str) -> str:
        """A service's target group, with a rule so that its targets are checked."""
        if name not in self._groups:
            arn = self._elbv2.create_target_group(
                Name=f"{NAME}-{name}",
                Protocol="HTTP",
                Port=8080,
                TargetType="ip",
                VpcId=self._vpc,
                Matcher={"HttpCode": "200-499"},
            )["TargetGroups"][0]["TargetGroupArn"]
            self._groups[name] = str(arn)
            delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}]
            self._elbv2.modify_target_group_attributes(TargetGroupArn=arn, Attributes=delay)
            self._elbv2.create_rule(
                ListenerArn=self._listener,
                Priority=len(self._groups),
                Conditions=[{"Field": "path-pattern", "Values": [f"/{name}"]}],
                Actions=[{"Type": "forward", "TargetGroupArn": arn}],
            )
        return self._groups[name]

    def _run(self, family: str, count: int, **request: Any) -> list[str]:
        answer = self._ecs.run_task(taskDefinition=family, count=count, **request)
        return [task["taskArn"] for task in answer["tasks"]]

    def _stop(self, arns: Sequence[str]) -> None:
        for arn in arns:
            self._ecs.stop_task(task=arn)
        self._await(lambda: self._statuses(arns) == {"STOPPED"}, "the tasks' end")

    def _statuses(self, arns: Sequence[str]) -> set[str]:
        return {task["lastStatus"] for task in self._ecs.describe_tasks(tasks=arns)["tasks"]}

    def _health(self, name: str) -> dict[str, str]:
        found = self._elbv2.describe_target_health(TargetGroupArn=self._groups[name])["TargetHealthDescriptions"]
        return {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in found}

    def _described(self, name: str) -> dict[str, Any]:
        service: dict[str, Any] = self._ecs.describe_services(services=[name])["services"][0]
        return service

    def _remove_containers(self) -> None:
        found = [each["Id"] for each in self._engine.containers(all=True, filters={"label": LABEL})]
        with ThreadPoolExecutor(CALLERS) as pool:
            list(pool.map(lambda identifier: self._engine.remove_container(identifier, force=True), found))

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + MAX_WAIT_S
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(_POLL_S)
        raise TimeoutError(f"waited {MAX_WAIT_S} s for {what}")


def show(name: str, seconds: Sequence[float]) -> None:
    print(f"{name:<40} min {min(seconds):.2f}  median {statistics.median(seconds):.2f}  max {max(seconds):.2f} s")


def show_ratio(name: str, ours: Sequence[float], floor: Sequence[float]) -> None:
    ratio = statistics.median(a / b for a, b in zip(ours, floor, strict=True))
    print(f"{name:<40} median of pairs: {ratio:.2f}x", flush=True)


if __name__ == "__main__":
    main()
