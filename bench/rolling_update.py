"""Rolling updates of a service under constant load from the host, through the load balancer's port there.

    python -m bench.rolling_update IMAGE [--requests 50000] [--connections 4]

Needs a running instance (`manage.py up`) and an image with busybox on the engine. Asks over connections that stay open
until so many requests were answered, and starts one update after the other meanwhile. Goal: none is lost, neither by a
connection that breaks nor by an answer that is no 200.
"""

import argparse
import http.client
import json
import os
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3

NAME = "bench-rolling"
MAX_WAIT_S = 300
_POLL_S = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--connections", type=int, default=4)
    arguments = parser.parse_args()
    rolling = Rolling(arguments.image)
    try:
        port = rolling.prepare()
        print(f"asking http://127.0.0.1:{port}/index.html", flush=True)
        load = Load(port, arguments.requests, arguments.connections)
        load.start()
        began, updates = time.monotonic(), 0
        while load.is_running:
            rolling.update(f"version-{updates}")
            updates += 1
        took = time.monotonic() - began
        load.join()
        print(f"{sum(load.answers.values())} requests in {took:.0f} s, {updates} updates: {dict(load.answers)}")
        print(f"lost: {load.lost}")
    finally:
        rolling.clean()


class Load:
    """Asks on several connections until so many requests were made; ``answers`` counts statuses and failures."""

    def __init__(self, port: int, requests: int, connections: int) -> None:
        self._port = port
        self._left = requests
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(connections)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(MAX_WAIT_S)

    @property
    def is_running(self) -> bool:
        return self._left > 0

    @property
    def lost(self) -> int:
        return sum(count for answer, count in self.answers.items() if answer != "200")

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while self._take():
            try:
                connection.request("GET", "/index.html")
                answer = connection.getresponse()
                answer.read()
                said = str(answer.status)
            except (OSError, http.client.HTTPException) as error:
                said = repr(error)
                connection.close()
            with self._lock:
                self.answers[said] += 1

    def _take(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0


class Rolling:
    """A service of two tasks behind a load balancer that faces the internet."""

    def __init__(self, image: str) -> None:
        self._endpoint = os.environ.get("AWS_ENDPOINT_URL", "http://localhost:4599")
        options: dict[str, Any] = {
            "endpoint_url": self._endpoint,
            "region_name": "us-east-1",
            "aws_access_key_id": os.environ.get("AWS_ACCESS_KEY_ID", "test"),
            "aws_secret_access_key": os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
        }
        self._image = image
        self._ecs, self._ec2, self._elbv2 = (boto3.client(name, **options) for name in ("ecs", "ec2", "elbv2"))

    def prepare(self) -> int:
        """Make all of it; answers the port of this host."""
        subnets = self._ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
        ids, vpc = [subnet["SubnetId"] for subnet in subnets[:2]], subnets[0]["VpcId"]
        groups = self._ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
        default = next(group["GroupId"] for group in groups if group["GroupName"] == "default")
        opened = self._ec2.create_security_group(GroupName=NAME, Description=NAME, VpcId=vpc)["GroupId"]
        self._ec2.authorize_security_group_ingress(
            GroupId=opened, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
        )
        made = self._elbv2.create_load_balancer(Name=NAME, Subnets=ids, SecurityGroups=[default, opened])
        balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
        group = self._elbv2.create_target_group(
            Name=NAME,
            Protocol="HTTP",
            Port=8080,
            TargetType="ip",
            VpcId=vpc,
            HealthCheckPath="/index.html",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=4,
        )["TargetGroups"][0]["TargetGroupArn"]
        delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}]
        self._elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=delay)
        self._elbv2.create_listener(
            LoadBalancerArn=balancer,
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )
        self._define("version")
        self._ecs.create_service(
            serviceName=NAME,
            taskDefinition=NAME,
            desiredCount=2,
            networkConfiguration={"awsvpcConfiguration": {"subnets": ids, "securityGroups": [default]}},
            loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}],
        )
        self._await(self._is_steady, "the service")
        return self._port(balancer)

    def update(self, says: str) -> None:
        """Roll the service over to tasks of another definition, all the way."""
        self._define(says)
        self._ecs.update_service(service=NAME, taskDefinition=NAME)
        self._await(self._is_steady, "the update")

    def clean(self) -> None:
        """Take all of it away."""
        if self._ecs.describe_services(services=[NAME])["services"]:
            self._ecs.delete_service(service=NAME, force=True)
        for made in self._elbv2.describe_load_balancers()["LoadBalancers"]:
            if made["LoadBalancerName"] == NAME:
                self._elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
        for group in self._elbv2.describe_target_groups()["TargetGroups"]:
            if group["TargetGroupName"] == NAME:
                self._elbv2.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
        self._await(self._is_gone, "the end of the service")
        for group in self._ec2.describe_security_groups()["SecurityGroups"]:
            if group["GroupName"] == NAME:
                self._await(partial(self._is_deleted, group["GroupId"]), "the security group's end")

    def _define(self, says: str) -> None:
        script = f"echo {says} > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"
        container = {
            "name": "app",
            "image": self._image,
            "memory": 64,
            "stopTimeout": 2,
            "command": ["sh", "-c", script],
            "portMappings": [{"containerPort": 8080}],
        }
        self._ecs.register_task_definition(family=NAME, networkMode="awsvpc", containerDefinitions=[container])

    def _is_steady(self) -> bool:
        (service,) = self._ecs.describe_services(services=[NAME])["services"]
        return [each["rolloutState"] for each in service["deployments"]] == ["COMPLETED"]

    def _is_gone(self) -> bool:
        found = self._ecs.describe_services(services=[NAME])["services"]
        return not found or bool(found[0]["status"] == "INACTIVE")

    def _is_deleted(self, group_id: str) -> bool:
        try:
            self._ec2.delete_security_group(GroupId=group_id)
        except self._ec2.exceptions.ClientError:
            # The load balancer's interfaces are still there.
            return False
        return True

    def _port(self, balancer: str) -> int:
        """Where the host has the listener: on its own port where that was free, else in the range of load balancers."""
        found: list[int] = []

        def is_there() -> bool:
            found[:] = self._published(balancer)
            return bool(found)

        self._await(is_there, "the port of the host")
        return found[0]

    def _published(self, balancer: str) -> list[int]:
        """The ports of the host that the admin API tells of."""
        with urllib.request.urlopen(f"{self._endpoint}/_simfra/load-balancers", timeout=10) as response:
            listed = json.load(response)
        return [
            place["port"]
            for each in listed
            for listener in each["listeners"]
            for place in listener["hostAddresses"]
            if each["arn"] == balancer and place["status"] == "OPEN"
        ]

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        for _ in range(int(MAX_WAIT_S / _POLL_S)):
            if condition():
                return
            time.sleep(_POLL_S)
        raise TimeoutError(f"waited {MAX_WAIT_S} s for {what}")


if __name__ == "__main__":
    main()
