"""A registry that wants a user and a password, with one image of the engine's: what repositoryCredentials are for."""

import base64
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@contextmanager
def private_registry(image: str, username: str, password: str) -> Iterator[str]:
    """``localhost:PORT/private/app:1``: the image for who logs in. Engines speak plain HTTP to loopback registries."""
    files = _files(image)
    expected = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") != expected:
                self._answer(401, "application/json", b"{}", {"WWW-Authenticate": 'Basic realm="private"'})
            elif self.path == "/v2/":
                self._answer(200, "application/json", b"{}")
            elif found := files.get(self.path.rpartition("/")[2]):
                self._answer(200, *found, {"Docker-Content-Digest": _digest(found[1])})
            else:
                self._answer(404, "application/json", b"{}")

        def do_HEAD(self) -> None:
            self.do_GET()

        def _answer(self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: pytest shows what tests print."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"localhost:{server.server_port}/private/app:1"
        finally:
            server.shutdown()


def _files(image: str) -> dict[str, tuple[str, bytes]]:
    """(content type, bytes) by tag and digest."""
    saved = subprocess.run(["docker", "save", image], check=True, capture_output=True, timeout=120).stdout
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:

        def read(name: str) -> bytes:
            member = archive.extractfile(name)
            assert member is not None, name
            return member.read()

        listed = json.loads(read("manifest.json"))[0]
        config = read(listed["Config"])
        layers = [gzip.compress(read(name), compresslevel=1) for name in listed["Layers"]]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": [_descriptor(_LAYER, layer) for layer in layers],
        }
    ).encode()
    blobs = {_digest(blob): ("application/octet-stream", blob) for blob in (config, *layers)}
    return {"1": (_MANIFEST, manifest), _digest(manifest): (_MANIFEST, manifest), **blobs}


def _descriptor(kind: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": kind, "size": len(blob), "digest": _digest(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"
