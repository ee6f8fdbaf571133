"""VPCs of the same addresses next to one another, one with the addresses of an engine's network; and lost pieces."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from aws_api.core.ids import new_hex_id
from aws_api.services.ec2 import models
from tests.network.world import REACHED_WITHIN_S, Namespace, World, running_world
from tests.support.waiting import wait_for
from workers.docker import engine

pytestmark = pytest.mark.docker

CIDR, SUBNETS = "10.70.0.0/16", {"a": "10.70.1.0/24", "b": "10.70.2.0/24"}
DATAGRAMS = 500
LEFT, RIGHT = ("left-a", "left-b"), ("right-a", "right-b")
ENGINES = ("engine-a", "engine-b")


@pytest.fixture(scope="module")
def world(docker_settings: None) -> Iterator[World]:
    """Two VPCs of the same blocks and addresses, and one with those of the engine's own first network."""
    (pool,) = engine.client().inspect_network("bridge")["IPAM"]["Config"]
    prefix = pool["Subnet"].rsplit(".", 2)[0]
    places = {"left": (CIDR, SUBNETS), "right": (CIDR, SUBNETS)}
    places["engine"] = (f"{prefix}.0.0/16", {"a": f"{prefix}.64.0/20", "b": f"{prefix}.80.0/20"})
    with running_world() as made:
        for vpc, (cidr, subnets) in places.items():
            made.add_vpc(vpc, cidr, {f"{vpc}-{name}": block for name, block in subnets.items()})
            for name in subnets:
                open_group(made, made.add_namespace(f"{vpc}-{name}", f"{vpc}-{name}"))
        take_addresses_of(made, LEFT, RIGHT)
        made.settle()
        yield made


def open_group(world: World, namespace: Namespace) -> None:
    namespace.group.rules.all().delete()
    for is_egress in (False, True):
        models.SecurityGroupRule.objects.create(
            **world.row(
                resource_id=new_hex_id("sgr-"),
                group=namespace.group,
                is_egress=is_egress,
                ip_protocol="-1",
                cidr_ipv4="0.0.0.0/0",
            )
        )


def take_addresses_of(world: World, names: tuple[str, ...], others: tuple[str, ...]) -> None:
    """Give the namespaces of a VPC the addresses that those of another have, so that they cannot be told apart."""
    for name, other in zip(names, others, strict=True):
        mine, theirs = world.namespaces[name], world.namespaces[other]
        address = models.PrivateAddress.objects.get(interface__resource_id=mine.interface_id).address
        models.PrivateAddress.objects.filter(interface__resource_id=theirs.interface_id).update(address=address)
        world.replace_pause(theirs)


def test_two_vpcs_with_the_same_addresses_hear_nothing_of_each_other(world: World) -> None:
    ends = [(LEFT, False), (LEFT, True), (RIGHT, False), (RIGHT, True)]
    pairs = [(pair[::-1] if is_back else pair) for pair, is_back in ends]
    found = {name: world.namespaces[name] for name in (*LEFT, *RIGHT)}
    assert found["left-a"].address == found["right-a"].address
    assert found["left-b"].address == found["right-b"].address
    before = {name: received(namespace) for name, namespace in found.items()}
    with ThreadPoolExecutor(len(pairs)) as threads:
        answers = list(threads.map(lambda pair: exchange(found[pair[0]], found[pair[1]].address), pairs))
    assert answers == [[target] * DATAGRAMS for _, target in pairs]
    for source, target in pairs:
        now = received(found[target])
        assert set(now) == {source}, "nobody else is heard"
        assert now[source] - before[target].get(source, 0) == DATAGRAMS


def exchange(source: Namespace, address: str) -> list[str]:
    answers: list[str] = source.probe.knock(address, "udp", 5000, timeout_s=REACHED_WITHIN_S, count=DATAGRAMS)
    return answers


def received(namespace: Namespace) -> dict[str, int]:
    counts: dict[str, int] = namespace.probe.knock("", "received", timeout_s=0)
    return counts


@pytest.mark.parametrize("protocol", ["tcp", "udp", "icmp"])
def test_a_vpc_may_have_the_addresses_of_an_engines_network(world: World, protocol: str) -> None:
    one, other = (world.namespaces[name] for name in ENGINES)
    for source, target in ((one, other), (other, one)):
        port = 5000 if protocol == "udp" else 80
        assert source.probe.knock(target.address, protocol, port, timeout_s=REACHED_WITHIN_S)


def test_a_filter_that_was_lost_comes_back(world: World) -> None:
    name = world.namespaces["left-b"].container

    def nft(command: str) -> str:
        done = subprocess.run(["docker", "exec", name, "nft", command], capture_output=True, text=True, check=False)
        return done.stdout

    before = nft("list table inet security")
    assert "policy drop" in before
    nft("delete table inet security")
    wait_for(lambda: nft("list table inet security") == before, timeout_s=30, every_s=0.5, what="the filter")


def test_a_filter_stays_while_the_gateway_is_away_and_follows_it_when_it_is_back(world: World) -> None:
    one, other = (world.namespaces[name] for name in LEFT)
    gateway = world.gateway("left")
    world.runtime.remove_container(gateway)
    rules = ["docker", "exec", other.container, "nft", "-j", "list", "table", "inet", "security"]
    assert json.loads(subprocess.run(rules, capture_output=True, text=True, check=True).stdout)
    world.reconcile(world.vpcs["left"])

    def is_heard() -> bool:
        return bool(one.probe.knock(other.address, "tcp", 80, timeout_s=1))

    wait_for(is_heard, timeout_s=30, what="the way between subnets")
    other.group.rules.filter(is_egress=False).delete()
    world.settle()
    wait_for(lambda: not is_heard(), timeout_s=60, what="the rule's end in a namespace whose gateway is a new one")
    open_group(world, other)
    world.settle()
    wait_for(is_heard, timeout_s=10, what="the rule")
