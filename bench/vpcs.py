"""What a VPC costs: starting tasks with and without one, many tasks in one, many at once, and bytes between tasks.

    python -m bench.vpcs [--parts starts ...] [--rounds 10] [--tasks 200] [--vpcs 20] [--seconds 5]
        [--image simfra-test-busybox:1]

Needs a running instance (`manage.py up`) and its Docker engine. Goals: a task starts within 1.3 times of one with the
network mode ``none``, once the machine has come to rest after the one before; bytes flow between tasks at 80 % of a
plain Docker bridge's rate (the same few lines of Python, one connection, on both).
"""

import argparse
import statistics
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3

import docker

COMMAND = ["sleep", "3600"]
MAX_WAIT_S = 600
_POLL_S = 0.02
#: Until what a task left to do is done, and what the next one finds ready is made.
_REST_S = 4.0
PARTS = ("throughput", "starts", "tasks", "vpcs")
_SEND = """
import socket, sys, time
sent, data = 0, bytes(1 << 18)
with socket.create_connection((sys.argv[1], 5201)) as there:
    ends = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < ends:
        there.sendall(data)
        sent += len(data)
    there.shutdown(socket.SHUT_WR)
    there.recv(1)
print(sent * 8 / float(sys.argv[2]) / 1e9)
"""
_RECEIVE = """
import socket
listener = socket.create_server(("0.0.0.0", 5201))
print("READY", flush=True)
buffer = bytearray(1 << 18)
while True:
    connection, _ = listener.accept()
    while connection.recv_into(buffer):
        pass
    connection.close()
"""


@dataclass(frozen=True)
class BenchVpc:
    """A VPC with one subnet, and the group that its tasks are in."""

    vpc_id: str
    subnet_id: str
    group_id: str


class Instance:
    """A running Simfra; what is made of it is unmade at the end."""

    def __init__(self, image: str) -> None:
        options: dict[str, Any] = {"region_name": "us-east-1"}
        self.ec2 = boto3.client("ec2", **options)
        self.ecs = boto3.client("ecs", **options)
        self.engine = docker.APIClient()
        self.cluster = f"bench-{uuid.uuid4().hex[:8]}"
        self._made: list[BenchVpc] = []
        container = {"name": "app", "image": image, "command": COMMAND, "memory": 32}
        self.ecs.create_cluster(clusterName=self.cluster)
        for mode in ("awsvpc", "none"):
            self.ecs.register_task_definition(
                family=f"{self.cluster}-{mode}", networkMode=mode, containerDefinitions=[container]
            )

    def __enter__(self) -> "Instance":
        return self

    def __exit__(self, *_: object) -> None:
        for arn in self.tasks():
            self.ecs.stop_task(cluster=self.cluster, task=arn)
        wait(lambda: not self.tasks(), "the tasks' end")
        for vpc in self._made:
            wait(lambda vpc=vpc: not self._interfaces(vpc), "the interfaces' end")  # type: ignore[misc]
            self.ec2.delete_security_group(GroupId=vpc.group_id)
            self.ec2.delete_subnet(SubnetId=vpc.subnet_id)
            self.ec2.delete_vpc(VpcId=vpc.vpc_id)

    def vpc(self, cidr: str, subnet: str) -> BenchVpc:
        """A VPC whose tasks may all call each other."""
        vpc_id = self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        subnet_id = self.ec2.create_subnet(VpcId=vpc_id, CidrBlock=subnet)["Subnet"]["SubnetId"]
        group_id = self.ec2.create_security_group(GroupName="bench", Description="bench", VpcId=vpc_id)["GroupId"]
        itself = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group_id}]}
        self.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[itself])
        made = BenchVpc(vpc_id, subnet_id, group_id)
        self._made.append(made)
        return made

    def start(self, vpc: BenchVpc | None, count: int = 1) -> list[str]:
        """Ask for tasks, in a VPC or without any network; answers their ARNs."""
        options: dict[str, Any] = {"taskDefinition": f"{self.cluster}-none"}
        if vpc is not None:
            network = {"subnets": [vpc.subnet_id], "securityGroups": [vpc.group_id]}
            options = {
                "taskDefinition": f"{self.cluster}-awsvpc",
                "networkConfiguration": {"awsvpcConfiguration": network},
            }
        arns: list[str] = []
        while len(arns) < count:
            answer = self.ecs.run_task(cluster=self.cluster, count=min(10, count - len(arns)), **options)
            assert not answer["failures"], answer["failures"]
            arns += [task["taskArn"] for task in answer["tasks"]]
        return arns

    def run(self, vpc: BenchVpc | None, count: int = 1) -> list[str]:
        """Start tasks and wait until all run."""
        arns = self.start(vpc, count)
        wait(lambda: self.are_running(arns), f"{count} tasks")
        return arns

    def are_running(self, arns: Sequence[str]) -> bool:
        pages = [arns[at : at + 100] for at in range(0, len(arns), 100)]
        tasks = [task for page in pages for task in self.ecs.describe_tasks(cluster=self.cluster, tasks=page)["tasks"]]
        stopped = [task for task in tasks if task["lastStatus"] == "STOPPED"]
        assert not stopped, stopped[0].get("stoppedReason")
        return all(task["lastStatus"] == "RUNNING" for task in tasks)

    def tasks(self) -> list[str]:
        pages = self.ecs.get_paginator("list_tasks").paginate(cluster=self.cluster)
        return [arn for page in pages for arn in page["taskArns"]]

    def pause_of(self, arn: str) -> str:
        """The container that owns a task's network namespace."""
        (found,) = self.engine.containers(filters={"label": [f"simfra.key={arn}", "simfra.role=pause"]})
        return str(found["Names"][0].lstrip("/"))

    def namespaces(self, vpc: BenchVpc) -> list[str]:
        return [self.pause_of(arn) for arn in self.tasks()]

    def _interfaces(self, vpc: BenchVpc) -> list[Any]:
        wanted = [{"Name": "vpc-id", "Values": [vpc.vpc_id]}]
        found: list[Any] = self.ec2.describe_network_interfaces(Filters=wanted)["NetworkInterfaces"]
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", choices=PARTS, nargs="*", default=PARTS)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--vpcs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--image", default="simfra-test-busybox:1")
    options = parser.parse_args()
    if {"throughput", "starts", "tasks"} & set(options.parts):
        with Instance(options.image) as instance:
            vpc = instance.vpc("10.81.0.0/16", "10.81.0.0/20")
            arns = instance.run(vpc, 2)
            if "throughput" in options.parts:
                throughput(instance, arns, options.rounds, options.seconds)
            if "starts" in options.parts:
                starts(instance, vpc, options.rounds)
            if "tasks" in options.parts:
                many_tasks(instance, vpc, options.tasks)
    if "vpcs" in options.parts:
        with Instance(options.image) as instance:
            many_vpcs(instance, options.vpcs)


