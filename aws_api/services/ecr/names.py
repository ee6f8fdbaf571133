"""The three spellings of an image's name, which are one repository. Pure.

``localhost:4599/{account}/{repository}``, ``{account}.dkr.ecr.{region}.localhost:4599/{repository}`` and
``{account}.dkr.ecr.{region}.amazonaws.com/{repository}``. A path without an account means the default account.
"""

import re
from dataclasses import dataclass

_REGISTRY_HOST = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.(?P<domain>.+)\Z")
_OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "simfra.local"})
_AWS_DOMAINS = frozenset({"amazonaws.com", "amazonaws.com.cn"})
_ACCOUNT = re.compile(r"\d{12}\Z")
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
MAX_NAME = 256


@dataclass(frozen=True, kw_only=True)
class RepositoryName:
    """A repository and the registry that it is in."""

    account_id: str
    region: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An image by its full name: a tag, a digest or both; neither means the tag ``latest``."""

    repository: RepositoryName
    tag: str | None
    digest: str | None

    @property
    def wanted(self) -> str:
        """The digest where there is one, else the tag."""
        return self.digest or self.tag or "latest"


@dataclass(frozen=True, kw_only=True)
class PublicReference:
    """An image of another registry: its host, the repository there, and the digest or tag."""

    host: str
    name: str
    wanted: str


@dataclass(frozen=True, kw_only=True)
class Registry:
    """This instance's registry: what a name means that leaves something out."""

    port: int
    account_id: str
    region: str

    def locate(self, host: str, path: str) -> RepositoryName | None:
        """The repository of a Host header and the name in a path; None where the name cannot be one."""
        name_of_host = _REGISTRY_HOST.match(host.rpartition(":")[0] or host)
        if name_of_host:
            account_id, region, name = name_of_host["account"], name_of_host["region"], path
        else:
            first, _, rest = path.partition("/")
            account_id, name = (first, rest) if _ACCOUNT.match(first) else (self.account_id, path)
            region = self.region
        if len(name) > MAX_NAME or not _NAME.match(name):
            return None
        return RepositoryName(account_id=account_id, region=region, name=name)

    def parse(self, reference: str) -> Reference | None:
        """The parts of an image reference, or None where it is somebody else's or no reference."""
        rest, at, digest = reference.partition("@")
        host, slash, path = rest.partition("/")
        if not slash or not self._is_own(host) or (at and not is_digest(digest)):
            return None
        name, colon, tag = path.partition(":")
        repository = self.locate(host, name)
        if repository is None or (colon and not is_tag(tag)):
            return None
        return Reference(repository=repository, tag=tag or None, digest=digest or None)

    def uri(self, repository: RepositoryName) -> str:
        """The name that works in docker push from the host, whatever its resolver thinks of ``*.localhost``."""
        if repository.region == self.region:
            return f"localhost:{self.port}/{repository.account_id}/{repository.name}"
        host = f"{repository.account_id}.dkr.ecr.{repository.region}.localhost:{self.port}"
        return f"{host}/{repository.name}"

    def _is_own(self, host: str) -> bool:
        name, _, port = host.rpartition(":")
        if not name:
            name, port = host, ""
        registry = _REGISTRY_HOST.match(name)
        domain = registry["domain"] if registry else name
        if registry and domain in _AWS_DOMAINS:
            return port == ""
        return domain in _OWN_HOSTS and port == str(self.port)


def public_reference(reference: str) -> PublicReference | None:
    """The parts of any registry's image reference as docker understands it, or None where it is none."""
    rest, at, digest = reference.partition("@")
    first, slash, path = rest.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        host, path = "docker.io", rest
    else:
        host = first
    name, colon, tag = path.partition(":")
    if host == "docker.io" and "/" not in name:
        name = f"library/{name}"
    if not _NAME.match(name) or (at and not is_digest(digest)) or (colon and not is_tag(tag)):
        return None
    return PublicReference(host=host, name=name, wanted=digest or tag or "latest")


def is_digest(text: str) -> bool:
    """Whether it is a SHA-256 digest, the one kind that the registry keeps."""
    return _DIGEST.match(text) is not None


def is_tag(text: str) -> bool:
    """Whether it may be a tag."""
    return _TAG.match(text) is not None


def is_repository_name(text: str) -> bool:
    """Whether a repository may be called so."""
    return len(text) <= MAX_NAME and _NAME.match(text) is not None
