"""Images of the registry as docker-archives, made on the fly from blobs: what the engine loads.

https://github.com/moby/docker-image-spec/blob/main/v1.1.md#combined-image-json--filesystem-changeset-format
"""

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from aws_api.core.arns import Arn
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.images import ImageArchive, ImageNotFound, PullProgressed
from aws_api.services.ecr.blobs import blob_path, read_blob
from aws_api.services.ecr.cache_rules import needs_refresh, refresh
from aws_api.services.ecr.images import find_image
from aws_api.services.ecr.manifests import Manifest, read_manifest
from aws_api.services.ecr.models import Image
from aws_api.services.ecr.names import Reference
from aws_api.services.ecr.platforms import MAX_DEPTH, choose_platform, this_architecture
from aws_api.services.ecr.pull_times import record_pull
from aws_api.services.ecr.registry import registry
from aws_api.services.ecr.repositories import find_repository
from aws_api.services.ecr.shapes import RepositoryNotFoundException
from aws_api.services.ecr.upstream import UpstreamError


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file of the archive: a blob, or bytes."""

    name: str
    size_bytes: int
    chunks: Iterator[bytes]


class EcrImages:
    """The image source of this instance's registry."""

    def owns(self, reference: str) -> bool:
        """Whether a reference names this registry, in any of its three spellings."""
        return registry().parse(reference) is not None

    def repository_arn(self, reference: str) -> str:
        """The ARN of a reference's repository."""
        parsed = registry().parse(reference)
        assert parsed is not None, f"not of this registry: {reference}"
        repository = parsed.repository
        resource = f"repository/{repository.name}"
        return str(Arn(service="ecr", region=repository.region, account_id=repository.account_id, resource=resource))

    def digest(self, reference: str) -> str:
        """The digest of the manifest that a reference names; of an index, the index's. Raises ImageNotFound.

        Empty for a copy of another registry's image that must be asked for there.
        """
        parsed = _parse(reference)
        return "" if needs_refresh(parsed.repository, parsed.wanted) else _find(reference).digest

    def refresh(self, reference: str, progress: PullProgressed) -> None:
        """Bring a copy of another registry's image up to date. Raises ImageNotFound."""
        parsed = _parse(reference)
        try:
            refresh(parsed.repository, parsed.wanted, progress)
        except UpstreamError as error:
            raise ImageNotFound(str(error)) from error

    def archive(self, reference: str) -> ImageArchive:
        """The image for this machine's platform. Raises ImageNotFound.

        It is loaded under exactly this reference; one by digest alone gets the tag ``sha256-<digest>``, because
        engines load no name without a tag.
        """
        named = _find(reference)
        record_pull(named, SYSTEM_CLOCK.now())
        return archive_of(named, reference)


def archive_of(named: Image, reference: str) -> ImageArchive:
    """An image, or a list's image for this machine, to be loaded under a reference. Raises ImageNotFound."""
    image = _for_this_platform(named, reference, MAX_DEPTH)
    manifest = read_manifest(bytes(image.body), image.media_type)
    name = loaded_name(reference)
    files = _files(manifest, name)
    size = sum(tarfile.BLOCKSIZE + _padded(file.size_bytes) for file in files) + 2 * tarfile.BLOCKSIZE
    return ImageArchive(name=name, digest=named.digest, size_bytes=size, chunks=_tar(files))


def loaded_name(reference: str) -> str:
    """The name with a tag that an image of a reference is loaded under."""
    name, _, digest = reference.partition("@")
    if ":" in name.rpartition("/")[2]:
        return name
    return f"{name}:{digest.replace(':', '-')}" if digest else f"{name}:latest"


def _parse(reference: str) -> Reference:
    parsed = registry().parse(reference)
    if parsed is None:
        raise ImageNotFound(f"invalid reference format: {reference}")
    return parsed


def _find(reference: str) -> Image:
    parsed = _parse(reference)
    try:
        image = find_image(find_repository(parsed.repository), parsed.wanted)
    except RepositoryNotFoundException as error:
        raise ImageNotFound(f"name unknown: {error.message}") from error
    if image is None:
        raise ImageNotFound(f"manifest for {reference} not found: manifest unknown: Requested image not found")
    return image


def _for_this_platform(image: Image, reference: str, depth: int) -> Image:
    manifest = read_manifest(bytes(image.body), image.media_type)
    if not manifest.manifests and manifest.config is not None:
        return image
    chosen = choose_platform(manifest.manifests)
    child = find_image(image.repository, chosen.digest) if chosen and depth else None
    if child is None:
        raise ImageNotFound(
            f"no matching manifest for linux/{this_architecture()} in the manifest list entries of {reference}"
        )
    return _for_this_platform(child, reference, depth - 1)


def _files(manifest: Manifest, name: str) -> list[_File]:
    assert manifest.config is not None
    config_name = f"{_encoded(manifest.config.digest)}.json"
    layer_names = [f"{_encoded(layer.digest)}.tar" for layer in manifest.layers]
    index = orjson.dumps([{"Config": config_name, "RepoTags": [name], "Layers": layer_names}])
    files = [_blob_file(config_name, manifest.config.digest)]
    # A layer that is there twice is one file.
    files += [_blob_file(f"{_encoded(digest)}.tar", digest) for digest in manifest.needed_blobs[1:]]
    files.append(_File(name="manifest.json", size_bytes=len(index), chunks=iter([index])))
    return files


def _blob_file(name: str, digest: str) -> _File:
    try:
        size = blob_path(digest).stat().st_size
    except FileNotFoundError as error:
        raise ImageNotFound(f"blob {digest} is unknown to the registry") from error
    return _File(name=name, size_bytes=size, chunks=read_blob(digest))


def _tar(files: Sequence[_File]) -> Iterator[bytes]:
    for file in files:
        header = tarfile.TarInfo(file.name)
        header.size = file.size_bytes
        # GNU's form: layers may be larger than the 8 GiB that the older one can say.
        yield header.tobuf(tarfile.GNU_FORMAT)
        yield from file.chunks
        yield b"\0" * (_padded(file.size_bytes) - file.size_bytes)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def _encoded(digest: str) -> str:
    return digest.partition(":")[2]