def many_tasks(instance: Instance, vpc: BenchVpc, count: int) -> None:
    """Tasks of one VPC, all asked for at once."""
    began = time.monotonic()
    instance.run(vpc, count)
    print(f"{count} tasks in one VPC run after {time.monotonic() - began:.1f} s", flush=True)


def many_vpcs(instance: Instance, count: int) -> None:
    """VPCs of the same addresses with a task in each, all asked for at once."""
    began = time.monotonic()
    vpcs = [instance.vpc("10.82.0.0/16", "10.82.0.0/20") for _ in range(count)]
    with ThreadPoolExecutor(count) as threads:
        started = [arn for arns in threads.map(instance.start, vpcs) for arn in arns]
    wait(lambda: instance.are_running(started), f"{count} VPCs")
    print(f"a task in each of {count} new VPCs runs after {time.monotonic() - began:.1f} s", flush=True)


def starts(instance: Instance, vpc: BenchVpc, rounds: int) -> None:
    """A task in a VPC against one without a network, interleaved."""
    rows = []
    for number in range(rounds):
        measured = []
        # Each is the first of the two as often.
        for place in (vpc, None) if number % 2 else (None, vpc):
            time.sleep(_REST_S)
            seconds = timed(partial(instance.run, place))
            measured.append((place is None, seconds))
        rows.append([seconds for _, seconds in sorted(measured)])
    in_vpc, without = (statistics.median(row[place] for row in rows) for place in (0, 1))
    ratio = statistics.median(row[0] / row[1] for row in rows)
    print(f"a task runs after {in_vpc * 1000:.0f} ms in a VPC, {without * 1000:.0f} ms without a network: {ratio:.2f}x")


def throughput(instance: Instance, arns: Sequence[str], rounds: int, seconds: float) -> None:
    """Bytes between two tasks of a subnet against two containers on a plain bridge, interleaved."""
    image = instance.engine.inspect_container(instance.pause_of(arns[0]))["Config"]["Image"]
    tasks = [f"container:{instance.pause_of(arn)}" for arn in arns[:2]]
    rows = [(gigabits(image, tasks, seconds), gigabits(image, ["bridge"] * 2, seconds)) for _ in range(min(rounds, 5))]
    in_vpc, plain = (statistics.median(row[place] for row in rows) for place in (0, 1))
    ratio = statistics.median(row[0] / row[1] for row in rows)
    print(f"between tasks {in_vpc:.1f} Gb/s, plain bridge {plain:.1f} Gb/s: {ratio:.0%}", flush=True)


def gigabits(image: str, networks: Sequence[str], seconds: float) -> float:
    """What flows from a container on the second network to one on the first."""
    engine = docker.APIClient()
    name = f"bench-{uuid.uuid4().hex[:8]}"
    run = ["docker", "run", "--rm", "--network"]
    receive = [*run, networks[0], "--name", name, image, "python3", "-u", "-c", _RECEIVE]
    receiver = subprocess.Popen(receive, stdout=subprocess.PIPE)
    try:
        assert receiver.stdout is not None
        receiver.stdout.readline()
        # In a task's namespace the container itself has no address to show.
        show = ["docker", "exec", name, "hostname", "-I"]
        address = subprocess.run(show, check=True, capture_output=True, text=True).stdout.split()[0]
        send = [*run, networks[1], image, "python3", "-c", _SEND, address, str(seconds)]
        return float(subprocess.run(send, check=True, capture_output=True, text=True).stdout)
    finally:
        engine.remove_container(name, force=True)
        receiver.wait(20)


def timed(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + MAX_WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {MAX_WAIT_S} s")
        time.sleep(_POLL_S)


if __name__ == "__main__":
    main()
