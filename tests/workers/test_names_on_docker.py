"""Names in a VPC on a real engine: from RegisterInstance to what a task resolves."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dns.message
import dns.query
import pytest
from django.conf import settings
from django.db import connections

from aws_api.core import bus
from aws_api.core.context import Context
from aws_api.core.execution import run_on_loop
from aws_api.core.network import NetworkAttachment, network_provider
from aws_api.core.reconcile import set_kicker
from aws_api.core.sidecars import object_name, pause_container
from aws_api.core.telling import TOPIC
from aws_api.services.ec2.models import VpcNetwork
from tests.support.images import busybox_image
from tests.support.in_process import call
from tests.support.waiting import wait_for
from workers import loop
from workers.docker import host
from workers.docker.runtime import DockerRuntime
from workers.telling import Teller

pytestmark = pytest.mark.docker

#: As long as a change may take to be seen; a loaded machine is given more.
VISIBLE_WITHIN_S = 1.0


@pytest.fixture
def honoured(docker_settings: None, kicks: list[tuple[str, str]]) -> Iterator[None]:
    """Kicks and changes are honoured at once, as a worker does."""
    host.prepare()
    executor = ThreadPoolExecutor(4)

    def reconcile(kind: str, key: str) -> None:
        try:
            loop.reconcile(kind, key, DockerRuntime())
        finally:
            connections.close_all()

    def submit(kind: str, key: str) -> None:
        executor.submit(reconcile, kind, key)

    teller = Teller(DockerRuntime())
    run_on_loop(_listen(teller.hear))
    set_kicker(submit)
    yield
    set_kicker(None)
    run_on_loop(_unlisten(teller.hear))
    executor.shutdown()


async def _listen(listener: Callable[[bytes], None]) -> None:
    await bus.process_bus().listen(TOPIC, listener)


async def _unlisten(listener: Callable[[bytes], None]) -> None:
    await bus.process_bus().unlisten(TOPIC, listener)


@pytest.fixture
def attachment(honoured: None, context: Context) -> Iterator[NetworkAttachment]:
    """An interface in the default VPC, whose network is up."""
    provider = network_provider()
    made = provider.create(
        context,
        subnet_ids=provider.default_subnet_ids(context)[:1],
        security_group_ids=[],
        description="a task",
        assign_public_ip=False,
        requester_id="amazon-ecs",
    )

    def describe() -> NetworkAttachment | None:
        found = provider.describe(context.account_id, context.region, made.network_interface_id)
        return found if found and found.backing_address else None

    wait_for(describe, timeout_s=60, what="the VPC's network")
    found = describe()
    assert found is not None
    yield found
    provider.delete(context.account_id, context.region, made.network_interface_id)


@pytest.fixture
def task(attachment: NetworkAttachment) -> Callable[[str], str]:
    """``task("nslookup web.local")``: what a command prints inside of a task."""
    name = object_name(settings.SIMFRA_INSTANCE, "names", attachment.network_interface_id)
    runtime = DockerRuntime()
    spec = pause_container(
        attachment, name=name, image=settings.SIMFRA_SIDECAR_IMAGE, emulator_port=settings.SIMFRA_PORT, labels={}
    )
    runtime.create_container(spec)
    runtime.start_container(name, spec.ready_within_s)

    def run(command: str) -> str:
        done = subprocess.run(
            ["docker", "run", "--rm", "--network", f"container:{name}", busybox_image(), "sh", "-c", command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    return run


@pytest.fixture
def service_id(aws: Callable[..., Any], attachment: NetworkAttachment) -> str:
    """A service ``web.local`` of the VPC, with two instances."""
    cloud_map = aws("servicediscovery")
    cloud_map.create_private_dns_namespace(Name="local", Vpc=attachment.vpc_id)
    (namespace,) = cloud_map.list_namespaces()["Namespaces"]
    made = cloud_map.create_service(
        Name="web", NamespaceId=namespace["Id"], DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 60}]}
    )
    for number in (5, 6):
        register(cloud_map, made["Service"]["Id"], number)
    return str(made["Service"]["Id"])


def register(cloud_map: Any, service_id: str, number: int) -> None:
    attributes = {"AWS_INSTANCE_IPV4": f"172.31.0.{number}"}
    cloud_map.register_instance(ServiceId=service_id, InstanceId=f"i-{number}", Attributes=attributes)


def resolve(port: int, name: str, type_: str = "A", *, tcp: bool = False) -> list[str]:
    """What the resolver answers at its port on this machine."""
    send = dns.query.tcp if tcp else dns.query.udp
    answer = send(dns.message.make_query(name, type_), "127.0.0.1", 5, port).answer
    return sorted(str(value) for rrset in answer for value in rrset)


def test_a_task_resolves_what_its_vpc_knows(
    task: Callable[[str], str], service_id: str, aws: Callable[..., Any], attachment: NetworkAttachment
) -> None:
    route53 = aws("route53")
    vpc = {"VPCId": attachment.vpc_id, "VPCRegion": "us-east-1"}
    zone = route53.create_hosted_zone(Name="db.example", CallerReference="one", VPC=vpc)["HostedZone"]["Id"]
    record = {"Name": "main.db.example", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "172.31.9.9"}]}
    changes = [{"Action": "CREATE", "ResourceRecordSet": record}]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def printed() -> str:
        script = "for name in web.local main.db.example sqs.us-east-1.amazonaws.com; do nslookup -type=a $name; done"
        return task(script)

    wait_for(lambda: "172.31.9.9" in printed(), timeout_s=20, what="the record")
    found = printed()
    assert "172.31.0.5" in found
    assert "172.31.0.6" in found
    assert attachment.gateway_address in found or "172.31.0.1" in found


def test_a_change_is_seen_at_once_also_from_the_host(
    service_id: str,
    aws: Callable[..., Any],
    attachment: NetworkAttachment,
    gateway: Any,
) -> None:
    (place,) = [
        found
        for found in _resolvers(gateway)
        if found["vpcId"] == attachment.vpc_id and found["address"] == "127.0.0.1"
    ]
    port = place["port"]
    assert settings.SIMFRA_DNS_PORT_RANGE[0] <= port <= settings.SIMFRA_DNS_PORT_RANGE[1]
    cloud_map = aws("servicediscovery")
    both = ["172.31.0.5", "172.31.0.6"]
    wait_for(lambda: resolve(port, "web.local") == both, timeout_s=20, what="both instances")
    assert resolve(place["tcpPort"], "web.local", tcp=True) == both
    delays = []
    for _ in range(5):
        cloud_map.deregister_instance(ServiceId=service_id, InstanceId="i-6")
        delays.append(_until(lambda: resolve(port, "web.local") == both[:1]))
        register(cloud_map, service_id, 6)
        delays.append(_until(lambda: resolve(port, "web.local") == both))
    print("seconds until a change was seen:", [round(delay, 4) for delay in delays])
    assert sorted(delays)[len(delays) // 2] < VISIBLE_WITHIN_S


def test_a_vpc_without_dns_support_has_no_resolver(
    task: Callable[[str], str], service_id: str, aws: Callable[..., Any], attachment: NetworkAttachment
) -> None:
    wait_for(lambda: "172.31.0.5" in task("nslookup -type=a web.local"), timeout_s=20, what="the name")
    aws("ec2").modify_vpc_attribute(VpcId=attachment.vpc_id, EnableDnsSupport={"Value": False})
    wait_for(
        lambda: (
            VpcNetwork.objects.filter(key=attachment.network_key, last_status="READY").exists()
            and "172.31.0.5" not in task("timeout 2 nslookup -type=a web.local")
        ),
        timeout_s=30,
        what="the resolver to go",
    )
    aws("ec2").modify_vpc_attribute(VpcId=attachment.vpc_id, EnableDnsSupport={"Value": True})
    wait_for(lambda: "172.31.0.5" in task("nslookup -type=a web.local"), timeout_s=30, what="the name again")


def _until(condition: Callable[[], bool]) -> float:
    began = time.monotonic()
    wait_for(condition, timeout_s=10, every_s=0.001, what="the change")
    return time.monotonic() - began


def _resolvers(gateway: Any) -> list[dict[str, Any]]:
    headers = {"host": "localhost:4599", "authorization": f"Bearer {settings.SIMFRA_ADMIN_TOKEN}"}
    status, _, body = call(gateway, "GET", "/_simfra/network/dns", headers=headers)
    assert status == 200
    found: list[dict[str, Any]] = json.loads(body)
    return found
