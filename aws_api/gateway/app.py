"""The ASGI edge: bytes in, bytes out, for AWS traffic; Simfra's own paths go on to Django and Channels."""

import logging
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from django.conf import settings

from aws_api.core.errors import RequestEntityTooLarge
from aws_api.core.execution import adopt_running_loop
from aws_api.core.ids import new_request_id
from aws_api.core.service import AsgiApplication, DataPlane, all_services
from aws_api.gateway import cors
from aws_api.gateway.pipeline import Handled, handle
from aws_api.gateway.records import RequestRecord, RequestRecords, UnderWay
from aws_api.gateway.router import guess_protocol
from aws_api.protocol.plans import serialize_error_for
from aws_api.protocol.wire import WireRequest, WireResponse

OWN_PREFIX = "/_simfra/"

_log = logging.getLogger("simfra.gateway")


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""


class Gateway:
    """The one ASGI application. ``own_application`` serves /_simfra/*, the console, and websockets of no service."""

    def __init__(self, own_application: AsgiApplication) -> None:
        self._own_application = own_application
        self._data_planes = _data_planes()
        self._records = RequestRecords()
        self._console_port = settings.SIMFRA_CONSOLE_PORT

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._is_own(scope):
            await self._own_application(scope, receive, send)
        elif data_plane := self._find_data_plane(scope):
            await data_plane.application(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._own_application(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                adopt_running_loop()
                await self._records.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._records.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = cors.refusal(headers)
        if refusal is not None or scope["method"] == "OPTIONS":
            await _send(send, refusal or cors.preflight(headers), headers, scope["method"])
            return
        try:
            body = await _read_body(receive, headers)
        except ClientGone:
            return
        except RequestEntityTooLarge as error:
            protocol = guess_protocol(_wire_request(scope, headers))
            response = serialize_error_for(protocol, error, new_request_id())
            await _send(send, response, {**headers, "connection": "close"}, scope["method"])
            return
        under_way = self._records.begin(_wire_request(scope, headers, body))
        try:
            handled = await handle(under_way, partial(_client_gone, receive))
            await _send(send, handled.response, headers, scope["method"])
            self._note(under_way, handled)
        finally:
            self._records.end(under_way)

    def _is_own(self, scope: Any) -> bool:
        """Simfra's own paths on any port, and everything on the console's port."""
        path: str = scope["path"]
        if path.startswith(OWN_PREFIX) or path == OWN_PREFIX[:-1]:
            return True
        server = scope.get("server") or ("", 0)
        return bool(server[1] == self._console_port)

    def _find_data_plane(self, scope: Any) -> DataPlane | None:
        path, is_websocket = scope["path"], scope["type"] == "websocket"
        for data_plane in self._data_planes:
            if data_plane.is_websocket is not is_websocket or not path.startswith(data_plane.prefix):
                continue
            if data_plane.host in (None, _host(scope)):
                return data_plane
        return None

    def _note(self, under_way: UnderWay, handled: Handled) -> None:
        record = RequestRecord(
            under_way=under_way,
            status=handled.response.status,
            error=handled.error,
            decisions=handled.decisions,
            ended_s=time.time(),
            duration_ms=under_way.duration_ms,
        )
        _log.log(logging.DEBUG if record.status < 500 else logging.WARNING, "%s", record)
        self._records.add(record)


def _host(scope: Any) -> str:
    for name, value in scope["headers"]:
        if name == b"host":
            return str(value.decode("latin-1").rpartition(":")[0] or value.decode("latin-1"))
    return ""


def _data_planes() -> tuple[DataPlane, ...]:
    """Those of one Host first, then longer prefixes: the most particular match wins."""
    found = [data_plane for service in all_services() for data_plane in service.data_planes]
    return tuple(sorted(found, key=lambda plane: (plane.host is None, -len(plane.prefix))))


def _wire_request(scope: Any, headers: Mapping[str, str], body: bytes = b"") -> WireRequest:
    client = scope.get("client") or ("", 0)
    return WireRequest(
        method=scope["method"],
        path=scope["path"],
        raw_path=(scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        client_host=client[0],
        scheme=scope.get("scheme", "http"),
    )


async def _read_body(receive: Any, headers: Mapping[str, str]) -> bytes:
    limit = settings.SIMFRA_MAX_BODY_BYTES
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"The request body exceeds {limit} bytes.")


async def _client_gone(receive: Any) -> None:
    """Ends when the client hangs up; its body has been read, so nothing else can come."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Any, response: WireResponse, request_headers: Mapping[str, str], method: str) -> None:
    headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in response.headers]
    headers += cors.response_headers(request_headers)
    if request_headers.get("connection", "").lower() == "close":
        headers.append((b"connection", b"close"))
    body = response.body
    if isinstance(body, bytes):
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if method == "HEAD":
        await send({"type": "http.response.body"})
    elif isinstance(body, bytes):
        await send({"type": "http.response.body", "body": body})
    else:
        await _send_stream(send, body)


async def _send_stream(send: Any, chunks: AsyncIterator[bytes]) -> None:
    async for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body"})
