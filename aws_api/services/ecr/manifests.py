"""Manifests, read and checked without a database. Pure.

https://github.com/opencontainers/image-spec/blob/main/manifest.md and image-index.md; Docker's schema 2 alike.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from aws_api.services.ecr.names import is_digest

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFESTS = frozenset({DOCKER_MANIFEST, OCI_MANIFEST})
_LISTS = frozenset({DOCKER_LIST, OCI_INDEX})


class BadManifest(ValueError):
    """It is no manifest; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """What a manifest says of a blob or of another manifest. A foreign one is fetched elsewhere."""

    digest: str
    size_bytes: int
    media_type: str
    platform: Mapping[str, Any]
    is_foreign: bool


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A manifest (``config`` and ``layers``) or a list of them (``manifests``)."""

    digest: str
    media_type: str
    body: bytes
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    manifests: tuple[Descriptor, ...]
    subject: str
    artifact_type: str
    annotations: Mapping[str, str]

    @property
    def needed_blobs(self) -> list[str]:
        """The digests of the blobs that the repository must have, each once."""
        descriptors = (*((self.config,) if self.config else ()), *self.layers)
        return list(dict.fromkeys(descriptor.digest for descriptor in descriptors if not descriptor.is_foreign))

    @property
    def needed_manifests(self) -> list[str]:
        """The digests of the manifests that the repository must have."""
        return list(dict.fromkeys(descriptor.digest for descriptor in self.manifests))

    @property
    def size_bytes(self) -> int:
        """What its configuration and layers weigh, as pushed."""
        return (self.config.size_bytes if self.config else 0) + sum(layer.size_bytes for layer in self.layers)


def read_manifest(body: bytes, media_type: str = "") -> Manifest:
    """Take a manifest apart. ``media_type`` is what the client said of it. Raises BadManifest."""
    if len(body) > MAX_MANIFEST_BYTES:
        raise BadManifest(f"manifest exceeds {MAX_MANIFEST_BYTES} bytes")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadManifest("Invalid JSON syntax") from None
    if not isinstance(document, dict) or document.get("schemaVersion") != 2:
        raise BadManifest("schemaVersion must be 2")
    media_type = _media_type(document, media_type.partition(";")[0].strip())
    is_list = media_type in _LISTS
    config = None if is_list else _descriptor(document.get("config"), "config")
    subject = document.get("subject")
    annotations = document.get("annotations") or {}
    if not isinstance(annotations, dict):
        raise BadManifest("annotations must be an object")
    artifact_type = document.get("artifactType") or (config.media_type if config else "")
    return Manifest(
        digest=f"sha256:{hashlib.sha256(body).hexdigest()}",
        media_type=media_type,
        body=body,
        config=config,
        layers=() if is_list else _descriptors(document.get("layers"), "layers"),
        manifests=_descriptors(document.get("manifests"), "manifests") if is_list else (),
        subject=_descriptor(subject, "subject").digest if subject is not None else "",
        artifact_type=str(artifact_type)[:256],
        annotations={str(key): str(value) for key, value in annotations.items()},
    )


def _media_type(document: Mapping[str, Any], said: str) -> str:
    """The document's own media type wins; where it has none, the client's, else what its members tell."""
    own = document.get("mediaType") or said
    if own not in _MANIFESTS | _LISTS:
        if document.get("mediaType") or said not in ("", "application/json", "application/octet-stream"):
            raise BadManifest(f"media type {own} is not supported")
        own = OCI_INDEX if "manifests" in document else OCI_MANIFEST
    if said in _MANIFESTS | _LISTS and said != own:
        raise BadManifest(f"media type {own} was sent as {said}")
    return str(own)


def _descriptors(values: Any, member: str) -> tuple[Descriptor, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise BadManifest(f"{member} must be a list")
    return tuple(_descriptor(value, f"{member}[{index}]") for index, value in enumerate(values))


def _descriptor(value: Any, member: str) -> Descriptor:
    if not isinstance(value, dict):
        raise BadManifest(f"{member} must be a descriptor")
    digest, size, platform = value.get("digest"), value.get("size"), value.get("platform") or {}
    if not isinstance(digest, str) or not is_digest(digest):
        raise BadManifest(f"{member} has no SHA-256 digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadManifest(f"{member} has no size")
    if not isinstance(platform, dict):
        raise BadManifest(f"{member} has no platform")
    return Descriptor(
        digest=digest,
        size_bytes=size,
        media_type=str(value.get("mediaType") or ""),
        platform=platform,
        is_foreign=bool(value.get("urls")),
    )
