"""The way into a VPC, over loopback in the place of a VPC: whose connections are joined, and what passes."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aws_api.core import host_ports
from sidecar.relay import DATAGRAM_LENGTH, INTERNET_ADDRESS, Relay

TOKEN = "secret"
SIZE = 20_000_000


@pytest.fixture
async def relay() -> AsyncIterator[tuple[str, int]]:
    server = await Relay(TOKEN).serve("127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()


async def ask(relay: tuple[str, int], **wish: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
    """A connection's first line and its answer."""
    reader, writer = await asyncio.open_connection(*relay)
    line = {"token": TOKEN, "protocol": "tcp", "address": "127.0.0.1", "origin": "router", **wish}
    writer.write(json.dumps(line).encode() + b"\n")
    answer = await asyncio.wait_for(reader.readline(), 10)
    return reader, writer, answer.decode().strip()


def test_the_two_sides_agree_on_the_internet_s_address() -> None:
    assert str(INTERNET_ADDRESS) == host_ports.INTERNET_ADDRESS


async def test_bytes_pass_both_ways_also_after_one_side_is_finished(relay: tuple[str, int]) -> None:
    async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        everything = await reader.read(-1)
        writer.write(everything[::-1])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer_at_the_end, "127.0.0.1", 0)
    async with server:
        reader, writer, answer = await ask(relay, port=server.sockets[0].getsockname()[1])
        assert answer == "ok"
        sent = bytes(range(256)) * (SIZE // 256)
        writer.write(sent)
        writer.write_eof()
        received = await asyncio.wait_for(reader.read(-1), 30)
        assert received == sent[::-1]
        writer.close()


async def test_a_server_that_speaks_first_is_heard(relay: tuple[str, int]) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"welcome")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        reader, writer, answer = await ask(relay, port=server.sockets[0].getsockname()[1])
        assert (answer, await asyncio.wait_for(reader.read(-1), 10)) == ("ok", b"welcome")
        writer.close()


async def test_who_does_not_read_makes_the_sender_wait(relay: tuple[str, int]) -> None:
    sent = 0
    let_go = asyncio.Event()

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            while sent < SIZE * 10:
                writer.write(bytes(100_000))
                await writer.drain()
                sent += 100_000
        except ConnectionError:
            let_go.set()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    async with server:
        opened = socket.create_connection(relay)
        line = {"token": TOKEN, "protocol": "tcp", "address": "127.0.0.1", "origin": "router"}
        opened.sendall(json.dumps({**line, "port": server.sockets[0].getsockname()[1]}).encode() + b"\n")
        before = -1
        while sent != before or not sent:
            before = sent
            await asyncio.sleep(0.2)
        assert sent < SIZE * 2, "the kernel's buffers and the relay's hold no more"
        opened.close()
        await asyncio.wait_for(let_go.wait(), 10)


@pytest.mark.parametrize(
    ("wish", "answer"),
    [
        ({"token": "wrong", "port": 80}, "error the token is wrong"),
        ({"token": None, "port": 80}, "error the token is wrong"),
        ({"port": 0}, "error tcp 0"),
        ({"port": 80, "protocol": "sctp"}, "error sctp 80"),
        ({"port": 80, "address": "example.com"}, "error Expected 4 octets in 'example.com'"),
        ({}, "error KeyError: 'port'"),
        ({"port": 1}, "error refused"),
    ],
)
async def test_what_cannot_be_joined_is_told(relay: tuple[str, int], wish: dict[str, Any], answer: str) -> None:
    reader, writer, said = await ask(relay, **wish)
    assert said == answer
    assert await reader.read() == b""
    writer.close()


async def test_a_line_that_does_not_end_is_refused(relay: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*relay)
    writer.write(b"x" * 5000)
    assert await asyncio.wait_for(reader.readline(), 10) == b"error the first line is too long\n"
    writer.close()


async def test_datagrams_pass_both_ways_as_they_are(relay: tuple[str, int]) -> None:
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, address: Any) -> None:
            self.transport.sendto(data[::-1], address)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    reader, writer, answer = await ask(relay, protocol="udp", port=port)
    assert answer == "ok"
    for datagram in (b"first", b"x", b"x" * 1400):
        writer.write(DATAGRAM_LENGTH.pack(len(datagram)) + datagram)
        (length,) = DATAGRAM_LENGTH.unpack(await asyncio.wait_for(reader.readexactly(2), 10))
        assert await reader.readexactly(length) == datagram[::-1]
    writer.close()
    transport.close()
