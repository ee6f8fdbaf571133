"""One HTTP exchange with a registry client: what it asked, and the ways to answer it."""

import asyncio
from collections.abc import AsyncIterator, Generator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from aws_api.core.clock import SYSTEM_CLOCK, Clock

#: Longest silence in the middle of a body.
BODY_IDLE_S = 120
Headers = Mapping[str, str]


class ClientGone(Exception):
    """The client went away, or fell silent, before its body was whole."""


class RegistryError(Exception):
    """An error as the OCI distribution specification words it."""

    def __init__(self, status: int, code: str, message: str, headers: Headers | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


class Exchange:
    """A request and its answer. Header names are lower-case; of a repeated query parameter the first counts."""

    def __init__(self, scope: Any, receive: Any, send: Any, clock: Clock = SYSTEM_CLOCK) -> None:
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[str, str] = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        self.query = dict(reversed(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)))
        self.client_host: str = (scope.get("client") or ("", 0))[0]
        self.scheme: str = scope.get("scheme", "http")
        self.now = clock.now()

    @property
    def host(self) -> str:
        return self.headers.get("host", "localhost")

    async def body(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises ClientGone."""
        more = True
        while more:
            try:
                message = await asyncio.wait_for(self._receive(), BODY_IDLE_S)
            except TimeoutError as error:
                raise ClientGone from error
            if message["type"] == "http.disconnect":
                raise ClientGone
            more = message.get("more_body", False)
            if chunk := message.get("body"):
                yield chunk

    async def small_body(self, limit: int) -> bytes | None:
        """The whole body, or None where it is larger than ``limit``."""
        chunks: list[bytes] = []
        size = 0
        async for chunk in self.body():
            size += len(chunk)
            if size > limit:
                return None
            chunks.append(chunk)
        return b"".join(chunks)

    async def reply(self, status: int, headers: Headers | None = None, body: bytes = b"") -> None:
        """Answer at once. ``content-length`` may be given for an answer to HEAD."""
        await self._start(status, {"content-length": str(len(body)), **(headers or {})})
        await self._send({"type": "http.response.body", "body": b"" if self.method == "HEAD" else body})

    async def reply_json(self, value: Any, headers: Headers | None = None, status: int = 200) -> None:
        """Answer with JSON."""
        await self.reply(status, {"content-type": "application/json", **(headers or {})}, orjson.dumps(value))

    async def reply_error(self, error: RegistryError) -> None:
        """Answer with the specification's form of errors."""
        errors = {"errors": [{"code": error.code, "message": error.message}]}
        await self.reply_json(errors, error.headers, error.status)

    async def reply_stream(self, status: int, headers: Headers, chunks: Generator[bytes, None, None]) -> None:
        """Answer with blocking chunks, each read in a thread, for as long as the client is there."""
        await self._start(status, headers)
        gone = asyncio.create_task(self._disconnected())
        try:
            while not gone.done() and (chunk := await asyncio.to_thread(next, chunks, b"")):
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            await self._send({"type": "http.response.body"})
        finally:
            gone.cancel()
            await asyncio.to_thread(chunks.close)

    async def _disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue

    async def _start(self, status: int, headers: Headers) -> None:
        sent = {"docker-distribution-api-version": "registry/2.0", **headers}
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})
