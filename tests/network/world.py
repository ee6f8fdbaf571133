"""VPCs with namespaces in them, on a real engine, by the product's own controllers; and packets between namespaces."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import override_settings

from aws_api.core.containers import LABEL_KEY, LABEL_KIND
from aws_api.core.context import Context, internal_context
from aws_api.core.ids import new_account_id, new_hex_id
from aws_api.core.models import Account
from aws_api.core.network import NetworkAttachment, network_provider
from aws_api.core.reconcile import get_controller, set_kicker
from aws_api.core.sidecars import emulator_address, object_name, pause_container, vpc_gateway_name
from aws_api.services.ec2 import models
from aws_api.services.ec2.default_vpc import create_subnet, create_vpc
from aws_api.services.ec2.reconcile import NETWORK_KIND, DesiredNetwork
from aws_api.services.ec2.waking import network_key
from aws_api.services.ec2.zones import zones_of
from workers import loop
from workers.docker import host
from workers.docker.networks import ensure_uplink
from workers.docker.runtime import DockerRuntime

REGION = "us-east-1"
#: What answers in Simfra's place.
SIMFRA = "simfra"
#: Beyond the host, as far as VPCs can tell.
INTERNET_HOST = "198.51.100.2"
_PROBE = (Path(__file__).parent / "probe.py").read_text()
#: Given to those who are expected to be reached, and to those who are not.
REACHED_WITHIN_S, SILENT_FOR_S = 5.0, 0.3


class Probe:
    """A program in a network namespace that knocks and answers."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [*command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "READY\n"

    def knock(self, address: str, protocol: str, port: int = 0, *, timeout_s: float, count: int = 1) -> Any:
        """The names of who answered; none where nobody did."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        wish = {"address": address, "protocol": protocol, "port": port, "timeout_s": timeout_s, "count": count}
        self._process.stdin.write(json.dumps(wish) + "\n")
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """Close it. Doing it again is harmless."""
        if self._process.poll() is None:
            self._process.communicate(timeout=20)


@dataclass
class Namespace:
    """A task's namespace, its interface, its own security group, and the probe inside."""

    name: str
    attachment: NetworkAttachment
    group: models.SecurityGroup
    container: str
    probe: Probe

    @property
    def address(self) -> str:
        return self.attachment.private_address

    @property
    def interface_id(self) -> str:
        return self.attachment.network_interface_id


