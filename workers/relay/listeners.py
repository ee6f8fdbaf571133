"""What listens on a port of the host: connections and datagrams on their way into a VPC."""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol, cast

from aws_api.core.host_ports import VpcAddress
from sidecar.pipes import Pipe, Waiting, abort, keep_alive
from sidecar.relay import Frames, until_idle, write_datagram
from workers.relay.tunnels import Tunnels

#: Connections of one port at once: one that is flooded leaves the others theirs.
MAX_CONNECTIONS = 1000
#: Senders of one UDP port at once.
MAX_SESSIONS = 256
#: How long an answer to a datagram may take; as long as a Network Load Balancer remembers a flow.
SESSION_IDLE_S = 120.0
_MAX_WAITING_DATAGRAMS = 64

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Listens on a port for what goes to ``target``, which may become another."""

    target: VpcAddress

    async def close(self) -> None:
        """Listen no more. What is connected stays so until its end."""


async def start_listening(opened: Sequence[socket.socket], target: VpcAddress, tunnels: Tunnels) -> Listener:
    """Serve sockets of a port."""
    if target.protocol == "udp":
        datagrams = UdpListener(target, tunnels)
        await datagrams.start(opened)
        return datagrams
    connections = TcpListener(target, tunnels)
    await connections.start(opened)
    return connections


class TcpListener:
    """Joins each connection with one to the target."""

    def __init__(self, target: VpcAddress, tunnels: Tunnels) -> None:
        self.target = target
        self._tunnels = tunnels
        self._servers: list[asyncio.Server] = []
        self._working: set[asyncio.Task[None]] = set()

    async def start(self, opened: Sequence[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        self._servers = [await loop.create_server(lambda: _Accepted(self), sock=each) for each in opened]

    async def close(self) -> None:
        for server in self._servers:
            server.close()

    def accepted(self, client: Waiting) -> None:
        """Look after a new connection."""
        if len(self._working) >= MAX_CONNECTIONS:
            _log.warning("more than %d connections to %s:%d", MAX_CONNECTIONS, self.target.address, self.target.port)
            abort(client.transport)
            return
        task = asyncio.create_task(self._serve(client))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _serve(self, client: Waiting) -> None:
        keep_alive(client.transport.get_extra_info("socket"))
        try:
            tunnel, rest = await self._tunnels.open(self.target)
        except (OSError, TimeoutError) as error:
            # It has been accepted already, so a reset is as near to a refusal as can be.
            abort(client.transport)
            _log.info("nobody was reached at %s:%d: %s", self.target.address, self.target.port, error)
            return
        if client.is_lost:
            abort(tunnel)
            return
        client.transport.write(rest)
        pipe = Pipe(client.transport, tunnel)
        pipe.start()
        await until_idle(pipe)


class _Accepted(Waiting):
    def __init__(self, listener: TcpListener) -> None:
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._listener.accepted(self)


# Datagrams ------------------------------------------------------------------------------------------------------------


class UdpListener:
    """Carries each sender's datagrams over a tunnel of its own, and the answers back."""

    def __init__(self, target: VpcAddress, tunnels: Tunnels) -> None:
        self.target = target
        self._tunnels = tunnels
        self._transports: list[asyncio.DatagramTransport] = []
        self._sessions: dict[Any, _Session] = {}
        self._working: set[asyncio.Task[None]] = set()

    async def start(self, opened: Sequence[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for each in opened:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=each)
            self._transports.append(transport)

    async def close(self) -> None:
        for task in self._working:
            task.cancel()
        for transport in self._transports:
            transport.close()

    def received(self, data: bytes, sender: Any, transport: asyncio.DatagramTransport) -> None:
        """Send a datagram on its way; the first of a sender begins a session."""
        session = self._sessions.get(sender)
        if session is None:
            if len(self._sessions) >= MAX_SESSIONS:
                return
            session = self._sessions[sender] = _Session()
            task = asyncio.create_task(self._serve(session, sender, transport))
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        session.send(data)

    async def _serve(self, session: "_Session", sender: Any, transport: asyncio.DatagramTransport) -> None:
        try:
            tunnel, rest = await self._tunnels.open(self.target)
            frames = Frames(lambda data: session.returned(transport, data, sender))
            session.connect(tunnel)
            tunnel.set_protocol(frames)
            frames.data_received(rest)
            tunnel.resume_reading()
            await session.until_idle(frames.ended)
        except (OSError, TimeoutError) as error:
            _log.info("nobody was reached at %s:%d: %s", self.target.address, self.target.port, error)
        finally:
            del self._sessions[sender]
            session.close()


class _Session:
    """One sender's datagrams. The first ones wait until the tunnel is there."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tunnel: asyncio.Transport | None = None
        self._waiting: deque[bytes] = deque(maxlen=_MAX_WAITING_DATAGRAMS)
        self._moved_at = self._loop.time()

    def send(self, data: bytes) -> None:
        self._moved_at = self._loop.time()
        if self._tunnel is None:
            self._waiting.append(data)
        else:
            write_datagram(self._tunnel, data)

    def returned(self, transport: asyncio.DatagramTransport, data: bytes, sender: Any) -> None:
        self._moved_at = self._loop.time()
        transport.sendto(data, sender)

    def connect(self, tunnel: asyncio.Transport) -> None:
        self._tunnel = tunnel
        for data in self._waiting:
            write_datagram(tunnel, data)
        self._waiting.clear()

    async def until_idle(self, ended: "asyncio.Future[None]") -> None:
        """Until nothing has come either way for long, or the tunnel is gone."""
        while not ended.done() and (left_s := self._moved_at + SESSION_IDLE_S - self._loop.time()) > 0:
            await asyncio.wait([ended], timeout=left_s)

    def close(self) -> None:
        if self._tunnel is not None:
            self._tunnel.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, listener: UdpListener) -> None:
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: until Python 3.12, asyncio's own datagram transports did not say that they are some.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, sender: Any) -> None:
        self._listener.received(data, sender, self._transport)
