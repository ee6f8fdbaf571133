"""Requests through a load balancer, against the target itself and against a proxy written in Python, interleaved.

    sudo python -m bench.load_balancer [--rounds 3] [--seconds 5] [--concurrency 32]

Needs a running instance (`manage.py up`), the Docker engine, `wrk`, and root: the client is wrk of this machine in the
network namespace of a task beside the target. The target is HAProxy that answers by itself, so that it is not what is
measured. Goals: at least 35 % of the target's own requests, and five times those of the Python proxy.
"""

import argparse
import os
import re
import statistics
import subprocess
import time
from typing import Any

import boto3

import docker

FAMILY = "bench-load-balancer"
NAME = "bench-load-balancer"
MAX_WAIT_S = 120
PROXY_PORT = 8081
_POLL_S = 0.2

TARGET = """\
defaults
  mode http
  timeout client 60s
  timeout connect 5s
  timeout server 60s
frontend target
  bind :8080
  http-request return status 200 content-type text/plain string "hello"
"""

#: As plain as a proxy in Python can be: bytes from one side to the other, a connection behind for each in front.
PROXY = """\
import asyncio
async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def serve(reader, writer):
    there, back = await asyncio.open_connection("127.0.0.1", 8080)
    await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)
async def main():
    server = await asyncio.start_server(serve, "0.0.0.0", 8081)
    await server.serve_forever()
asyncio.run(main())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=32)
    arguments = parser.parse_args()
    bench = Bench()
    try:
        urls = bench.prepare()
        rows = [
            {name: bench.measure(url, arguments.seconds, arguments.concurrency) for name, url in urls.items()}
            for _ in range(arguments.rounds)
        ]
        report(rows)
    finally:
        bench.clean()


class Bench:
    """A target, a proxy beside it and a load balancer in front of it."""

    def __init__(self) -> None:
        options: dict[str, Any] = {
            "endpoint_url": os.environ.get("AWS_ENDPOINT_URL", "http://localhost:4599"),
            "region_name": "us-east-1",
            "aws_access_key_id": os.environ.get("AWS_ACCESS_KEY_ID", "test"),
            "aws_secret_access_key": os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
        }
        self._ecs, self._ec2, self._elbv2 = (boto3.client(name, **options) for name in ("ecs", "ec2", "elbv2"))
        self._engine = docker.APIClient()
        self._pid = 0

    def prepare(self) -> dict[str, str]:
        """Make all of it; answers where to ask, by what is asked."""
        subnets = self._ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
        address = self._target(subnets[0]["SubnetId"])
        made = self._elbv2.create_load_balancer(
            Name=NAME, Subnets=[subnet["SubnetId"] for subnet in subnets[:2]], Scheme="internal"
        )["LoadBalancers"][0]
        group = self._elbv2.create_target_group(
            Name=NAME, Protocol="HTTP", Port=8080, TargetType="ip", VpcId=subnets[0]["VpcId"]
        )["TargetGroups"][0]["TargetGroupArn"]
        self._elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": address}])
        self._elbv2.create_listener(
            LoadBalancerArn=made["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )
        self._await(lambda: self._is_healthy(group), "the target's health")
        prefix = f"ELB app/{NAME}/{made['LoadBalancerArn'].rpartition('/')[2]}"
        filters = [{"Name": "description", "Values": [prefix]}]
        interfaces = self._ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return {
            "direct": f"http://{address}:8080/",
            "load balancer": f"http://{interfaces[0]['PrivateIpAddress']}/",
            "Python proxy": f"http://{address}:{PROXY_PORT}/",
        }

    def measure(self, url: str, seconds: int, concurrency: int) -> float:
        """Requests a second, as wrk counts them."""
        command = ["nsenter", "-t", str(self._pid), "-n", "wrk", "-t2", f"-c{concurrency}", f"-d{seconds}s", url]
        printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
        found = re.search(r"Requests/sec:\s+([\d.]+)", printed)
        if found is None or "Non-2xx" in printed:
            raise RuntimeError(f"wrk found something else than answers: {printed}")
        print(f"{url}: {float(found[1]):.0f}/s", flush=True)
        return float(found[1])

    def clean(self) -> None:
        """Take all of it away."""
        for made in self._elbv2.describe_load_balancers()["LoadBalancers"]:
            if made["LoadBalancerName"] == NAME:
                self._elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
        for group in self._elbv2.describe_target_groups()["TargetGroups"]:
            if group["TargetGroupName"] == NAME:
                self._elbv2.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
        for arn in self._ecs.list_tasks(family=FAMILY)["taskArns"]:
            self._ecs.stop_task(task=arn)

    def _target(self, subnet_id: str) -> str:
        """Run the target and the proxy as one task; answers its address."""
        image = sorted(tag for one in self._engine.images() for tag in one["RepoTags"] or () if "simfra-sidecar" in tag)
        programs = {
            "target": ["sh", "-c", f"cat > /tmp/target.cfg <<'END'\n{TARGET}END\nexec haproxy -f /tmp/target.cfg"],
            "proxy": ["python3", "-c", PROXY],
        }
        containers = [
            {"name": name, "image": image[0], "command": command, "memory": 256} for name, command in programs.items()
        ]
        self._ecs.register_task_definition(family=FAMILY, networkMode="awsvpc", containerDefinitions=containers)
        network = {"awsvpcConfiguration": {"subnets": [subnet_id]}}
        arn = self._ecs.run_task(taskDefinition=FAMILY, networkConfiguration=network)["tasks"][0]["taskArn"]
        self._await(lambda: self._task(arn)["lastStatus"] == "RUNNING", "the target")
        found = self._engine.containers(filters={"label": [f"simfra.key={arn}", "simfra.role=app"]})
        self._pid = self._engine.inspect_container(found[0]["Id"])["State"]["Pid"]
        details = self._task(arn)["attachments"][0]["details"]
        return str(next(detail["value"] for detail in details if detail["name"] == "privateIPv4Address"))

    def _task(self, arn: str) -> dict[str, Any]:
        task: dict[str, Any] = self._ecs.describe_tasks(tasks=[arn])["tasks"][0]
        if task["lastStatus"] == "STOPPED":
            raise RuntimeError(task["stoppedReason"])
        return task

    def _is_healthy(self, group: str) -> bool:
        found = self._elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return bool(found[0]["TargetHealth"]["State"] == "healthy")

    def _await(self, condition: Any, what: str) -> None:
        for _ in range(int(MAX_WAIT_S / _POLL_S)):
            if condition():
                return
            time.sleep(_POLL_S)
        raise TimeoutError(f"waited {MAX_WAIT_S} s for {what}")


def report(rows: list[dict[str, float]]) -> None:
    """The medians of the rounds, and of their ratios."""
    for name in rows[0]:
        print(f"{name:<14} {statistics.median(row[name] for row in rows):8.0f} requests/s")
    for other in ("direct", "Python proxy"):
        ratio = statistics.median(row["load balancer"] / row[other] for row in rows)
        print(f"load balancer / {other}, median of rounds: {ratio:.2f}x")


if __name__ == "__main__":
    main()
