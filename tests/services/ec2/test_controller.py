"""A VPC's network, from the first interface to the last trace, on a scripted engine."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network

import pytest
from django.conf import settings

from aws_api.core.changes import StateChange, subscribe
from aws_api.core.clock import FixedClock
from aws_api.core.context import Context
from aws_api.core.models import PlanRecord, Transition
from aws_api.core.network import NetworkAttachment, network_provider
from aws_api.core.reconcile import get_controller
from aws_api.services.ec2.models import Vpc, VpcNetwork
from aws_api.services.ec2.reconcile import KEEP_IDLE_S
from aws_api.services.ec2.waking import network_key
from tests.support.fake_runtime import FakeRuntime
from workers.loop import reconcile

KIND = "ec2.vpc"
_heard: list[StateChange] = []
subscribe(_heard.append)


@pytest.fixture
def changes(kicks: list[tuple[str, str]]) -> Iterator[list[StateChange]]:
    """The changes published meanwhile."""
    _heard.clear()
    yield _heard


@pytest.fixture
def engine() -> FakeRuntime:
    return FakeRuntime(images=[settings.SIMFRA_SIDECAR_IMAGE])


def attach(context: Context) -> NetworkAttachment:
    return network_provider().create(
        context,
        subnet_ids=network_provider().default_subnet_ids(context)[:1],
        security_group_ids=[],
        description="a task",
        assign_public_ip=False,
        requester_id="amazon-ecs",
    )


def detach(context: Context, attachment: NetworkAttachment) -> None:
    network_provider().delete(context.account_id, context.region, attachment.network_interface_id)


def backing_address(context: Context, attachment: NetworkAttachment) -> str | None:
    described = network_provider().describe(context.account_id, context.region, attachment.network_interface_id)
    assert described is not None
    return described.backing_address


def unsettled(context: Context, *, in_s: float = 0) -> list[str]:
    """The account's keys that a sweep would kick, now or later."""
    keys = get_controller(KIND).unsettled(context.clock.now() + timedelta(seconds=in_s))
    return [key for key in keys if key.startswith(context.account_id)]


def gateway_name(attachment: NetworkAttachment) -> str:
    return f"{attachment.network_name}-gateway"


def test_the_first_interface_brings_up_the_network(
    context: Context, engine: FakeRuntime, changes: list[StateChange]
) -> None:
    attachment = attach(context)
    assert backing_address(context, attachment) is None
    assert unsettled(context) == [attachment.network_key]
    reconcile(KIND, attachment.network_key, engine)
    assert unsettled(context) == []
    row = VpcNetwork.objects.get(key=attachment.network_key)
    assert row.last_status == "READY"
    address = backing_address(context, attachment)
    assert address is not None
    index = int(IPv4Address(address)) - int(IPv4Network(row.last_backing_subnet).network_address)
    assert 10 <= index <= 1020
    assert engine.calls == [
        f"create_network {attachment.network_name}",
        f"create_container {gateway_name(attachment)}",
        f"start_container {gateway_name(attachment)}",
        f"configure_container {gateway_name(attachment)}",
    ]
    told = engine.configurations[gateway_name(attachment)]
    assert told["dns_address"] == "172.31.0.2"
    assert [subnet["gateway_address"] for subnet in told["subnets"]][:2] == ["172.31.0.1", "172.31.16.1"]
    mine = [(change.before, change.after) for change in changes if change.key == attachment.network_key]
    assert mine == [("ABSENT", "PENDING"), ("PENDING", "READY")]
    assert Transition.objects.filter(kind=KIND, key=attachment.network_key).count() == 2
    assert PlanRecord.objects.filter(kind=KIND, key=attachment.network_key).count() == 2


def test_a_ready_network_is_left_alone_and_looked_at_again_after_a_while(
    context: Context, engine: FakeRuntime, kicks: list[tuple[str, str]]
) -> None:
    attachment = attach(context)
    reconcile(KIND, attachment.network_key, engine)
    before = list(engine.calls)
    reconcile(KIND, attachment.network_key, engine)
    assert engine.calls == before
    assert unsettled(context, in_s=61) == [attachment.network_key]


def test_no_address_is_handed_out_before_the_gateway_is_up(
    context: Context, engine: FakeRuntime, changes: list[StateChange]
) -> None:
    attachment = attach(context)
    for _ in range(3):
        engine.fail("start_container", gateway_name(attachment), "no more memory")
    reconcile(KIND, attachment.network_key, engine)
    row = VpcNetwork.objects.get(key=attachment.network_key)
    assert (row.last_status, row.last_failure) == ("FAILED", "no more memory")
    assert row.last_backing_subnet
    assert backing_address(context, attachment) is None
    assert unsettled(context) == [attachment.network_key]
    assert changes[-1].cause == "no more memory"
    engine.failures.clear()
    reconcile(KIND, attachment.network_key, engine)
    assert backing_address(context, attachment) is not None


