"""A world of load balancers on a real engine: an account, its default VPC, targets in it, and a client beside them.

Kicks and changes are honoured at once by threads of the test's process, as workers do; the gateway listens where
containers reach it.
"""

import asyncio
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from django.conf import settings
from django.db import connections
from django.test import override_settings

from aws_api.core import bus
from aws_api.core.containers import ContainerSpec
from aws_api.core.context import Context, internal_context
from aws_api.core.execution import run_on_loop
from aws_api.core.ids import new_account_id
from aws_api.core.models import Account
from aws_api.core.network import NetworkAttachment, network_provider
from aws_api.core.reconcile import set_kicker
from aws_api.core.sidecars import object_name, pause_container
from aws_api.core.telling import TOPIC
from tests.support.in_process import client
from tests.support.waiting import wait_for
from workers import loop
from workers.docker import host, networks
from workers.docker.runtime import DockerRuntime
from workers.telling import Teller

HTTP_PORTS = tuple(range(8001, 8009))
TCP_PORTS = (9001, 9002)
UDP_PORTS = (9101, 9102)
HTTP2_PORTS = (8101,)
PATIENCE_S = 90
_SERVER = Path(__file__).with_name("target_server.py")


@dataclass
class Answer:
    """What the client got: the status, the headers by lower-case names, all cookies, and the body."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def header_at_target(self, name: str) -> str | None:
        """A header as the target got it."""
        return next((value for key, value in self.json["headers"] if key.lower() == name.lower()), None)


@dataclass
class World:
    """The account's clients, and the one container that is client and every target."""

    account: Account
    gateway: Any
    context: Context
    attachment: NetworkAttachment
    name: str
    endpoint: str

    def aws(self, service: str) -> Any:
        return client(
            self.gateway,
            service,
            key=self.account.root_access_key_id,
            secret=self.account.root_secret_access_key,
        )

    @property
    def target_address(self) -> str:
        return self.attachment.private_address

    def run(self, *command: str, text: str = "", timeout_s: float = 60) -> str:
        """What a command prints in the client's place."""
        done = subprocess.run(
            ["docker", "exec", "-i", self.name, *command],
            input=text,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return done.stdout

    def python(self, script: str, *arguments: str, timeout_s: float = 120) -> str:
        return self.run("python3", "-", *arguments, text=script, timeout_s=timeout_s)

    def get(self, url: str, *options: str) -> Answer:
        """Ask over HTTP."""
        printed = self.run("curl", "-sk", "-i", "--max-time", "20", *options, url)
        head, _, body = printed.partition("\n\n") if "\r\n" not in printed else printed.partition("\r\n\r\n")
        while head.startswith("HTTP/1.1 100"):
            head, _, body = body.partition("\r\n\r\n")
        lines = head.replace("\r", "").split("\n")
        pairs = [line.split(": ", 1) for line in lines[1:] if ": " in line]
        return Answer(
            status=int(lines[0].split()[1]) if lines[0] else 0,
            headers={name.lower(): value for name, value in pairs},
            cookies=[value for name, value in pairs if name.lower() == "set-cookie"],
            body=body,
        )

    def many(self, url: str, count: int, *options: str) -> list[str]:
        """The bodies of many requests, one connection each."""
        script = (
            "import sys,subprocess\n"
            "for _ in range(int(sys.argv[2])):\n"
            "  print(subprocess.run(['curl','-sk','--max-time','20',*sys.argv[3:],sys.argv[1]],"
            "capture_output=True,text=True).stdout.replace('\\n',' '))\n"
        )
        return self.python(script, url, str(count), *options).splitlines()

    def ports_of(self, bodies: list[str]) -> dict[int, int]:
        """How often each target answered."""
        found: dict[int, int] = {}
        for body in bodies:
            port = json.loads(body)["port"]
            found[port] = found.get(port, 0) + 1
        return found

    # What tests make --------------------------------------------------------------------------------------------------

    def load_balancer(self, name: str, **members: Any) -> dict[str, Any]:
        """A load balancer that is active, in the first two subnets."""
        elbv2 = self.aws("elbv2")
        subnets = network_provider().default_subnet_ids(self.context)[:2]
        (made,) = elbv2.create_load_balancer(**{"Name": name, "Subnets": subnets, **members})["LoadBalancers"]
        self.wait_active(made["LoadBalancerArn"])
        return {**made, "Address": self.address_of(made)}

    def wait_active(self, arn: str) -> None:
        elbv2 = self.aws("elbv2")

        def is_active() -> bool:
            (found,) = elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
            if found["State"]["Code"] == "failed":
                raise AssertionError(found["State"]["Reason"])
            return bool(found["State"]["Code"] == "active")

        wait_for(is_active, timeout_s=PATIENCE_S, every_s=0.05, what=f"{arn} to be active")

    def address_of(self, load_balancer: dict[str, Any]) -> str:
        kind = "app" if load_balancer["Type"] == "application" else "net"
        description = f"ELB {kind}/{load_balancer['LoadBalancerName']}/{load_balancer['LoadBalancerArn'][-16:]}"
        filters = [{"Name": "description", "Values": [description]}]
        found = self.aws("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return str(sorted(interface["PrivateIpAddress"] for interface in found)[0])

    def group(self, name: str, ports: tuple[int, ...] = (), **members: Any) -> str:
        """A target group that is checked often, with targets; answers its ARN."""
        elbv2 = self.aws("elbv2")
        defaults = {
            "Name": name,
            "Protocol": "HTTP",
            "Port": 80,
            "VpcId": self.attachment.vpc_id,
            "TargetType": "ip",
            "HealthCheckIntervalSeconds": 5,
            "HealthCheckTimeoutSeconds": 2,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 2,
        }
        (made,) = elbv2.create_target_group(**{**defaults, **members})["TargetGroups"]
        arn = str(made["TargetGroupArn"])
        if ports:
            self.register(arn, *ports)
        return arn

    def register(self, group: str, *ports: int) -> None:
        targets = [{"Id": self.target_address, "Port": port} for port in ports]
        self.aws("elbv2").register_targets(TargetGroupArn=group, Targets=targets)

    def deregister(self, group: str, *ports: int) -> None:
        targets = [{"Id": self.target_address, "Port": port} for port in ports]
        self.aws("elbv2").deregister_targets(TargetGroupArn=group, Targets=targets)

    def health(self, group: str) -> dict[int, tuple[str, str]]:
        """State and reason of each target by its port."""
        found = self.aws("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {
            one["Target"]["Port"]: (one["TargetHealth"]["State"], one["TargetHealth"].get("Reason", ""))
            for one in found
        }

    def health_of_all(self, group: str) -> dict[tuple[str, int], str]:
        """The state of each target by what it is registered as."""
        found = self.aws("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {(one["Target"]["Id"], one["Target"]["Port"]): one["TargetHealth"]["State"] for one in found}

    def wait_health(self, group: str, port: int, state: str, reason: str | None = None) -> None:
        def reached() -> bool:
            found = self.health(group).get(port, ("gone", ""))
            return found[0] == state and reason in (None, found[1])

        wait_for(reached, timeout_s=40, every_s=0.05, what=f"target {port} to be {state} {reason or ''}")


@contextmanager
def open_world(gateway: Any) -> Iterator[World]:
    """The world while the block runs; what it made on the engine is removed with the run's other containers."""
    networks.ensure_uplink()
    with _listening(gateway) as port, override_settings(SIMFRA_PORT=port), _working():
        # Once the port is known: the host lets containers reach nothing else.
        host.prepare()
        account = Account.objects.create(account_id=new_account_id())
        context = internal_context(account.account_id, "us-east-1")
        attachment = _attach(context)
        name = object_name(settings.SIMFRA_INSTANCE, "targets", attachment.network_interface_id)
        _start_targets(attachment, name)
        yield World(
            account=account,
            gateway=gateway,
            context=context,
            attachment=attachment,
            name=name,
            endpoint=f"http://localhost:{port}",
        )


def _attach(context: Context) -> NetworkAttachment:
    provider = network_provider()
    made = provider.create(
        context,
        subnet_ids=provider.default_subnet_ids(context)[:1],
        security_group_ids=[],
        description="targets",
        assign_public_ip=False,
        requester_id="amazon-ecs",
    )

    def placed() -> NetworkAttachment | None:
        found = provider.describe(context.account_id, context.region, made.network_interface_id)
        return found if found and found.backing_address else None

    found = wait_for(placed, timeout_s=PATIENCE_S, what="the VPC's network")
    assert found is not None
    return found


def _start_targets(attachment: NetworkAttachment, name: str) -> None:
    runtime = DockerRuntime()
    image = settings.SIMFRA_SIDECAR_IMAGE
    pause = pause_container(attachment, name=name, image=image, emulator_port=settings.SIMFRA_PORT, labels={})
    runtime.create_container(pause)
    runtime.start_container(name, pause.ready_within_s)
    ports = [",".join(map(str, ports)) for ports in (HTTP_PORTS, TCP_PORTS, UDP_PORTS, HTTP2_PORTS)]
    spec = ContainerSpec(
        name=f"{name}-app",
        image=image,
        labels={},
        entry_point=("python3", "-c", _SERVER.read_text(), *ports),
        network_of=name,
        ready_within_s=30,
    )
    runtime.create_container(spec)
    runtime.start_container(spec.name, spec.ready_within_s)


@contextmanager
def _listening(application: Any) -> Iterator[int]:
    """The gateway on every address of this machine, for containers."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(application, host="0.0.0.0", port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    wait_for(lambda: server.started, timeout_s=20, what="the gateway")
    yield int(port)
    server.should_exit = True
    thread.join(10)


@contextmanager
def _working() -> Iterator[None]:
    """Kicks and changes are honoured at once."""
    executor = ThreadPoolExecutor(4)
    is_over = threading.Event()

    def reconcile(kind: str, key: str) -> None:
        try:
            again_s = loop.reconcile(kind, key, DockerRuntime())
            if again_s is not None and again_s < 30:
                timer = threading.Timer(again_s, submit, (kind, key))
                timer.daemon = True
                timer.start()
        finally:
            connections.close_all()

    def submit(kind: str, key: str) -> None:
        if not is_over.is_set():
            executor.submit(reconcile, kind, key)

    teller = Teller(DockerRuntime())
    run_on_loop(_listen(teller.hear))
    set_kicker(submit)
    yield
    is_over.set()
    set_kicker(None)
    run_on_loop(_unlisten(teller.hear))
    executor.shutdown()


async def _listen(listener: Callable[[bytes], None]) -> None:
    await bus.process_bus().listen(TOPIC, listener)


async def _unlisten(listener: Callable[[bytes], None]) -> None:
    await bus.process_bus().unlisten(TOPIC, listener)


def seconds_until(condition: Callable[[], Any], *, timeout_s: float = 20) -> float:
    """How long a condition took to be true."""
    began = time.monotonic()
    wait_for(condition, timeout_s=timeout_s, every_s=0.002)
    return time.monotonic() - began
