"""Images out of archives (``docker save``, or an OCI layout in a tar) into the registry: for engines without internet.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
https://github.com/moby/docker-image-spec/blob/main/v1.1.md#combined-image-json--filesystem-changeset-format
"""

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import orjson
from django.db import IntegrityError, transaction

from aws_api.services.ecr.blobs import CHUNK_BYTES
from aws_api.services.ecr.images import put_manifest
from aws_api.services.ecr.manifests import MAX_MANIFEST_BYTES, OCI_MANIFEST, BadManifest, Manifest, read_manifest
from aws_api.services.ecr.mirror import mirror_of
from aws_api.services.ecr.models import Repository
from aws_api.services.ecr.names import RepositoryName, is_digest, public_reference
from aws_api.services.ecr.platforms import MAX_DEPTH
from aws_api.services.ecr.registry import registry
from aws_api.services.ecr.repositories import find_layer
from aws_api.services.ecr.uploads import store_blob

MAX_MEMBERS = 10_000
MAX_IMAGES = 100
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_GZIP_MAGIC = b"\x1f\x8b"
#: Where an index of an OCI layout says what its images are called, the fullest first.
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


class BadArchive(ValueError):
    """It is no archive of images; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """An image that is in the registry now, under the name by which tasks find it."""

    image: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where to put an archive's one image instead of where its own name says."""

    name: RepositoryName
    tag: str


def import_archive(file: IO[bytes], destination: Destination | None, now: datetime) -> list[Imported]:
    """Put the images of a seekable archive into the registry. Blocking, and outside of transactions.

    Images of names that are this registry's go to those repositories, which are made where they are missing; all others
    stand for the public image of their name. Raises BadArchive.
    """
    try:
        with tarfile.open(fileobj=file, mode="r:*") as tar:
            archive = _Archive(tar)
            images = archive.oci_images() if archive.has("index.json") else archive.docker_images()
            found = list(images)
            if destination is not None and len(found) != 1:
                raise BadArchive(f"the archive has {len(found)} images: only one can go into a named repository")
            if destination is None and not any(image.names for image in found):
                raise BadArchive("no image of the archive has a name: say into which repository it goes")
            return [done for image in found for done in _store(archive, image, destination, now)]
    except tarfile.TarError as error:
        raise BadArchive(f"the body is no tar archive: {error}") from error
    except BadManifest as error:
        raise BadArchive(f"an image's manifest cannot be read: {error}") from error


@dataclass(frozen=True, kw_only=True)
class _Image:
    """An image of the archive: its manifests, those that others list first, and where its blobs are."""

    names: tuple[str, ...]
    manifests: tuple[Manifest, ...]
    blobs: Mapping[str, str]


