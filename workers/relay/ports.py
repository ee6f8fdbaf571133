"""Sockets on the host's ports: which port a published address gets, and what listens there."""

import errno
import socket
from collections.abc import Iterator, Sequence

from aws_api.core.host_ports import Purpose, VpcAddress, port_range

_BACKLOG = 512
#: What says that a port is somebody else's, or needs rights that we lack.
_NOT_OURS = (errno.EADDRINUSE, errno.EACCES, errno.EPERM)


class NoFreePort(Exception):
    """Nothing that the address may have is free; the message says what was tried."""


def take_port(
    host: str, purpose: Purpose, address: VpcAddress, *, before: int | None, may_be_same: bool
) -> tuple[int, list[socket.socket]]:
    """Listen for an address: where it was before, on the port that it wants, else on the next free of its range.

    Raises NoFreePort.
    """
    for port in candidates(purpose, address, before=before, may_be_same=may_be_same):
        try:
            return port, listen(host, port, address.protocol)
        except OSError as error:
            if error.errno not in _NOT_OURS:
                raise NoFreePort(f"Cannot listen on {host}: {error.strerror}.") from error
    first, last = port_range(purpose)
    raise NoFreePort(f"No port from {first} to {last} is free (SIMFRA_{purpose.name}_PORT_RANGE).")


def candidates(purpose: Purpose, address: VpcAddress, *, before: int | None, may_be_same: bool) -> Iterator[int]:
    """The ports to try, in order."""
    if before is not None:
        yield before
    if address.wanted_port is not None and may_be_same:
        yield address.wanted_port
    first, last = port_range(purpose)
    yield from range(first, last + 1)


def listen(host: str, port: int, protocol: str) -> list[socket.socket]:
    """Sockets of the port on the host, for loopback on both of its addresses. Raises OSError where it is taken."""
    opened = [_bound(host, port, protocol)]
    if host == "127.0.0.1":
        try:
            # Some programs try ::1 first for `localhost`, and an answer from somebody else there would be wrong.
            opened.append(_bound("::1", port, protocol))
        except OSError as error:
            if error.errno in _NOT_OURS:
                close(opened)
                raise
            # Else IPv6 is switched off.
    return opened


def close(opened: Sequence[socket.socket]) -> None:
    """Let go of a port."""
    for each in opened:
        each.close()


def _bound(host: str, port: int, protocol: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if protocol == "tcp":
            # Connections of before a restart may still be dying.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        if protocol == "tcp":
            opened.listen(_BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened
