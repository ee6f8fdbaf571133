"""Two connections made one: what comes in here goes out there, as fast as the slower end takes it.

Used at both ends of the way from the host into a VPC: in the VPC's gateway (relay.py) and by the process that listens
on the host.
"""

import asyncio
import socket
import struct
from typing import cast

#: What waits for a slow reader, each way, before the sender is made to wait.
_BUFFER_BYTES = 512 * 1024
#: A peer that vanished without a word, with its network, is found after this.
_KEEP_ALIVE_IDLE_S, _KEEP_ALIVE_EVERY_S, _KEEP_ALIVE_PROBES = 10, 5, 3
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)
_TCP_KEEPALIVE_ON_MAC = 0x10


class FirstLine(asyncio.Protocol):
    """Takes the first line of a connection, and what came with it; the rest waits in the kernel.

    ``line`` has both, or an OSError where the connection ends before it has a line.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._received = b""
        self.line: asyncio.Future[tuple[bytes, bytes]] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        line, end, rest = self._received.partition(b"\n")
        if self.line.done():
            return
        if end:
            self.transport.pause_reading()
            self.line.set_result((line, rest))
        elif len(line) > self._most_bytes:
            self._fail(OSError("the first line is too long"))

    def eof_received(self) -> bool:
        self._fail(OSError("the connection ended without a word"))
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(OSError(f"the connection was lost: {exc or 'it was closed'}"))

    def _fail(self, error: OSError) -> None:
        if not self.line.done():
            self.line.set_exception(error)
            # Whoever waited may have given up already.
            self.line.exception()


class Waiting(asyncio.Protocol):
    """A connection that has been accepted and is not read yet; ``is_lost`` when its peer has left meanwhile."""

    is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True


class Pipe:
    """Two joined connections. ``ended`` is done when both are closed, ``moved_at`` the loop's time of the last byte."""

    def __init__(self, one: asyncio.Transport, other: asyncio.Transport) -> None:
        self._loop = asyncio.get_running_loop()
        self._halves = (_Half(self, one), _Half(self, other))
        for half, opposite in zip(self._halves, reversed(self._halves), strict=True):
            half.opposite = opposite
        self.moved_at = self._loop.time()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def start(self) -> None:
        """Let it flow. Either may have been lost already; the other is closed then."""
        for half in self._halves:
            half.transport.set_protocol(half)
            half.transport.set_write_buffer_limits(high=_BUFFER_BYTES)
        for half in self._halves:
            if half.transport.is_closing():
                half.connection_lost(None)
            else:
                half.transport.resume_reading()

    def close(self) -> None:
        """End both at once, whatever is still on its way."""
        for half in self._halves:
            abort(half.transport)

    def moved(self) -> None:
        self.moved_at = self._loop.time()

    def lost(self) -> None:
        if all(half.is_lost for half in self._halves) and not self.ended.done():
            self.ended.set_result(None)


class _Half(asyncio.Protocol):
    """One of the two: what it receives goes to the opposite one."""

    opposite: "_Half"

    def __init__(self, pipe: Pipe, transport: asyncio.Transport) -> None:
        self._pipe = pipe
        self.transport = transport
        self.is_lost = False
        #: It has said that nothing more comes from it.
        self.is_finished = False

    def data_received(self, data: bytes) -> None:
        self._pipe.moved()
        self.opposite.transport.write(data)

    def eof_received(self) -> bool:
        if not self.is_finished:
            self.is_finished = True
            if not self.opposite.transport.is_closing():
                self.opposite.transport.write_eof()
        # With both finished this one closes once all is sent, and then the opposite (connection_lost).
        return not self.opposite.is_finished

    def pause_writing(self) -> None:
        """Too much waits for this one's peer: the opposite one's has to wait as well."""
        if not self.opposite.is_finished and not self.opposite.transport.is_closing():
            self.opposite.transport.pause_reading()

    def resume_writing(self) -> None:
        if not self.opposite.is_finished and not self.opposite.transport.is_closing():
            self.opposite.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.is_lost:
            return
        self.is_lost = True
        if exc is None:
            self.opposite.transport.close()
        else:
            abort(self.opposite.transport)
        self._pipe.lost()


def abort(transport: asyncio.BaseTransport) -> None:
    """Close with a reset, so that the peer does not take it for an end."""
    if transport.is_closing():
        return
    opened = transport.get_extra_info("socket")
    if opened is not None:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
    cast(asyncio.Transport, transport).abort()


def keep_alive(opened: socket.socket) -> None:
    """Have the kernel find out when the peer is gone."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    idle = getattr(socket, "TCP_KEEPIDLE", _TCP_KEEPALIVE_ON_MAC)
    opened.setsockopt(socket.IPPROTO_TCP, idle, _KEEP_ALIVE_IDLE_S)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEP_ALIVE_EVERY_S)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEP_ALIVE_PROBES)
