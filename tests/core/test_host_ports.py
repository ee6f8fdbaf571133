"""Publishing addresses of VPCs on the host: what an owner says, and what is left when it says it again."""

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, transaction

from aws_api.core.context import Context
from aws_api.core.host_ports import HostPortStatus, Origin, Purpose, VpcAddress, publish, published, withdraw
from aws_api.core.models import HostPort

WEB = VpcAddress(network_name="simfra-vpc-a", address="10.0.1.5", port=80, wanted_port=80)
DNS = VpcAddress(network_name="simfra-vpc-a", address="10.0.1.5", port=53, protocol="udp", origin=Origin.ROUTER)


@pytest.fixture
def owner(context: Context) -> Iterator[str]:
    name = f"arn:aws:ecs:us-east-1:{context.account_id}:task/default/one"
    yield name
    withdraw(name)


def test_a_published_address_waits_for_the_relay(context: Context, owner: str) -> None:
    publish(context, owner, Purpose.PUBLIC, [WEB, DNS])
    found = published(owner)
    assert [port.target for port in found] == [WEB, DNS]
    assert {(port.status, port.local_port) for port in found} == {(HostPortStatus.PENDING, None)}


def test_an_address_that_moves_keeps_its_port_of_the_host(context: Context, owner: str) -> None:
    publish(context, owner, Purpose.PUBLIC, [WEB])
    HostPort.objects.filter(owner=owner).update(last_port=8080, last_status="OPEN")
    moved = VpcAddress(network_name="simfra-vpc-b", address="10.0.2.9", port=80, wanted_port=80)
    publish(context, owner, Purpose.PUBLIC, [moved])
    (port,) = published(owner)
    assert (port.target, port.local_port, port.status) == (moved, 8080, HostPortStatus.OPEN)


def test_what_is_not_published_again_is_withdrawn(context: Context, owner: str) -> None:
    publish(context, owner, Purpose.PUBLIC, [WEB, DNS])
    publish(context, owner, Purpose.PUBLIC, [DNS])
    assert [port.target for port in published(owner)] == [DNS]


def test_purposes_of_an_owner_do_not_touch_each_other(context: Context, owner: str) -> None:
    publish(context, owner, Purpose.PUBLIC, [WEB])
    publish(context, owner, Purpose.PORT_FORWARDS, [WEB])
    withdraw(owner, Purpose.PUBLIC)
    assert [port.purpose for port in published(owner)] == [Purpose.PORT_FORWARDS]
    withdraw(owner)
    withdraw(owner)
    assert published(owner) == []


def test_only_tcp_and_udp_can_be_published(context: Context, owner: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        publish(
            context, owner, Purpose.PUBLIC, [VpcAddress(network_name="n", address="10.0.0.4", port=1, protocol="x")]
        )
