"""The relay on the host, over loopback in the place of a VPC: which ports it listens on, and what it carries."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.test import override_settings

from aws_api.core import bus, changes
from aws_api.core.changes import StateChange
from aws_api.core.containers import RuntimeFailure
from aws_api.core.context import Context
from aws_api.core.database import close_pool
from aws_api.core.host_ports import (
    CHANGE_KIND,
    HostPortStatus,
    Origin,
    PublishedPort,
    Purpose,
    VpcAddress,
    publish,
    published,
    withdraw,
)
from aws_api.core.models import HostPort
from sidecar.relay import Relay
from tests.support.threads import in_thread
from workers.relay.ports import close, listen
from workers.relay.process import RelayDesk
from workers.relay.tunnels import Entrance, Tunnels

TOKEN = "secret"
NETWORK = "simfra-vpc-test"


@pytest.fixture
def owner(context: Context) -> Iterator[str]:
    name = f"arn:aws:ecs:us-east-1:{context.account_id}:task/default/one"
    yield name
    withdraw(name)


@pytest.fixture
def ranges(database: None) -> Iterator[int]:
    """A range of two ports that are free, and wanted by nobody: the relay opens those of other tests' owners too."""
    HostPort.objects.all().delete()
    first = next(first for first in range(23000, 24000, 2) if all(map(is_free, (first, first + 1))))
    purposes = {purpose.value: (first, first + 1) for purpose in Purpose}
    with override_settings(SIMFRA_HOST_PORT_RANGES=purposes):
        yield first


def is_free(port: int) -> bool:
    """Whether the relay could have a port, over TCP and over UDP, on both of the loopback's addresses."""
    try:
        for protocol in ("tcp", "udp"):
            close(listen("127.0.0.1", port, protocol))
    except OSError:
        return False
    return True