def test_a_gateway_that_dies_is_mended_and_told_everything_again(
    context: Context, engine: FakeRuntime, kicks: list[tuple[str, str]]
) -> None:
    attachment = attach(context)
    reconcile(KIND, attachment.network_key, engine)
    address = backing_address(context, attachment)
    engine.end(gateway_name(attachment), 137)
    engine.configurations.clear()
    # It has run for no time at all, so it gets a pause.
    pause_s = reconcile(KIND, attachment.network_key, engine)
    assert pause_s is not None
    later = FixedClock(context.clock.now() + timedelta(seconds=pause_s))
    reconcile(KIND, attachment.network_key, engine, later)
    assert gateway_name(attachment) in engine.configurations
    assert VpcNetwork.objects.get(key=attachment.network_key).last_status == "READY"
    assert backing_address(context, attachment) == address


def test_a_new_subnet_reaches_the_gateway(context: Context, engine: FakeRuntime, kicks: list[tuple[str, str]]) -> None:
    from aws_api.core.invoke import invoke

    attachment = attach(context)
    reconcile(KIND, attachment.network_key, engine)
    invoke(context, "ec2", "CreateSubnet", {"VpcId": attachment.vpc_id, "CidrBlock": "172.31.240.0/24"})
    assert kicks[-1] == (KIND, attachment.network_key)
    reconcile(KIND, attachment.network_key, engine)
    told = engine.configurations[gateway_name(attachment)]["subnets"]
    assert ("172.31.240.1", 24) in [(subnet["gateway_address"], subnet["prefix_length"]) for subnet in told]


def test_an_unused_network_is_kept_for_a_while_and_then_taken_down(
    context: Context, engine: FakeRuntime, kicks: list[tuple[str, str]]
) -> None:
    attachment = attach(context)
    reconcile(KIND, attachment.network_key, engine)
    detach(context, attachment)
    look_again_s = reconcile(KIND, attachment.network_key, engine)
    assert look_again_s is not None
    assert look_again_s == pytest.approx(KEEP_IDLE_S, abs=5)
    assert engine.names == [gateway_name(attachment)]
    assert unsettled(context) == []
    assert unsettled(context, in_s=KEEP_IDLE_S + 1) == [attachment.network_key]
    later = FixedClock(context.clock.now() + timedelta(seconds=KEEP_IDLE_S + 1))
    reconcile(KIND, attachment.network_key, engine, later)
    assert engine.names == []
    assert engine.calls[-1] == f"remove_network {attachment.network_name}"
    row = VpcNetwork.objects.get(key=attachment.network_key)
    assert (row.last_status, row.usable_subnet) == ("ABSENT", "")
    assert unsettled(context, in_s=KEEP_IDLE_S * 2) == []


def test_use_within_that_while_costs_no_more_than_to_tell_of_it(
    context: Context, engine: FakeRuntime, kicks: list[tuple[str, str]]
) -> None:
    first = attach(context)
    reconcile(KIND, first.network_key, engine)
    detach(context, first)
    reconcile(KIND, first.network_key, engine)
    before = list(engine.calls)
    second = attach(context)
    reconcile(KIND, second.network_key, engine)
    assert engine.calls == [*before, f"configure_container {gateway_name(second)}"]
    assert backing_address(context, second) is not None


def test_a_deleted_vpc_leaves_neither_containers_nor_rows(
    context: Context, engine: FakeRuntime, kicks: list[tuple[str, str]]
) -> None:
    from aws_api.core.invoke import invoke

    vpc_id = invoke(context, "ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16"})["Vpc"]["VpcId"]
    subnet_id = invoke(context, "ec2", "CreateSubnet", {"VpcId": vpc_id, "CidrBlock": "10.0.0.0/24"})["Subnet"][
        "SubnetId"
    ]
    attachment = network_provider().create(
        context,
        subnet_ids=[subnet_id],
        security_group_ids=[],
        description="a task",
        assign_public_ip=False,
        requester_id="amazon-ecs",
    )
    key = network_key(Vpc.objects.get(account_id=context.account_id, resource_id=vpc_id))
    reconcile(KIND, key, engine)
    detach(context, attachment)
    invoke(context, "ec2", "DeleteSubnet", {"SubnetId": subnet_id})
    invoke(context, "ec2", "DeleteVpc", {"VpcId": vpc_id})
    assert unsettled(context) == [key]
    reconcile(KIND, key, engine)
    assert engine.names == []
    assert not VpcNetwork.objects.filter(key=key).exists()
    assert get_controller(KIND).load(key) is None
