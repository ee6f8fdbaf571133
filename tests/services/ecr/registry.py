"""A client of the registry protocol, straight into the ASGI application; and images made of almost nothing."""

import asyncio
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aws_api.core.execution import process_loop

MAX_WAIT_S = 60
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


class Cut(Exception):
    """Raised by a body: the client goes away here."""


@dataclass
class Answer:
    """What the registry said."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return self.json()["errors"][0]["code"]

    @property
    def message(self) -> str:
        return self.json()["errors"][0]["message"]


@dataclass
class Client:
    """Asks as a loopback client of ``localhost:4599``, unless told otherwise."""

    gateway: Callable[..., Any]
    host: str = "localhost:4599"
    client_host: str = "127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, target: str, body: bytes | Iterable[bytes] = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        """One exchange. A body of chunks may raise Cut."""
        path, _, query = target.partition("?")
        sent = {"host": self.host, **self.headers, **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            "client": (self.client_host, 50000),
            "server": ("127.0.0.1", 4599),
            "scheme": "http",
        }
        chunks = [body] if isinstance(body, bytes) else body
        exchange = _exchange(self.gateway, scope, iter(chunks))
        return asyncio.run_coroutine_threadsafe(exchange, process_loop()).result(MAX_WAIT_S)


async def _exchange(gateway: Callable[..., Any], scope: Any, chunks: Any) -> Answer:
    answer = Answer(0, {}, b"")
    ended = False

    async def receive() -> Any:
        nonlocal ended
        if ended:
            await asyncio.sleep(MAX_WAIT_S)
        try:
            return {"type": "http.request", "body": next(chunks), "more_body": True}
        except StopIteration:
            ended = True
            return {"type": "http.request", "body": b"", "more_body": False}
        except Cut:
            return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    await gateway(scope, receive, send)
    return answer


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def layer(**files: bytes) -> bytes:
    """A gzip'ed layer with these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


def config(*layers: bytes, architecture: str = "amd64") -> bytes:
    """The configuration of an image with these layers."""
    diff_ids = [digest_of(gzip.decompress(content)) for content in layers]
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    return json.dumps({"architecture": architecture, "os": "linux", "config": {}, "rootfs": rootfs}).encode()


def manifest(configuration: bytes, *layers: bytes, media_type: str = DOCKER_MANIFEST, **members: Any) -> bytes:
    """A manifest of these blobs."""
    descriptors = [{"mediaType": "l", "size": len(content), "digest": digest_of(content)} for content in layers]
    described = {"mediaType": "c", "size": len(configuration), "digest": digest_of(configuration)}
    document = {"schemaVersion": 2, "mediaType": media_type, "config": described, "layers": descriptors}
    return json.dumps({**document, **members}).encode()


def push_blob(client: Client, name: str, content: bytes) -> str:
    """Upload a blob in one request after the other, as docker does; returns its digest."""
    started = client.ask("POST", f"/v2/{name}/blobs/uploads/")
    assert started.status == 202, started.body
    location = started.headers["location"]
    assert client.ask("PATCH", location, content).status == 202
    digest = digest_of(content)
    finished = client.ask("PUT", f"{location}?digest={digest}")
    assert finished.status == 201, finished.body
    return digest


def push_manifest(client: Client, name: str, reference: str, content: bytes, media_type: str = DOCKER_MANIFEST) -> str:
    """Put a manifest; returns its digest."""
    answer = client.ask("PUT", f"/v2/{name}/manifests/{reference}", content, {"content-type": media_type})
    assert answer.status == 201, answer.body
    return answer.headers["docker-content-digest"]


def push_image(client: Client, name: str, tag: str, *layers: bytes, architecture: str = "amd64") -> str:
    """Push an image of these layers; returns its manifest's digest."""
    configuration = config(*layers, architecture=architecture)
    for content in (configuration, *layers):
        push_blob(client, name, content)
    return push_manifest(client, name, tag, manifest(configuration, *layers))
