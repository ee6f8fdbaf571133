"""The way into a VPC: whoever knows the control token has its connection joined with one to an address in the VPC.

A connection begins with one line of JSON::

    {"token": "...", "protocol": "tcp", "address": "10.0.1.5", "port": 8080, "origin": "internet"}

and is answered with one: ``ok``, or ``error`` and a reason: ``refused``, ``timeout``, or what the kernel says. After
``ok`` bytes pass both ways. With the protocol ``udp`` they are datagrams, each after its length in two bytes.

``origin`` is where the VPC sees it come from: ``internet`` (INTERNET_ADDRESS, whatever security groups say of it) or
``router``, the subnet's first address.
"""

import asyncio
import hmac
import json
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from sidecar.pipes import FirstLine, Pipe, Waiting, abort, keep_alive

#: Of the block for documentation (RFC 5737), so never a real host's.
INTERNET_ADDRESS = IPv4Address("203.0.113.1")
#: Linux: choose the port when it is known where to, so that ports do not run out; no name in Python.
_IP_BIND_ADDRESS_NO_PORT = 24
_MAX_LINE_BYTES = 1024
_LINE_TIMEOUT_S = 10.0
#: Longer than whoever asks waits.
CONNECT_TIMEOUT_S = 15.0
_MAX_CONNECTIONS = 4000
#: An end that has half closed may be silent for good; more than any load balancer's.
IDLE_S = 3600.0
_LOOK_EVERY_S = 60.0
DATAGRAM_LENGTH = struct.Struct("!H")
#: Datagrams for a reader that does not keep up are dropped, as a network would.
_MAX_UNSENT_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Where a connection wants to go."""

    protocol: str
    address: IPv4Address
    port: int
    is_from_internet: bool

    @classmethod
    def from_json(cls, document: Any) -> "Wish":
        """Read a first line. Raises ValueError."""
        try:
            wish = cls(
                protocol=document["protocol"],
                address=IPv4Address(document["address"]),
                port=int(document["port"]),
                is_from_internet=document["origin"] == "internet",
            )
        except (TypeError, KeyError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error
        if wish.protocol not in ("tcp", "udp") or not 1 <= wish.port <= 65535:
            raise ValueError(f"{wish.protocol} {wish.port}")
        return wish


class Relay:
    """The port where connections into the VPC begin."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._working: set[asyncio.Task[None]] = set()

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Listen from now on."""
        return await asyncio.get_running_loop().create_server(self._accept, host, port, backlog=512)

    def _accept(self) -> asyncio.Protocol:
        incoming = FirstLine(_MAX_LINE_BYTES)
        task = asyncio.create_task(self._converse(incoming))
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return incoming

    async def _converse(self, incoming: FirstLine) -> None:
        try:
            line, rest = await asyncio.wait_for(incoming.line, _LINE_TIMEOUT_S)
            wish = self._read(line)
            if len(self._working) > _MAX_CONNECTIONS:
                raise OSError(f"more than {_MAX_CONNECTIONS} connections")
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                opened = await _connect(wish)
        except ConnectionRefusedError:
            _answer(incoming, "error refused")
        except TimeoutError:
            _answer(incoming, "error timeout")
        except (OSError, ValueError) as error:
            _answer(incoming, f"error {error}")
        else:
            keep_alive(incoming.transport.get_extra_info("socket"))
            await (_pass_bytes if wish.protocol == "tcp" else _pass_datagrams)(incoming.transport, opened, rest)

    def _read(self, line: bytes) -> Wish:
        document = json.loads(line)
        token = str(document.get("token")) if isinstance(document, dict) else ""
        if not hmac.compare_digest(token.encode(errors="surrogatepass"), self._token):
            raise ValueError("the token is wrong")
        return Wish.from_json(document)


def _answer(incoming: FirstLine, text: str) -> None:
    with suppress(AttributeError):  # it was never connected
        incoming.transport.write(f"{text.splitlines()[0]}\n".encode())
        incoming.transport.close()


async def _connect(wish: Wish) -> socket.socket:
    kind = socket.SOCK_STREAM if wish.protocol == "tcp" else socket.SOCK_DGRAM
    opened = socket.socket(socket.AF_INET, kind)
    try:
        opened.setblocking(False)
        if wish.is_from_internet:
            opened.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            opened.bind((str(INTERNET_ADDRESS), 0))
        await asyncio.get_running_loop().sock_connect(opened, (str(wish.address), wish.port))
    except BaseException:
        opened.close()
        raise
    return opened


async def _pass_bytes(incoming: asyncio.Transport, opened: socket.socket, rest: bytes) -> None:
    keep_alive(opened)
    outgoing, _ = await asyncio.get_running_loop().create_connection(Waiting, sock=opened)
    if incoming.is_closing():
        abort(outgoing)
        return
    incoming.write(b"ok\n")
    outgoing.write(rest)
    pipe = Pipe(incoming, outgoing)
    pipe.start()
    await until_idle(pipe)


async def until_idle(pipe: Pipe) -> None:
    """Wait for a pipe's end, and make it end when nothing has passed for long, or when cancelled."""
    loop = asyncio.get_running_loop()
    try:
        while not pipe.ended.done():
            await asyncio.wait([pipe.ended], timeout=_LOOK_EVERY_S)
            if loop.time() - pipe.moved_at > IDLE_S:
                break
    finally:
        pipe.close()


# Datagrams ------------------------------------------------------------------------------------------------------------


async def _pass_datagrams(incoming: asyncio.Transport, opened: socket.socket, rest: bytes) -> None:
    incoming.write(b"ok\n")
    outgoing, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Returning(incoming), sock=opened)
    frames = Frames(outgoing.sendto)
    incoming.set_protocol(frames)
    frames.data_received(rest)
    if not incoming.is_closing():
        incoming.resume_reading()
        await frames.ended
    outgoing.close()


class Frames(asyncio.Protocol):
    """Reads datagrams from a stream, and hands each on; ``ended`` is done with the stream."""

    def __init__(self, hand_on: Callable[[bytes], object]) -> None:
        self._hand_on = hand_on
        self._received = bytearray()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        at = 0
        while len(received) - at >= DATAGRAM_LENGTH.size:
            (length,) = DATAGRAM_LENGTH.unpack_from(received, at)
            end = at + DATAGRAM_LENGTH.size + length
            if end > len(received):
                break
            self._hand_on(bytes(received[at + DATAGRAM_LENGTH.size : end]))
            at = end
        del received[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


class _Returning(asyncio.DatagramProtocol):
    """What the VPC answers, framed. A refusal (ICMP) is not told: the sender hears nothing, as from a filter."""

    def __init__(self, incoming: asyncio.Transport) -> None:
        self._incoming = incoming

    def datagram_received(self, data: bytes, _address: Any) -> None:
        write_datagram(self._incoming, data)


def write_datagram(stream: asyncio.WriteTransport, data: bytes) -> None:
    """Send a datagram over a stream, unless too much waits there already."""
    if not stream.is_closing() and stream.get_write_buffer_size() < _MAX_UNSENT_BYTES:
        stream.write(DATAGRAM_LENGTH.pack(len(data)) + data)
