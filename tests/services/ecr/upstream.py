"""Somebody else's registry on loopback: what is in it, whom it lets in, and how often it says 429."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.services.ecr.registry import OCI_INDEX, OCI_MANIFEST, config, digest_of, layer, manifest


@dataclass
class UpstreamRegistry:
    """A registry as a dict. ``login`` is the user and password that its token service wants."""

    host: str = ""
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    login: tuple[str, str] | None = None
    busy_for: int = 0
    asked: list[str] = field(default_factory=list)

    def put_image(self, name: str, tag: str, *layers: bytes, architecture: str = "amd64") -> str:
        """An image of these layers; its digest."""
        configuration = config(*layers, architecture=architecture)
        self.blobs |= {digest_of(content): content for content in (configuration, *layers)}
        return self.put_manifest(name, tag, manifest(configuration, *layers, media_type=OCI_MANIFEST), OCI_MANIFEST)

    def put_index(self, name: str, tag: str, **architectures: str) -> str:
        """A list of images that are there, by architecture."""
        entries = [
            {
                "mediaType": OCI_MANIFEST,
                "digest": digest,
                "size": len(self.manifests[f"{name}:{digest}"][0]),
                "platform": {"os": "linux", "architecture": architecture},
            }
            for architecture, digest in architectures.items()
        ]
        body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
        return self.put_manifest(name, tag, body, OCI_INDEX)

    def put_manifest(self, name: str, tag: str, body: bytes, media_type: str) -> str:
        digest = digest_of(body)
        for reference in (tag, digest):
            self.manifests[f"{name}:{reference}"] = (body, media_type)
        return digest


@contextmanager
def serve_upstream() -> Iterator[UpstreamRegistry]:
    """A registry that answers at ``host`` while the block runs."""
    upstream = UpstreamRegistry()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream))
    upstream.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _handler(upstream: UpstreamRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            upstream.asked.append(path)
            if path == "/token":
                self._token()
            elif upstream.busy_for:
                upstream.busy_for -= 1
                refusal = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}'
                self._answer(429, refusal, **{"Retry-After": "0"})
            elif upstream.login and self.headers.get("Authorization") != "Bearer let-me-in":
                challenge = f'Bearer realm="http://{upstream.host}/token",service="test",scope="repository:x:pull"'
                self._answer(401, b"{}", **{"WWW-Authenticate": challenge})
            else:
                self._content(path.removeprefix("/v2/"))

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def _token(self) -> None:
            assert upstream.login is not None
            expected = base64.b64encode(":".join(upstream.login).encode()).decode()
            if self.headers.get("Authorization") == f"Basic {expected}":
                self._answer(200, b'{"token": "let-me-in"}')
            else:
                self._answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"incorrect login"}]}')

        def _content(self, path: str) -> None:
            name, kind, reference = [*path.rsplit("/", 2), "", ""][:3]
            if not path:
                self._answer(200, b"{}")
            elif kind == "manifests" and f"{name}:{reference}" in upstream.manifests:
                body, media_type = upstream.manifests[f"{name}:{reference}"]
                self._answer(200, body, **{"Content-Type": media_type, "Docker-Content-Digest": digest_of(body)})
            elif kind == "blobs" and reference in upstream.blobs:
                self._answer(200, upstream.blobs[reference])
            else:
                self._answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"not here"}]}')

        def _answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for header, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(header, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


def some_layer(content: bytes = b"x") -> bytes:
    return layer(file=content)