@dataclass
class World:
    """An account with VPCs. Changes of rows are in force after ``settle``."""

    context: Context
    runtime: DockerRuntime
    stack: ExitStack
    vpcs: dict[str, models.Vpc] = field(default_factory=dict)
    subnets: dict[str, models.Subnet] = field(default_factory=dict)
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)

    def add_vpc(self, name: str, cidr: str, subnets: dict[str, str]) -> models.Vpc:
        zone = zones_of(REGION)[0]
        with transaction.atomic():
            vpc = create_vpc(self.context, new_hex_id("vpc-"), cidr)
            for subnet, block in subnets.items():
                self.subnets[subnet] = create_subnet(self.context, vpc, new_hex_id("subnet-"), block, zone)
        self.vpcs[name] = vpc
        return vpc

    def row(self, **columns: Any) -> dict[str, Any]:
        """Columns of a new row of the account."""
        scope = {"account_id": self.context.account_id, "region": REGION}
        return {**scope, "created_at": self.context.clock.now(), **columns}

    def add_namespace(self, name: str, subnet: str, *, is_public: bool = False) -> Namespace:
        vpc = self.subnets[subnet].vpc
        group = models.SecurityGroup.objects.create(
            **self.row(resource_id=new_hex_id("sg-"), vpc=vpc, group_name=name, description=name)
        )
        provider = network_provider()
        with transaction.atomic():
            attachment = provider.create(
                self.context,
                subnet_ids=[self.subnets[subnet].resource_id],
                security_group_ids=[group.resource_id],
                description=name,
                assign_public_ip=is_public,
                requester_id="amazon-ecs",
            )
        self.reconcile(vpc)
        container = object_name(settings.SIMFRA_INSTANCE, vpc.resource_id, name)
        found = self._start_pause(container, attachment.network_interface_id)
        made = Namespace(name, found, group, container, self.probe(container, name))
        self.namespaces[name] = made
        return made

    def remove_namespaces(self) -> None:
        """Take its namespaces off the engine: its own alone, another world may be next to it."""
        for namespace in self.namespaces.values():
            namespace.probe.end()
            self.runtime.remove_container(namespace.container)

    def replace_pause(self, namespace: Namespace) -> None:
        """Make a namespace anew, by its interface as that is now."""
        namespace.probe.end()
        self.runtime.remove_container(namespace.container)
        self.reconcile(self.vpc_of(namespace))
        namespace.attachment = self._start_pause(namespace.container, namespace.interface_id)
        namespace.probe = self.probe(namespace.container, namespace.name)

    def vpc_of(self, namespace: Namespace) -> models.Vpc:
        """The VPC that a namespace is in."""
        return next(vpc for vpc in self.vpcs.values() if vpc.resource_id == namespace.attachment.vpc_id)

    def _start_pause(self, container: str, interface_id: str) -> NetworkAttachment:
        found = network_provider().describe(self.context.account_id, REGION, interface_id)
        assert found is not None
        spec = pause_container(
            found,
            name=container,
            image=settings.SIMFRA_SIDECAR_IMAGE,
            emulator_port=settings.SIMFRA_PORT,
            labels={LABEL_KIND: "test", LABEL_KEY: interface_id},
        )
        self.runtime.create_container(spec)
        self.runtime.start_container(container, spec.ready_within_s)
        return found

    def probe(self, container: str, name: str, source: str = "") -> Probe:
        """A probe in a container's network namespace."""
        image = settings.SIMFRA_SIDECAR_IMAGE
        run = ["docker", "run", "--rm", "-i", "--network", f"container:{container}", image]
        made = Probe([*run, "python3", "-u", "-c", _PROBE, name, *([source] if source else [])])
        self.stack.callback(made.end)
        return made

    def gateway(self, vpc: str) -> str:
        """The name of the gateway container of a VPC."""
        key = network_key(self.vpcs[vpc])
        return vpc_gateway_name(object_name(settings.SIMFRA_INSTANCE, "vpc", *key.split("/")))

    def reconcile(self, vpc: models.Vpc) -> None:
        """Make a VPC's network what the rows say: when this returns, the namespaces are."""
        self.told.clear()
        for _ in range(2):
            loop.reconcile(NETWORK_KIND, network_key(vpc), self.runtime)

    def settle(self) -> None:
        """Put all changes into force: what the reconciler tells gateways, without its looking at the engine."""
        for name, vpc in self.vpcs.items():
            desired = get_controller(NETWORK_KIND).load(network_key(vpc))
            assert isinstance(desired, DesiredNetwork)
            if desired.configuration != self.told.get(name):
                self.runtime.configure_container(desired.gateway_name, desired.configuration)
                self.told[name] = desired.configuration


@contextmanager
def running_world() -> Iterator[World]:
    """A new account; what it makes on the engine goes with the test run."""
    ensure_uplink()
    account = Account.objects.create(account_id=new_account_id())
    with ExitStack() as stack:
        port = stack.enter_context(_answering())
        stack.enter_context(override_settings(SIMFRA_PORT=port))
        host.prepare()
        set_kicker(lambda _kind, _key: None)
        stack.callback(set_kicker, None)
        world = World(internal_context(account.account_id, REGION), DockerRuntime(), stack)
        stack.callback(world.remove_namespaces)
        yield world


@contextmanager
def _answering() -> Iterator[int]:
    """Somebody who says Simfra's name where VPCs' gateways look for it; answers the port."""
    address, _ = emulator_address(settings.SIMFRA_UPLINK_SUBNET, "", 0)
    with socket.create_server((str(address), 0), backlog=64) as listener:

        def serve() -> None:
            with suppress(OSError):  # closed
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.sendall(SIMFRA.encode())

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


@contextmanager
def internet() -> Iterator[Probe]:
    """A probe in a namespace behind the host, which knows no way but to the host: only translated calls work."""
    name, near, far = f"simfra-{os.getpid()}", f"sft{os.getpid()}", f"sfi{os.getpid()}"

    def ip(command: str) -> None:
        subprocess.run(["ip", *command.split()], check=True, timeout=10)

    ip(f"netns add {name}")
    try:
        ip(f"link add {near} type veth peer name {far} netns {name}")
        ip(f"address add 198.51.100.1/30 dev {near}")
        ip(f"link set {near} up")
        ip(f"-n {name} address add {INTERNET_HOST}/30 dev {far}")
        ip(f"-n {name} link set {far} up")
        ip(f"-n {name} link set lo up")
        probe = Probe(["ip", "netns", "exec", name, sys.executable, "-u", "-c", _PROBE, "internet"])
        yield probe
        probe.end()
    finally:
        ip(f"netns delete {name}")
