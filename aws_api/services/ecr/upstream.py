"""A client of somebody else's registry: manifests and blobs by the OCI distribution protocol. Blocking.

It does what ``docker pull`` does on the wire: tokens where the registry asks for them, and patience, within limits,
where it says that there were too many requests.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from aws_api.services.ecr.manifests import DOCKER_LIST, DOCKER_MANIFEST, MAX_MANIFEST_BYTES, OCI_INDEX, OCI_MANIFEST

CHUNK_BYTES = 1024 * 1024
_TIMEOUTS_S = (5, 60)
#: Requests for one answer while the registry says 429: at most this many, waiting at most so long before each.
MAX_ATTEMPTS = 5
MAX_WAIT_S = 30.0
FIRST_WAIT_S = 1.0
_TOO_MANY_REQUESTS = 429
_ACCEPTED = ", ".join((OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST))
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
#: Where Docker Hub's images are, whatever people call it.
_HUB = "registry-1.docker.io"
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", _HUB})


class UpstreamError(Exception):
    """The other registry could not be asked, or refused; the message says which and why."""


class UpstreamNotFound(UpstreamError):
    """The other registry has no such image."""


@dataclass(frozen=True, kw_only=True)
class UpstreamManifest:
    """A manifest as the other registry has it."""

    digest: str
    media_type: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """One registry, by its host name (``public.ecr.aws``) and perhaps a login."""

    host: str
    username: str = ""
    password: str = field(default="", repr=False)

    def manifest(self, name: str, reference: str) -> UpstreamManifest:
        """The manifest of a tag or digest. Raises UpstreamNotFound, UpstreamError."""
        with self._get(name, f"manifests/{reference}", {"Accept": _ACCEPTED}) as response:
            body = response.raw.read(MAX_MANIFEST_BYTES + 1, decode_content=True)
            return UpstreamManifest(
                digest=response.headers.get("Docker-Content-Digest", ""),
                media_type=response.headers.get("Content-Type", ""),
                body=body,
            )

    def blob(self, name: str, digest: str) -> Iterator[bytes]:
        """The bytes of a blob, as they come. Raises UpstreamNotFound, UpstreamError."""
        with self._get(name, f"blobs/{digest}", {}) as response:
            try:
                yield from response.iter_content(CHUNK_BYTES)
            except requests.RequestException as error:
                raise UpstreamError(f"{self.host} broke off: {error}") from error

    def check(self) -> None:
        """Raise UpstreamError where the registry does not answer, or refuses the login."""
        self._ask("the registry", f"{self._base}/v2/", {}).close()

    def _get(self, name: str, path: str, headers: Mapping[str, str]) -> requests.Response:
        return self._ask(name, f"{self._base}/v2/{name}/{path}", headers)

    def _ask(self, what: str, url: str, headers: Mapping[str, str]) -> requests.Response:
        sent = dict(headers)
        for attempt in range(MAX_ATTEMPTS):
            response = self._send(url, sent)
            if response.status_code == requests.codes.unauthorized and "Authorization" not in sent:
                sent["Authorization"] = self._authorization(response.headers.get("WWW-Authenticate", ""))
                response = self._send(url, sent)
            if response.status_code != _TOO_MANY_REQUESTS:
                break
            if attempt + 1 < MAX_ATTEMPTS:
                time.sleep(_patience_s(response, attempt))
        if response.ok:
            return response
        kind = UpstreamNotFound if response.status_code == requests.codes.not_found else UpstreamError
        raise kind(f"{self.host} answers {response.status_code} for {what}: {_words(response)}")

    @property
    def _base(self) -> str:
        host = _HUB if self.host in _HUB_NAMES else self.host
        scheme = "http" if host.rpartition(":")[0] in _LOOPBACK or host in _LOOPBACK else "https"
        return f"{scheme}://{host}"

    def _send(self, url: str, headers: Mapping[str, str], **parameters: Any) -> requests.Response:
        try:
            return requests.get(url, headers=dict(headers), stream=True, timeout=_TIMEOUTS_S, **parameters)
        except requests.RequestException as error:
            raise UpstreamError(f"{self.host} cannot be reached: {error}") from error

    def _authorization(self, challenge: str) -> str:
        """What the registry wants to see, by its challenge."""
        scheme, _, rest = challenge.partition(" ")
        login = (self.username, self.password) if self.username else None
        if scheme.lower() == "basic":
            return str(requests.Request("GET", "http://x", auth=login).prepare().headers.get("Authorization", ""))
        parameters = dict(_PARAMETER.findall(rest))
        realm = parameters.pop("realm", "")
        if scheme.lower() != "bearer" or urlsplit(realm).scheme not in ("http", "https"):
            raise UpstreamError(f"{self.host} asks for a login of an unknown kind: {challenge[:200]}")
        response = self._send(realm, {}, params=parameters, auth=login)
        if not response.ok:
            raise UpstreamError(f"{self.host} refuses the login: {response.status_code} {_words(response)}")
        try:
            answer = response.json()
            return f"Bearer {answer.get('token') or answer['access_token']}"
        except (ValueError, KeyError, AttributeError) as error:
            raise UpstreamError(f"{self.host} gives no token") from error


def _patience_s(response: requests.Response, attempt: int) -> float:
    """How long to wait after a 429: what the registry says, else twice as long each time."""
    said = response.headers.get("Retry-After", "")
    wanted = float(said) if said.isascii() and said.isdigit() else FIRST_WAIT_S * 2**attempt
    return min(wanted, MAX_WAIT_S)


def _words(response: requests.Response) -> str:
    """What the registry says is wrong."""
    try:
        error = response.json()["errors"][0]
        return f"{error.get('code', '')}: {error.get('message', '')}"[:500]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return response.reason or ""
