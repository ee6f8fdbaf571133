"""The VPC's gateway without a VPC: one change at a time, and nothing for who does not know the token."""

import asyncio
import json
import threading
from ipaddress import IPv4Address, IPv4Network
from typing import cast

import pytest

from aws_api.core.sidecars import vpc_gateway_configuration
from sidecar import routing
from sidecar.configuration import VpcConfiguration
from sidecar.filters import Filters
from sidecar.place import Place
from sidecar.resolver import Resolver
from sidecar.upstream import Upstream
from sidecar.vpc_gateway import Control, Gateway
from tests.support.vpc_policies import open_policies

PLACE = Place(
    vpc_interface="eth1",
    uplink_interface="eth0",
    uplink_subnet=IPv4Network("198.19.0.0/20"),
    uplink_address=IPv4Address("198.19.0.2"),
    emulator=(IPv4Address("198.19.0.1"), 4599),
    emulator_port=4599,
    control_port=5301,
    filter_port=5303,
)
MOVED_TO = IPv4Address("198.19.0.9")


def gateway() -> Gateway:
    resolver, filters = Resolver(("127.0.0.1", 53)), Filters(())
    return Gateway(place=PLACE, resolver=resolver, filters=filters, configuration=VpcConfiguration())


def configuration(cidr: str) -> VpcConfiguration:
    told = vpc_gateway_configuration(region="us-east-1", cidrs=[cidr], policies=open_policies(cidr), dns_address=None)
    return VpcConfiguration.from_json(told)


async def test_moving_the_emulator_never_undoes_a_configuration_that_comes_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    applied: list[tuple[Place, VpcConfiguration]] = []
    has_begun, may_end = threading.Event(), threading.Event()

    def apply(place: Place, told: VpcConfiguration) -> None:
        if not has_begun.is_set():
            has_begun.set()
            assert may_end.wait(10)
        applied.append((place, told))

    monkeypatch.setattr(routing, "apply", apply)
    made, told = gateway(), configuration("10.0.0.0/16")
    moving = asyncio.create_task(made.move_emulator(MOVED_TO))
    assert await asyncio.to_thread(has_begun.wait, 10)
    configuring = asyncio.create_task(made.configure(told))
    done, _ = await asyncio.wait([configuring], timeout=0.1)
    assert not done, "it waits for the move"
    may_end.set()
    await asyncio.gather(moving, configuring)
    assert applied[-1] == (made.place, told)
    assert made.place.emulator == (MOVED_TO, 4599)


@pytest.mark.parametrize("token", ["wrong", "schlüssel", "\ud800", None, 7])
async def test_a_wrong_token_is_refused_whatever_its_letters(token: object) -> None:
    control = Control(gateway(), "secret")
    server = await asyncio.start_server(control.converse, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(json.dumps({"token": token, "configuration": {}}).encode() + b"\n")
        assert await asyncio.wait_for(reader.read(), 10) == b"error the token is wrong\n"
        writer.close()


async def test_first_questions_that_come_together_share_one_socket() -> None:
    askers: set[tuple[str, int]] = set()

    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.DatagramTransport, transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            askers.add(addr)
            self.transport.sendto(data, addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    upstream = Upstream(transport.get_extra_info("sockname"), loop.time)
    await asyncio.wait_for(asyncio.gather(*(upstream._ask_udp(b"00 a question") for _ in range(50))), 10)
    assert len(askers) == 1
    upstream.close()
    transport.close()
