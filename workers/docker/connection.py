"""Connections of our own to the engine on the event loop, for streams that the SDK would need a thread for."""

import asyncio
from urllib.parse import urlsplit

from aws_api.core.containers import RuntimeUnreachable
from workers.docker import engine

_CONNECT_TIMEOUT_S = 10


async def request(head: str, body: bytes = b"") -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request and read the head of its answer: its status, and the streams of what follows.

    ``head`` is the request line and headers without their last line feed. Raises RuntimeUnreachable.
    """
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            reader, writer = await _connect()
            writer.write(head.encode() + b"\r\n" + body)
            answer = await reader.readuntil(b"\r\n\r\n")
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        if writer is not None:
            writer.close()
        raise RuntimeUnreachable(f"The Docker engine does not answer: {error}") from error
    return int(answer.split(None, 2)[1]), reader, writer


async def _connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(engine.address())
    if address.scheme == "unix":
        return await asyncio.open_unix_connection(address.path)
    return await asyncio.open_connection(address.hostname, address.port or 2375, ssl=engine.tls_context())