class _Archive:
    """The members of a tar by name; nothing of it is ever written under the names that it says."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._members: dict[str, tarfile.TarInfo] = {}
        for member in tar:
            self._members[_normal(member.name)] = member
            if len(self._members) > MAX_MEMBERS:
                raise BadArchive(f"the archive has more than {MAX_MEMBERS} members")

    def has(self, name: str) -> bool:
        return name in self._members

    def oci_images(self) -> Iterator[_Image]:
        """The images of an OCI layout; newer ``docker save`` writes one."""
        legacy = self._legacy_names()
        entries = self._json("index.json").get("manifests")
        for entry in _objects(entries, "index.json")[:MAX_IMAGES]:
            annotations = entry.get("annotations") or {}
            digest = str(entry.get("digest"))
            manifests = tuple(self._oci_manifests(digest, str(entry.get("mediaType") or ""), MAX_DEPTH))
            config = next((one.config.digest for one in manifests if one.config), "")
            name = next((str(annotations[member]) for member in _NAMES if annotations.get(member)), "")
            names = legacy.get(config) or ((name,) if name else ())
            blobs = {blob: _blob_path(blob) for manifest in manifests for blob in manifest.needed_blobs}
            yield _Image(names=tuple(names), manifests=manifests, blobs=blobs)

    def docker_images(self) -> Iterator[_Image]:
        """The images of a docker-archive: manifests are made for them, of the layers as they are."""
        for entry in _objects(self._json_value("manifest.json"), "manifest.json")[:MAX_IMAGES]:
            files = [str(entry.get("Config")), *map(str, entry.get("Layers") or ())]
            digests = [self._digest(name) for name in files]
            sizes = [self._member(name).size for name in files]
            types = [_CONFIG, *(_LAYER + ("+gzip" if self._is_packed(name) else "") for name in files[1:])]
            described = [
                {"mediaType": kind, "digest": digest, "size": size}
                for kind, digest, size in zip(types, digests, sizes, strict=True)
            ]
            body = orjson.dumps(
                {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described[0], "layers": described[1:]}
            )
            yield _Image(
                names=tuple(map(str, entry.get("RepoTags") or ())),
                manifests=(read_manifest(body, OCI_MANIFEST),),
                blobs=dict(zip(digests, files, strict=True)),
            )

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of a member."""
        opened = self._tar.extractfile(self._member(name))
        if opened is None:
            raise BadArchive(f"{name} is no file of the archive")
        with opened:
            while chunk := opened.read(CHUNK_BYTES):
                yield chunk

    def _oci_manifests(self, digest: str, media_type: str, depth: int) -> Iterator[Manifest]:
        """A manifest and those that it lists and the archive has, the listed ones first."""
        if not is_digest(digest):
            raise BadArchive("index.json names a manifest by something else than its SHA-256 digest")
        manifest = read_manifest(self._bytes(_blob_path(digest)), media_type)
        if manifest.digest != digest:
            raise BadArchive(f"the archive's {digest} has other content than that")
        for part in manifest.manifests:
            if depth and self.has(_blob_path(part.digest)):
                yield from self._oci_manifests(part.digest, part.media_type, depth - 1)
        yield manifest

    def _legacy_names(self) -> dict[str, list[str]]:
        """What manifest.json calls the images, by the digests of their configurations: in full, with registries."""
        if not self.has("manifest.json"):
            return {}
        entries = _objects(self._json_value("manifest.json"), "manifest.json")
        return {
            f"sha256:{str(entry.get('Config')).rpartition('/')[2].removesuffix('.json')}": [
                str(name) for name in entry.get("RepoTags") or ()
            ]
            for entry in entries
        }

    def _member(self, name: str) -> tarfile.TarInfo:
        """A file; a link to another, which is how layers that are there twice are written, is followed once."""
        member = self._members.get(_normal(name))
        if member is not None and (member.issym() or member.islnk()):
            folder = _normal(name).rpartition("/")[0] if member.issym() else ""
            member = self._members.get(_normal(f"{folder}/{member.linkname}"))
        if member is None or not member.isfile():
            raise BadArchive(f"the archive lacks {name}")
        return member

    def _bytes(self, name: str) -> bytes:
        if self._member(name).size > MAX_MANIFEST_BYTES:
            raise BadArchive(f"{name} exceeds {MAX_MANIFEST_BYTES} bytes")
        return b"".join(self.chunks(name))

    def _json_value(self, name: str) -> Any:
        try:
            return orjson.loads(self._bytes(name))
        except orjson.JSONDecodeError as error:
            raise BadArchive(f"{name} is not JSON: {error}") from error

    def _json(self, name: str) -> Mapping[str, Any]:
        value = self._json_value(name)
        if not isinstance(value, dict):
            raise BadArchive(f"{name} is no object")
        return value

    def _digest(self, name: str) -> str:
        computed = hashlib.sha256()
        for chunk in self.chunks(name):
            computed.update(chunk)
        return f"sha256:{computed.hexdigest()}"

    def _is_packed(self, name: str) -> bool:
        return next(self.chunks(name), b"").startswith(_GZIP_MAGIC)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where an image goes, and the name by which tasks find it there."""

    image: str
    repository: Repository
    tag: str


def _store(archive: _Archive, image: _Image, destination: Destination | None, now: datetime) -> Iterator[Imported]:
    for place in _places(image, destination, now):
        for digest, path in image.blobs.items():
            if find_layer(place.repository, digest) is not None:
                continue
            if store_blob(place.repository, digest, archive.chunks(path), now) is None:
                raise BadArchive(f"the archive's {digest} has other content than that")
        with transaction.atomic():
            for manifest in image.manifests[:-1]:
                put_manifest(place.repository, manifest, None, now, is_copy=True)
            put_manifest(place.repository, image.manifests[-1], place.tag, now, is_copy=True)
        yield Imported(image=place.image, digest=image.manifests[-1].digest)


def _places(image: _Image, destination: Destination | None, now: datetime) -> Iterator[_Place]:
    if destination is not None:
        name = f"{registry().uri(destination.name)}:{destination.tag}"
        yield _Place(image=name, repository=_repository(destination.name, now), tag=destination.tag)
        return
    for name in image.names:
        if own := registry().parse(name):
            yield _Place(image=name, repository=_repository(own.repository, now), tag=own.tag or "latest")
        elif public := public_reference(name):
            yield _Place(image=name, repository=mirror_of(public), tag=public.wanted)
        else:
            raise BadArchive(f"{name} is no name of an image")


def _repository(name: RepositoryName, now: datetime) -> Repository:
    try:
        with transaction.atomic():
            return Repository.objects.create(
                account_id=name.account_id, region=name.region, name=name.name, created_at=now
            )
    except IntegrityError:
        return Repository.objects.get(account_id=name.account_id, region=name.region, name=name.name)


def _objects(value: Any, name: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise BadArchive(f"{name} lists no images")
    return value


def _normal(name: str) -> str:
    """A path of the archive without detours; one that climbs out is nobody's name."""
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _blob_path(digest: str) -> str:
    return f"blobs/sha256/{digest.partition(':')[2]}"
