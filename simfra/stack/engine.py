"""The Docker Engine, as far as starting needs it, asked over its socket with the standard library alone.

Tasks are run by `workers`; this answers whether there is an engine, which images it has, and builds ours.
"""

import http.client
import json
import os
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlencode, urlsplit

_TIMEOUT_S = 10.0
#: A build step may say nothing for as long as its slowest command runs.
_BUILD_TIMEOUT_S = 1200.0


class EngineError(Exception):
    """The engine is not to be reached, or refused; the message says so in the engine's or the system's words."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine's address, as DOCKER_HOST has it: ``unix:///var/run/docker.sock``, ``tcp://host:2376``."""

    address: str

    def ping(self) -> None:
        """Raises EngineError where no engine answers."""
        self._json("GET", "/_ping")

    def version(self) -> dict[str, Any]:
        """`docker version`: Version, ApiVersion, Os, Arch."""
        return dict(self._json("GET", "/version"))

    def info(self) -> dict[str, Any]:
        """`docker info`: Driver, DockerRootDir, Architecture."""
        return dict(self._json("GET", "/info"))

    def has_image(self, name: str) -> bool:
        """Whether an image is there without asking a registry."""
        connection, response = self._request("GET", f"/images/{quote(name)}/json")
        with connection:
            response.read()
            return response.status == 200

    def containers(self, *labels: str, everything: bool = False) -> list[dict[str, Any]]:
        """The containers with all these labels, as `docker ps` lists them; stopped ones only on demand."""
        query = urlencode({"filters": json.dumps({"label": list(labels)}), "all": int(everything)})
        return list(self._json("GET", f"/containers/json?{query}"))

    def subnets(self, *, but: str) -> list[str]:
        """The IPv4 and IPv6 blocks of every network except the one of that name."""
        networks = [network for network in self._json("GET", "/networks") if network["Name"] != but]
        pools = [pool for network in networks for pool in network["IPAM"].get("Config") or ()]
        return [pool["Subnet"] for pool in pools if pool.get("Subnet")]

    def pull(self, name: str, say: Callable[[str], None]) -> None:
        """Fetch an image from its registry. Raises EngineError where it is not to be had."""
        self._follow("POST", f"/images/create?{urlencode({'fromImage': name})}", None, {}, say)

    def import_root(self, archive: IO[bytes], name: str, say: Callable[[str], None]) -> None:
        """Make an image of one layer from a tar of a root directory."""
        repository, tag = name.rsplit(":", 1)
        query = urlencode({"fromSrc": "-", "repo": repository, "tag": tag})
        self._follow("POST", f"/images/create?{query}", archive, {"Content-Type": "application/x-tar"}, say)

    def build(
        self, context: IO[bytes], *, target: str, tag: str, arguments: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        """Build a target of the Dockerfile in a tar. Raises EngineError with the failing step's message."""
        query = urlencode({"t": tag, "target": target, "buildargs": json.dumps(arguments), "rm": 1, "forcerm": 1})
        self._follow("POST", f"/build?{query}", context, {"Content-Type": "application/x-tar"}, say)

    def _follow(
        self, method: str, path: str, body: IO[bytes] | None, headers: dict[str, str], say: Callable[[str], None]
    ) -> None:
        """Send a request whose answer is a stream of progress, and pass the progress on."""
        connection, response = self._request(method, path, body, headers, timeout_s=_BUILD_TIMEOUT_S)
        with connection:
            _raise_for_status(response)
            for message in _messages(response):
                if "error" in message:
                    raise EngineError(message["error"])
                text = message.get("stream") or message.get("status") or ""
                for line in text.splitlines():
                    if line.strip():
                        say(line.strip())

    def _json(self, method: str, path: str) -> Any:
        connection, response = self._request(method, path)
        with connection:
            _raise_for_status(response)
            body = response.read()
            return json.loads(body) if response.headers.get_content_type() == "application/json" else body

    def _request(
        self,
        method: str,
        path: str,
        body: IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> "tuple[_Connection, http.client.HTTPResponse]":
        connection = _Connection(self.address, timeout_s)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}), encode_chunked=body is not None)
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise EngineError(f"{self.address}: {error}") from error


def find_engine() -> Engine:
    """The engine at DOCKER_HOST, else at the first usual socket there is. Raises EngineError where none answers."""
    runtime_dir = os.environ.get("XDG_RUNTIME_DIR", "/run/user/0")
    usual = ["/var/run/docker.sock", f"{Path.home()}/.docker/run/docker.sock", f"{runtime_dir}/docker.sock"]
    addresses = [os.environ["DOCKER_HOST"]] if os.environ.get("DOCKER_HOST") else [f"unix://{path}" for path in usual]
    problems = []
    for address in addresses:
        engine = Engine(address=address)
        try:
            engine.ping()
        except EngineError as error:
            problems.append(str(error))
        else:
            return engine
    raise EngineError(f"No Docker engine answers at {problems[0]}")


class _Connection(http.client.HTTPConnection):
    """HTTP to the engine: over a unix socket, TCP, or TLS with the certificates of DOCKER_CERT_PATH."""

    def __init__(self, address: str, timeout_s: float) -> None:
        self._address = urlsplit(address)
        if self._address.scheme not in ("unix", "tcp", "http", "https"):
            raise EngineError(f"{address}: only unix:// and tcp:// engines can be used")
        super().__init__(self._address.hostname or "docker", self._address.port or 2375, timeout=timeout_s)

    def __enter__(self) -> "_Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> None:
        if self._address.scheme == "unix":
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._address.path)
            return
        super().connect()
        if self._address.scheme == "https" or os.environ.get("DOCKER_TLS_VERIFY"):
            certificates = Path(os.environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
            context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
            context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)


def _raise_for_status(response: http.client.HTTPResponse) -> None:
    if response.status >= 400:
        body = response.read(65536)
        try:
            message = json.loads(body)["message"]
        except (ValueError, KeyError):
            message = body.decode(errors="replace")
        raise EngineError(message)


def _messages(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    for line in response:
        if line.strip():
            yield json.loads(line)
