"""A UDP socket on the event loop that is read in batches.

asyncio's own transport takes one datagram a turn of the loop, which costs more than finding the answer to it does.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

Address = tuple[str, int]
#: How many datagrams are taken before the loop looks after others.
_BATCH = 64
_MOST_BYTES = 65535


class Datagrams:
    """An address that is listened on until it is closed; ``received`` is called with each datagram and its sender."""

    def __init__(self, address: Address, received: Callable[[bytes, "Datagrams", Address], None]) -> None:
        self._received = received
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self.is_closed = False
        self._loop.add_reader(self._socket, self._read)

    def send(self, data: bytes, to: Address) -> None:
        """Send a datagram; what the kernel does not take at once is lost, as any datagram may be."""
        if not self.is_closed:
            with suppress(OSError):
                self._socket.sendto(data, to)

    def close(self) -> None:
        """Listen no more."""
        if not self.is_closed:
            self.is_closed = True
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _read(self) -> None:
        for _ in range(_BATCH):
            try:
                data, sender = self._socket.recvfrom(_MOST_BYTES)
            except OSError:
                # Nothing is left; or an answer to somebody who has gone came back, and the rest is read next time.
                return
            self._received(data, self, sender)
            if self.is_closed:
                return
