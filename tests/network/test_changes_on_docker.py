"""What changes while tasks run: blocks, names, gateways, Simfra itself; and what peered VPCs never reach."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network

import pytest
from django.conf import settings

from aws_api.core.containers import LABEL_KEY, LABEL_KIND, ContainerSpec, NetworkEndpoint
from aws_api.core.ids import new_hex_id
from aws_api.core.reconcile import set_kicker
from aws_api.core.sidecars import (
    CONTROL_PORT,
    DNS_PORT,
    FILTER_PORT,
    emulator_address,
    object_name,
    uplink_network_name,
)
from aws_api.services.ec2 import models
from aws_api.services.ec2.default_vpc import create_subnet
from aws_api.services.ec2.endpoint_services import regional_name, zonal_name
from aws_api.services.ec2.reconcile import NETWORK_KIND
from aws_api.services.ec2.waking import network_key
from aws_api.services.ec2.zones import zones_of
from tests.network.stage import ANYTHING, ENDPOINT_ADDRESS, FAR, NEAR, Stage, allows
from tests.network.world import REACHED_WITHIN_S, REGION, SILENT_FOR_S
from workers import loop
from workers.docker import engine
from workers.docker.runtime import DockerRuntime

pytestmark = pytest.mark.docker

OPEN = allows("everything", "client server tcp 80", ANYTHING)
PEERED = allows("a peered VPC", "client distant tcp 80", ANYTHING)


def test_the_names_of_an_endpoint_lead_to_its_address(stage: Stage) -> None:
    stage.set(OPEN)
    endpoint = models.VpcEndpoint.objects.get(account_id=stage.world.context.account_id, endpoint_type="Interface")
    where = (endpoint.resource_id, endpoint.service_name, REGION)
    zone = stage.world.subnets["private"].availability_zone
    for name in ("sqs.us-east-1.amazonaws.com", regional_name(*where), zonal_name(*where, zone)):
        assert stage.probes["lonely"].knock(name, "resolve", timeout_s=REACHED_WITHIN_S) == [ENDPOINT_ADDRESS]
    # Others are Simfra's as ever, and so is this one in a VPC without the endpoint.
    assert stage.probes["lonely"].knock("dynamodb.us-east-1.amazonaws.com", "resolve", timeout_s=5) == ["10.50.1.1"]
    assert stage.probes["distant"].knock("sqs.us-east-1.amazonaws.com", "resolve", timeout_s=5) == ["10.60.1.1"]


def test_a_peered_vpc_reaches_neither_the_host_nor_another_vpcs_gateway(stage: Stage) -> None:
    (pool,) = engine.client().inspect_network("bridge")["IPAM"]["Config"]
    host, uplink = pool["Gateway"], str(emulator_address(settings.SIMFRA_UPLINK_SUBNET, "", 0)[0])
    everything = {"distant": ((NEAR, "pcx"), (f"{host}/32", "pcx"), (settings.SIMFRA_UPLINK_SUBNET, "pcx"))}
    case = allows("everything", "distant server tcp 80", ANYTHING, routes=everything)
    stage.set(case)
    assert stage.is_heard(case), "the peering itself works"
    gateway = engine.client().inspect_container(stage.world.gateway("near"))
    network = uplink_network_name(settings.SIMFRA_INSTANCE)
    gateways_own = gateway["NetworkSettings"]["Networks"][network]["IPAddress"]
    with _listening() as port:
        own = (DNS_PORT, CONTROL_PORT, FILTER_PORT, settings.SIMFRA_PORT)
        doors = {host: (port,), uplink: (port, settings.SIMFRA_PORT), gateways_own: own, "10.50.1.1": own}
        for address, ports in {**doors, "10.50.0.2": (DNS_PORT,)}.items():
            for knocked in ports:
                assert stage.probes["distant"].knock(address, "tcp", knocked, timeout_s=SILENT_FOR_S) == []


@contextmanager
def _listening() -> Iterator[int]:
    """A service of the host's, at every address."""
    with socket.create_server(("0.0.0.0", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):  # closed
                while True:
                    listener.accept()[0].sendall(b"host")

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def test_a_block_that_is_added_is_used_at_once(stage: Stage) -> None:
    world, near = stage.world, stage.world.vpcs["near"]
    stage.set(OPEN)
    block = "10.51.0.0/16"
    assert IPv4Network(block).supernet() == IPv4Network(NEAR).supernet()
    models.VpcCidrAssociation.objects.create(vpc=near, association_id=new_hex_id("vpc-cidr-assoc-"), cidr_block=block)
    world.subnets["added"] = create_subnet(
        world.context, near, new_hex_id("subnet-"), "10.51.1.0/24", zones_of(REGION)[0]
    )
    added = world.add_namespace("added", "added")
    rule = {"group": added.group, "is_egress": False, "ip_protocol": "-1", "cidr_ipv4": "10.50.0.0/16"}
    models.SecurityGroupRule.objects.create(**world.row(resource_id=new_hex_id("sgr-"), **rule))
    models.SecurityGroupRule.objects.create(
        **world.row(resource_id=new_hex_id("sgr-"), **{**rule, "is_egress": True, "cidr_ipv4": "0.0.0.0/0"})
    )
    world.settle()
    assert stage.probes["client"].knock(added.address, "tcp", 80, timeout_s=REACHED_WITHIN_S) == ["added"]
    assert added.probe.knock(stage.targets["server"], "tcp", 80, timeout_s=REACHED_WITHIN_S) == ["server"]


def test_a_peered_gateway_is_found_at_its_new_address(stage: Stage) -> None:
    stage.set(PEERED)
    world, far = stage.world, stage.world.vpcs["far"]
    before = models.VpcNetwork.objects.get(vpc=far).last_uplink_address
    world.runtime.remove_container(world.gateway("far"))
    placeholder = ContainerSpec(
        name=object_name(settings.SIMFRA_INSTANCE, "placeholder"),
        image=settings.SIMFRA_SIDECAR_IMAGE,
        labels={LABEL_KIND: "test", LABEL_KEY: "placeholder"},
        command=("sleep", "600"),
        endpoints=(NetworkEndpoint(network=uplink_network_name(settings.SIMFRA_INSTANCE), address=before),),
    )
    world.runtime.create_container(placeholder)
    world.runtime.start_container(placeholder.name, placeholder.ready_within_s)
    kicked: list[tuple[str, str]] = []
    set_kicker(lambda kind, key: kicked.append((kind, key)))
    world.reconcile(far)
    assert models.VpcNetwork.objects.get(vpc=far).last_uplink_address != before
    assert (NETWORK_KIND, network_key(world.vpcs["near"])) in kicked
    set_kicker(lambda _kind, _key: None)
    world.settle()
    assert stage.is_heard(PEERED)


def test_a_simfra_that_starts_anew_finds_everything_and_touches_nothing(stage: Stage) -> None:
    stage.set(OPEN)
    world = stage.world
    names = [world.gateway("near"), world.gateway("far"), *(each.container for each in world.namespaces.values())]

    def started() -> list[str]:
        return [engine.client().inspect_container(name)["State"]["StartedAt"] for name in names]

    before = started()
    world.reconcile(world.vpcs["near"])
    # A process that was just started knows of nothing: it has rows, and what the engine has by its labels.
    for vpc in world.vpcs.values():
        models.VpcNetwork.objects.filter(vpc=vpc).update(last_checked_at=None, last_configuration="")
        loop.reconcile(NETWORK_KIND, network_key(vpc), DockerRuntime())
    assert started() == before
    assert set(models.VpcNetwork.objects.filter(vpc__in=world.vpcs.values()).values_list("last_status", flat=True)) == {
        "READY"
    }
    assert stage.is_heard(OPEN)
    assert stage.targets["distant"].startswith(FAR.rpartition(".0.0")[0])
