"""The engine: one client a process, shared by its threads, made when first needed."""

import os
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from docker.api.client import APIClient
from docker.errors import DockerException
from docker.utils import kwargs_from_env

from aws_api.core.containers import RuntimeUnreachable
from workers.docker.failures import engine_failures

#: As many calls at once as a worker has threads, and some for stops and streams.
_POOL_SIZE = 32
_TIMEOUT_S = 60
_making = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class EngineDescription:
    """What people want to know of an engine."""

    address: str
    version: str
    api_version: str
    operating_system: str
    architecture: str
    storage_driver: str
    root_dir: str


def client() -> APIClient:
    """The process's client. Raises RuntimeUnreachable where no engine answers; the next call tries again."""
    with _making:
        return _made_client()


def address() -> str:
    """Where the engine is: DOCKER_HOST, else the first of the usual sockets that exists."""
    if os.environ.get("DOCKER_HOST"):
        return os.environ["DOCKER_HOST"]
    run_dir = os.environ.get("XDG_RUNTIME_DIR", "/run/user/0")
    usual = ["/var/run/docker.sock", f"{Path.home()}/.docker/run/docker.sock", f"{run_dir}/docker.sock"]
    return f"unix://{next((path for path in usual if Path(path).exists()), usual[0])}"


def tls_context() -> ssl.SSLContext | None:
    """How connections of our own to a TCP engine are encrypted, or None where they are not."""
    if urlsplit(address()).scheme != "https" and not os.environ.get("DOCKER_TLS_VERIFY"):
        return None
    certificates = Path(os.environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    return context


def stream(
    method: str,
    path: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    silence_s: float,
) -> requests.Response:
    """A request whose answer is read as it comes. ``silence_s`` is the longest that the engine may say nothing.

    For what the SDK offers only without a limit, or with times rounded to seconds. Raises docker.errors.APIError.
    """
    engine = client()
    response: requests.Response = engine.request(
        method,
        f"{engine.base_url}/v{engine.api_version}{path}",
        params=dict(parameters or {}),
        headers=dict(headers or {}),
        data=body,
        stream=True,
        timeout=(_TIMEOUT_S, silence_s),
    )
    engine._raise_for_status(response)
    return response


def problem() -> str | None:
    """Why no container can be run, in a sentence; None where the engine answers."""
    try:
        with engine_failures():
            client().ping()
    except RuntimeUnreachable as failure:
        return str(failure)
    return None


def describe() -> EngineDescription:
    """The engine's version, platform and storage. Raises RuntimeUnreachable."""
    with engine_failures():
        version, info = client().version(), client().info()
    return EngineDescription(
        address=address(),
        version=version["Version"],
        api_version=version["ApiVersion"],
        operating_system=info.get("OperatingSystem", version["Os"]),
        architecture=version["Arch"],
        storage_driver=info["Driver"],
        root_dir=info["DockerRootDir"],
    )


@cache
def _made_client() -> APIClient:
    options = {**kwargs_from_env(), "base_url": address()}
    try:
        made = APIClient(version="auto", timeout=_TIMEOUT_S, num_pools=_POOL_SIZE, max_pool_size=_POOL_SIZE, **options)
    except (DockerException, requests.RequestException) as error:
        raise RuntimeUnreachable(f"The Docker engine does not answer at {address()}: {error}") from error
    # There are no proxies and passwords for a socket's sake: requests would look for them in files on every call.
    made.trust_env = not options["base_url"].startswith("unix://")
    return made
