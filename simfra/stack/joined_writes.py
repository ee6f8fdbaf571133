"""uvicorn's HTTP protocol, with an answer's head and body in one system call instead of two.

Each call costs the gateway about ten microseconds and wakes the client once more: a fifth of a small answer.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: What waits for the loop's next turn; more than this goes out at once, so that streams feel their reader's pace.
MAX_WAITING_BYTES = 64 * 1024


class JoinedWritesProtocol(HttpToolsProtocol):
    """One connection whose answers leave together, head and body."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(_JoiningTransport(transport, self.loop))  # type: ignore[arg-type]

    def on_response_complete(self) -> None:
        self.transport.flush()  # type: ignore[attr-defined]
        super().on_response_complete()


class _JoiningTransport:
    """A transport that writes when an answer is whole, or in the loop's next turn; else it is the transport's own."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting = bytearray()

    def write(self, data: bytes) -> None:
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting += data
        if len(self._waiting) > MAX_WAITING_BYTES:
            self.flush()

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            data, self._waiting = self._waiting, bytearray()
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
