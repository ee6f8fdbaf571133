"""Requests through a load balancer, against the target itself and against a proxy written in Python, interleaved.

    sudo python -m bench.load_balancer --peers PEERS [--rounds 3] [--seconds 5] [--concurrency 32]

Needs a running instance (`manage.py up`), the Docker engine, `wrk`, and root: the client is wrk of this machine in the
network namespace of one task, the proxy aiohttp of PEERS (a virtual environment with requirements-bench.txt) in that of
another, so that each way has the VPC's network in it as often as it has hops. The target is HAProxy that answers by
itself, so that it is not what is measured. Goals: at least 35 % of the target's own requests, and five times those of
the Python proxy. Other programs take from each way what it needs at that moment: on a busy machine, read the lines that
say what the processor time of all processes together would make of the ratios. Where client and target share two cores
with what is between them, they set the pace: the last line has what the load balancer and the proxy themselves take.
"""

import argparse
import os
import re
import resource
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

import boto3

import docker

FAMILY = "bench-load-balancer"
NAME = "bench-load-balancer"
MAX_WAIT_S = 120
PROXY_PORT = 8081
_POLL_S = 0.2
#: The processes whose name is not that of their way.
_BETWEEN = {"Python proxy": "proxy"}

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

#: As plain as a proxy that knows HTTP can be in Python; the pool keeps connections to the target.
PROXY = """\
import sys
from aiohttp import ClientSession, TCPConnector, web
async def connect(application):
    application["session"] = ClientSession(connector=TCPConnector(limit=0), auto_decompress=False)
    yield
    await application["session"].close()
async def serve(request):
    headers = {**request.headers, "X-Forwarded-For": request.remote, "X-Forwarded-Proto": "http"}
    body = await request.read() if request.can_read_body else None
    url = f"http://{sys.argv[1]}:8080{request.raw_path}"
    async with request.app["session"].request(request.method, url, headers=headers, data=body) as answer:
        return web.Response(status=answer.status, headers=answer.headers, body=await answer.read())
application = web.Application()
application.cleanup_ctx.append(connect)
application.router.add_route("*", "/{path:.*}", serve)
web.run_app(application, port=8081, access_log=None, print=None)
"""
COMMANDS = {
    "target": ["sh", "-c", f"cat > /tmp/target.cfg <<'END'\n{TARGET}END\nexec haproxy -f /tmp/target.cfg"],
    "proxy": ["sleep", "3600"],
    "client": ["sleep", "3600"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=32)
    arguments = parser.parse_args()
    bench = Bench(arguments.peers / "bin" / "python")
    try:
        urls = bench.prepare()
        rows = [
            {name: bench.measure(name, url, arguments.seconds, arguments.concurrency) for name, url in urls.items()}
            for _ in range(arguments.rounds)
        ]
        report(rows)
        for other in ("direct", "Python proxy"):
            print(f"load balancer / {other} by processor time: {bench.ratio_by_processor_time(other):.2f}x")
        own, proxys = (statistics.median(bench.own_s[name]) * 1e6 for name in ("load balancer", "Python proxy"))
        print(f"a request's own processor time: {own:.0f} us and {proxys:.0f} us: {proxys / own:.2f}x")
    finally:
        bench.clean()


class Bench:
    """A target, and a proxy and a load balancer in front of it; ``python`` runs the proxy."""

    def __init__(self, python: Path) -> None:
        options: dict[str, Any] = {
            "endpoint_url": os.environ.get("AWS_ENDPOINT_URL", "http://localhost:4599"),
            "region_name": "us-east-1",
            "aws_access_key_id": os.environ.get("AWS_ACCESS_KEY_ID", "test"),
            "aws_secret_access_key": os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
        }
        self._ecs, self._ec2, self._elbv2 = (boto3.client(name, **options) for name in ("ecs", "ec2", "elbv2"))
        self._engine = docker.APIClient()
        self._python = python
        self._pids: dict[str, int] = {}
        self._proxy: subprocess.Popen[bytes] | None = None
        self._spent: dict[str, list[float]] = {}
        #: What is between client and target took so much of the processor for a request, by what was asked.
        self.own_s: dict[str, list[float]] = {}

    def prepare(self) -> dict[str, str]:
        """Make all of it; answers where to ask, by what is asked."""
        subnets = self._ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
        addresses = {name: self._task_of(name, command, subnets[0]["SubnetId"]) for name, command in COMMANDS.items()}
        address = addresses["target"]
        inside = ["nsenter", "-t", str(self._pids["proxy"]), "-n"]
        self._proxy = subprocess.Popen([*inside, str(self._python), "-c", PROXY, address])
        self._pids["proxy"] = self._proxy.pid
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
        self._pids["load balancer"] = self._pid_of([f"simfra.key={made['LoadBalancerArn']}"])
        prefix = f"ELB app/{NAME}/{made['LoadBalancerArn'].rpartition('/')[2]}"
        filters = [{"Name": "description", "Values": [prefix]}]
        interfaces = self._ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return {
            "direct": f"http://{address}:8080/",
            "load balancer": f"http://{interfaces[0]['PrivateIpAddress']}/",
            "Python proxy": f"http://{addresses['proxy']}:{PROXY_PORT}/",
        }

    def measure(self, name: str, url: str, seconds: int, concurrency: int) -> float:
        """Requests a second, as wrk counts them."""
        inside = ["nsenter", "-t", str(self._pids["client"]), "-n"]
        began = {who: cpu_s(pid) for who, pid in self._pids.items()}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        printed = subprocess.run(
            [*inside, "wrk", "-t2", f"-c{concurrency}", f"-d{seconds}s", url],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 30,
        ).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = {who: cpu_s(pid) - began[who] for who, pid in self._pids.items()}
        found = re.search(r"(\d+) requests in", printed)
        if found is None or "Non-2xx" in printed:
            raise RuntimeError(f"wrk found something else than answers: {printed}")
        count = int(found[1])
        client_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self._spent.setdefault(name, []).append((client_s + sum(spent.values())) / count)
        if name != "direct":
            self.own_s.setdefault(name, []).append(spent[_BETWEEN.get(name, name)] / count)
        print(f"{url}: {count / seconds:.0f}/s", flush=True)
        return count / seconds

    def ratio_by_processor_time(self, other: str) -> float:
        """What a machine would make of it that does nothing else: all of its time goes into requests."""
        return statistics.median(self._spent[other]) / statistics.median(self._spent["load balancer"])

    def clean(self) -> None:
        """Take all of it away."""
        if self._proxy is not None:
            self._proxy.terminate()
            self._proxy.wait(10)
        for made in self._elbv2.describe_load_balancers()["LoadBalancers"]:
            if made["LoadBalancerName"] == NAME:
                self._elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
        for group in self._elbv2.describe_target_groups()["TargetGroups"]:
            if group["TargetGroupName"] == NAME:
                self._elbv2.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
        for arn in self._ecs.list_tasks(family=FAMILY)["taskArns"]:
            self._ecs.stop_task(task=arn)

    def _task_of(self, name: str, command: list[str], subnet_id: str) -> str:
        """Run a task; answers its address."""
        image = sorted(tag for one in self._engine.images() for tag in one["RepoTags"] or () if "simfra-sidecar" in tag)
        # Without a share of the processors it would get what others leave of them.
        container = {"name": name, "image": image[0], "command": command, "memory": 256, "cpu": 1024}
        self._ecs.register_task_definition(family=FAMILY, networkMode="awsvpc", containerDefinitions=[container])
        network = {"awsvpcConfiguration": {"subnets": [subnet_id]}}
        arn = self._ecs.run_task(taskDefinition=FAMILY, networkConfiguration=network)["tasks"][0]["taskArn"]
        self._await(lambda: self._task(arn)["lastStatus"] == "RUNNING", name)
        self._pids[name] = self._pid_of([f"simfra.key={arn}", "simfra.role=app"])
        details = self._task(arn)["attachments"][0]["details"]
        return str(next(detail["value"] for detail in details if detail["name"] == "privateIPv4Address"))

    def _pid_of(self, labels: list[str]) -> int:
        found = self._engine.containers(filters={"label": labels})
        return int(self._engine.inspect_container(found[0]["Id"])["State"]["Pid"])

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


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and all below it that still live."""
    seconds = own_cpu_s(pid)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return seconds + sum(cpu_s(int(child)) for child in children)


def own_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(rows: list[dict[str, float]]) -> None:
    """The medians of the rounds, and of their ratios."""
    for name in rows[0]:
        print(f"{name:<14} {statistics.median(row[name] for row in rows):8.0f} requests/s")
    for other in ("direct", "Python proxy"):
        ratio = statistics.median(row["load balancer"] / row[other] for row in rows)
        print(f"load balancer / {other}, median of rounds: {ratio:.2f}x")


if __name__ == "__main__":
    main()
