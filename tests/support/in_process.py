"""boto3 against the gateway in this process: a request goes from botocore's signer straight into the ASGI callable."""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from aws_api.core.execution import process_loop

ENDPOINT = "http://localhost:4599"
MAX_WAIT_S = 60

Gateway = Callable[..., Any]


class _Raw:
    """What botocore reads a response's body from."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._body

    def read(self, *_: Any) -> bytes:
        body, self._body = self._body, b""
        return body


def client(gateway: Gateway, service: str, *, key: str, secret: str, token: str | None = None, **options: Any) -> Any:
    """A boto3 client whose requests go into ``gateway``; retries are off, so that a test sees the first answer."""
    options.setdefault("region_name", "us-east-1")
    options.setdefault("endpoint_url", ENDPOINT)
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=options.pop("parameter_validation", True))
    source = options.pop("client_host", "127.0.0.1")
    made = _session().client(
        service,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=config,
        **options,
    )

    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        return _send(gateway, request, source)

    made.meta.events.register("before-send", send)
    return made


@cache
def _session() -> boto3.session.Session:
    """One for all clients: each session of its own would load every service's model again."""
    return boto3.session.Session()


def _send(gateway: Gateway, request: AWSPreparedRequest, client_host: str) -> AWSResponse:
    body = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    body = body.encode() if isinstance(body, str) else bytes(body)
    parts = urlsplit(request.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    headers.setdefault("host", parts.netloc)
    status, answered, payload = call(
        gateway,
        request.method,
        parts.path or "/",
        query=parts.query,
        headers=headers,
        body=body,
        client_host=client_host,
    )
    return AWSResponse(request.url, status, answered, _Raw(payload))


def call(
    gateway: Gateway,
    method: str,
    path: str,
    *,
    query: str = "",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    client_host: str = "127.0.0.1",
) -> tuple[int, dict[str, str], bytes]:
    """One HTTP request into an ASGI callable; ``path`` is percent-encoded. Returns status, headers and body."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
        "client": (client_host, 50000),
        "server": ("127.0.0.1", 4599),
    }
    return asyncio.run_coroutine_threadsafe(_exchange(gateway, scope, body), process_loop()).result(MAX_WAIT_S)


async def _exchange(gateway: Gateway, scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, str], bytes]:
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []
    done = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop(0)
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    try:
        await gateway(scope, receive, send)
    finally:
        done.set()
    start = next(message for message in sent if message["type"] == "http.response.start")
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
    payload = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return start["status"], headers, payload