@asynccontextmanager
async def desk() -> AsyncIterator[RelayDesk]:
    """A relay, and the gateway of a VPC whose addresses are this host's."""
    server = await Relay(TOKEN).serve("127.0.0.1", 0)

    def find(network_name: str) -> Entrance:
        if network_name != NETWORK:
            raise RuntimeFailure(f"{network_name} has no gateway")
        return Entrance(addresses=(server.sockets[0].getsockname(),), token=TOKEN)

    made = RelayDesk(Tunnels(find))
    async with server:
        yield made
        await made.close()
    await close_pool()


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """A server that sends back what it hears; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def at(port: int, **options: Any) -> VpcAddress:
    return VpcAddress(
        **{"network_name": NETWORK, "address": "127.0.0.1", "origin": Origin.ROUTER, **options}, port=port
    )


async def publish_and_look(
    relay: RelayDesk, context: Context, owner: str, *addresses: VpcAddress
) -> list[PublishedPort]:
    await in_thread(publish, context, owner, Purpose.PUBLIC, addresses)
    await relay.look()
    return await in_thread(published, owner)


async def exchange(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        writer.write(data)
        await writer.drain()
        writer.write_eof()

    sending = asyncio.create_task(send())
    received = await asyncio.wait_for(reader.read(-1), 60)
    await sending
    writer.close()
    return received


async def test_a_published_address_is_on_the_port_that_it_wants(context: Context, owner: str, ranges: int) -> None:
    async with desk() as relay, echo() as target:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            wanted = probe.getsockname()[1]
        (port,) = await publish_and_look(relay, context, owner, at(target, wanted_port=wanted))
        assert (port.local_port, port.status) == (wanted, HostPortStatus.OPEN)
        assert await exchange(wanted, b"hello") == b"hello"
        with socket.create_connection(("::1", wanted)):
            pass


async def test_where_that_is_taken_it_is_on_the_next_free_of_the_range(
    context: Context, owner: str, ranges: int
) -> None:
    async with desk() as relay, echo() as target:
        with socket.create_server(("127.0.0.1", ranges)):
            (port,) = await publish_and_look(relay, context, owner, at(target, wanted_port=target))
        assert port.local_port == ranges + 1
        assert await exchange(ranges + 1, b"hello") == b"hello"


async def test_a_port_that_belongs_to_the_system_is_not_taken_either(context: Context, owner: str, ranges: int) -> None:
    async with desk() as relay:
        with override_settings(SIMFRA_SAME_HOST_PORTS=False):
            (port,) = await publish_and_look(relay, context, owner, at(80, wanted_port=80))
        assert port.local_port == ranges


async def test_without_a_free_port_the_row_says_why_until_there_is_one(
    context: Context, owner: str, ranges: int
) -> None:
    async with desk() as relay, echo() as target:
        with socket.create_server(("127.0.0.1", ranges)), socket.create_server(("127.0.0.1", ranges + 1)):
            (port,) = await publish_and_look(relay, context, owner, at(target))
            assert (port.local_port, port.status) == (None, HostPortStatus.FAILED)
            assert port.failure == f"No port from {ranges} to {ranges + 1} is free (SIMFRA_PUBLIC_PORT_RANGE)."
        await relay.look()
        (port,) = await in_thread(published, owner)
        assert (port.local_port, port.status, port.failure) == (ranges, HostPortStatus.OPEN, "")


async def test_after_a_restart_the_same_ports_are_open_again(context: Context, owner: str, ranges: int) -> None:
    async with echo() as target:
        async with desk() as relay:
            before = await publish_and_look(relay, context, owner, at(target), at(target + 1))
        async with desk() as relay:
            await relay.look()
            assert await in_thread(published, owner) == before
            assert await exchange(before[0].local_port or 0, b"again") == b"again"


async def test_a_withdrawn_port_is_closed_and_who_is_connected_goes_on(
    context: Context, owner: str, ranges: int
) -> None:
    async with desk() as relay, echo() as target:
        (port,) = await publish_and_look(relay, context, owner, at(target))
        assert port.local_port is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", port.local_port)
        writer.write(b"before")
        assert await asyncio.wait_for(reader.readexactly(6), 60) == b"before"
        await in_thread(withdraw, owner)
        await relay.look()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port.local_port)
        writer.write(b"after")
        assert await asyncio.wait_for(reader.readexactly(5), 60) == b"after"
        writer.close()


async def test_an_address_that_moves_is_behind_the_same_port(context: Context, owner: str, ranges: int) -> None:
    async with desk() as relay, echo() as target:
        (port,) = await publish_and_look(relay, context, owner, at(target, address="127.0.0.9"))
        (moved,) = await publish_and_look(relay, context, owner, at(target))
        assert moved.local_port == port.local_port
        assert await exchange(ranges, b"moved") == b"moved"


async def test_a_hundred_connections_at_once_and_each_gets_its_own(context: Context, owner: str, ranges: int) -> None:
    async with desk() as relay, echo() as target:
        await publish_and_look(relay, context, owner, at(target))
        sent = [f"{number} ".encode() * 20_000 for number in range(100)]
        assert await asyncio.gather(*(exchange(ranges, data) for data in sent)) == sent


@pytest.mark.parametrize("address", [{"address": "127.0.0.1", "port": 1}, {"network_name": "gone", "port": 80}])
async def test_where_nobody_is_the_connection_is_reset(
    context: Context, owner: str, ranges: int, address: dict[str, Any]
) -> None:
    async with desk() as relay:
        await publish_and_look(relay, context, owner, at(**address))
        reader, writer = await asyncio.open_connection("127.0.0.1", ranges)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(-1), 60)
        writer.close()


async def test_a_gateway_that_was_made_anew_is_found_again(context: Context, owner: str, ranges: int) -> None:
    first, second = await Relay("first").serve("127.0.0.1", 0), await Relay("second").serve("127.0.0.1", 0)
    entrances = {name: (server.sockets[0].getsockname(), name) for name, server in (("1", first), ("2", second))}
    now = "1"

    def find(_: str) -> Entrance:
        address, name = entrances[now]
        return Entrance(addresses=(address,), token={"1": "first", "2": "second"}[name])

    relay = RelayDesk(Tunnels(find))
    async with echo() as target:
        await publish_and_look(relay, context, owner, at(target))
        assert await exchange(ranges, b"one") == b"one"
        first.close()
        now = "2"
        assert await exchange(ranges, b"two") == b"two"
    await relay.close()
    second.close()
    await close_pool()


async def test_another_program_in_a_gateway_s_place_is_not_taken_for_it(
    context: Context, owner: str, ranges: int
) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n")
        writer.close()

    stranger = await asyncio.start_server(answer, "127.0.0.1", 0)
    gateway = await Relay(TOKEN).serve("127.0.0.1", 0)
    places = [stranger, gateway]

    def find(_: str) -> Entrance:
        return Entrance(addresses=(places.pop(0).sockets[0].getsockname(),), token=TOKEN)

    relay = RelayDesk(Tunnels(find))
    async with echo() as target, stranger, gateway:
        await publish_and_look(relay, context, owner, at(target))
        assert await exchange(ranges, b"found") == b"found"
        await relay.close()
    await close_pool()


async def test_datagrams_reach_their_target_and_answers_their_sender(context: Context, owner: str, ranges: int) -> None:
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, address: Any) -> None:
            self.transport.sendto(data[::-1], address)

    loop = asyncio.get_running_loop()
    target, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    async with desk() as relay:
        address = at(target.get_extra_info("sockname")[1], protocol="udp")
        (port,) = await publish_and_look(relay, context, owner, address)
        assert port.status == HostPortStatus.OPEN, port.failure
        clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(5)]
        for number, client in enumerate(clients):
            client.setblocking(False)
            client.connect(("127.0.0.1", port.local_port))
            client.send(f"first {number}".encode())
            client.send(b"second")
        for number, client in enumerate(clients):
            answers = [await asyncio.wait_for(loop.sock_recv(client, 100), 60) for _ in range(2)]
            assert answers == [f"first {number}".encode()[::-1], b"dnoces"]
            client.close()
    target.close()


async def test_a_change_tells_whoever_shows_the_owner(context: Context, owner: str, ranges: int) -> None:
    async with desk() as relay, bus.subscription(changes.TOPIC) as heard:
        await publish_and_look(relay, context, owner, at(80))
        while (change := StateChange.from_json(await asyncio.wait_for(heard.get(), 60))).kind != CHANGE_KIND:
            pass
        assert (change.key, change.before, change.after) == (owner, "PENDING", "OPEN")
