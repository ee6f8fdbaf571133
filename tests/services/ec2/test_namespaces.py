"""Namespaces that are made ahead of tasks: made, taken, used up and taken away, on a scripted engine."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings

from aws_api.core.containers import ContainerState
from aws_api.core.context import Context
from aws_api.core.network import NetworkAttachment, network_provider
from aws_api.core.sidecars import pause_container
from aws_api.services.ec2.models import NetworkInterface, SpareNamespace, VpcNetwork
from aws_api.services.ec2.namespaces import KEEP_IDLE_S, QUIET_S
from aws_api.services.ec2.reconcile import NAMESPACES_KIND, NETWORK_KIND
from tests.support.fake_runtime import FakeRuntime
from workers.loop import reconcile

SPARES = 2


@pytest.fixture(autouse=True)
def some_are_kept(kicks: list[tuple[str, str]]) -> Iterator[None]:
    with override_settings(SIMFRA_SPARE_NAMESPACES=SPARES):
        yield


@pytest.fixture
def engine() -> FakeRuntime:
    return FakeRuntime(images=[settings.SIMFRA_SIDECAR_IMAGE])


def attach(context: Context, **options: Any) -> NetworkAttachment:
    with transaction.atomic():
        return network_provider().create(
            context,
            subnet_ids=network_provider().default_subnet_ids(context)[:1],
            security_group_ids=[],
            description="a task",
            assign_public_ip=False,
            requester_id="amazon-ecs",
            **{"in_spare_namespace": True, **options},
        )


def detach(context: Context, attachment: NetworkAttachment) -> None:
    network_provider().delete(context.account_id, context.region, attachment.network_interface_id)


def described(context: Context, attachment: NetworkAttachment) -> NetworkAttachment:
    found = network_provider().describe(context.account_id, context.region, attachment.network_interface_id)
    assert found is not None
    return found


def come_to_rest(context: Context, attachment: NetworkAttachment, engine: FakeRuntime) -> None:
    """Let a while pass in which nobody wants an interface, and the reconcilers do what they want to."""
    interfaces = NetworkInterface.objects.filter(account_id=context.account_id)
    interfaces.update(created_at=context.clock.now() - timedelta(seconds=2 * QUIET_S))
    for kind in (NETWORK_KIND, NAMESPACES_KIND):
        reconcile(kind, attachment.network_key, engine)


def spares(context: Context) -> list[SpareNamespace]:
    return list(SpareNamespace.objects.filter(network__account_id=context.account_id).order_by("pk"))


def held(engine: FakeRuntime) -> set[str]:
    """The containers that hold namespaces."""
    return {each.name for each in engine.find_containers({"simfra.role": "namespace"})}


def test_a_subnet_that_tasks_use_has_some_ready_once_it_is_quiet(context: Context, engine: FakeRuntime) -> None:
    first = attach(context)
    assert first.namespace is None
    reconcile(NETWORK_KIND, first.network_key, engine)
    # However long that took, this is the moment after.
    rows = NetworkInterface.objects.filter(account_id=context.account_id)
    rows.update(created_at=context.clock.now() + timedelta(minutes=1))
    reconcile(NAMESPACES_KIND, first.network_key, engine)
    assert spares(context) == [], "more tasks may come"
    come_to_rest(context, first, engine)
    assert [(row.last_status, row.interface) for row in spares(context)] == [("READY", None)] * SPARES
    assert held(engine) == {row.name for row in spares(context)}


def test_the_next_task_joins_one_with_its_address(context: Context, engine: FakeRuntime) -> None:
    come_to_rest(context, attach(context), engine)
    ready = {row.name: str(row.address) for row in spares(context)}
    second = described(context, attach(context))
    assert second.namespace in ready
    assert second.private_address == ready[second.namespace]
    pause = pause_container(second, name="pause", image="sidecar", emulator_port=4599, labels={})
    assert (pause.network_of, pause.endpoints, pause.hostname, pause.sysctls) == (second.namespace, (), None, {})
    third = described(context, attach(context, in_spare_namespace=False))
    assert third.namespace is None
    assert third.backing_address not in {second.backing_address, None}


def test_what_was_used_is_not_used_again(context: Context, engine: FakeRuntime) -> None:
    come_to_rest(context, attach(context), engine)
    second = attach(context)
    come_to_rest(context, second, engine)
    assert second.namespace in held(engine)
    assert len(held(engine)) == SPARES + 1
    detach(context, second)
    come_to_rest(context, second, engine)
    assert second.namespace not in held(engine)
    assert len(held(engine)) == SPARES


def test_an_address_that_somebody_asks_for_is_nobody_s_before(context: Context, engine: FakeRuntime, aws: Any) -> None:
    first = attach(context)
    come_to_rest(context, first, engine)
    ready = spares(context)
    (subnet,) = aws("ec2").describe_subnets(SubnetIds=[first.subnet_id])["Subnets"]
    assert subnet["AvailableIpAddressCount"] == 4091 - 1, "what is ready counts for nobody"
    for row in ready:
        aws("ec2").create_network_interface(SubnetId=first.subnet_id, PrivateIpAddress=str(row.address))
    assert attach(context).namespace is None
    come_to_rest(context, first, engine)
    assert not held(engine) & {row.name for row in ready}
    assert len(held(engine)) == SPARES


def test_one_that_ended_is_made_anew_and_given_to_nobody_meanwhile(context: Context, engine: FakeRuntime) -> None:
    first = attach(context)
    come_to_rest(context, first, engine)
    taken = attach(context)
    assert taken.namespace is not None
    for name in held(engine):
        engine.end(name, 137)
    reconcile(NAMESPACES_KIND, first.network_key, engine)
    assert described(context, taken).namespace is None, "it makes one of its own"
    assert attach(context).namespace is None
    come_to_rest(context, first, engine)
    running = {
        each.name
        for each in engine.find_containers({"simfra.role": "namespace"})
        if each.state is ContainerState.RUNNING
    }
    assert len(running) == SPARES


def test_a_vpc_without_tasks_keeps_none_for_long(context: Context, engine: FakeRuntime) -> None:
    first = attach(context)
    come_to_rest(context, first, engine)
    detach(context, first)
    come_to_rest(context, first, engine)
    assert len(held(engine)) == SPARES
    long_ago = context.clock.now() - timedelta(seconds=KEEP_IDLE_S + 1)
    VpcNetwork.objects.filter(key=first.network_key).update(last_idle_since=long_ago)
    reconcile(NAMESPACES_KIND, first.network_key, engine)
    assert (held(engine), spares(context)) == (set(), [])
