"""Copying images of other registries into a repository: the manifest, this machine's platform of a list, its blobs.

Blocking and possibly long: for threads, outside of transactions. Copying again costs one question for the manifest.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.containers import PullProgress
from aws_api.services.ecr.images import find_image, put_manifest
from aws_api.services.ecr.manifests import BadManifest, Descriptor, Manifest, read_manifest
from aws_api.services.ecr.models import Image, ImageTag, Repository
from aws_api.services.ecr.names import is_digest
from aws_api.services.ecr.platforms import MAX_DEPTH, choose_platform
from aws_api.services.ecr.repositories import find_layer
from aws_api.services.ecr.uploads import store_blob
from aws_api.services.ecr.upstream import Upstream, UpstreamError

Progress = Callable[[PullProgress], None]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A repository of another registry."""

    upstream: Upstream
    name: str

    def __str__(self) -> str:
        return f"{self.upstream.host}/{self.name}"


def copy_image(origin: Origin, reference: str, repository: Repository, progress: Progress) -> Image:
    """Make a repository have an image of another registry, under the tag by which it was asked for.

    Raises UpstreamNotFound, UpstreamError.
    """
    now = SYSTEM_CLOCK.now()
    manifest = _manifest(origin, reference)
    if find_image(repository, manifest.digest) is None:
        _copy_parts(origin, manifest, repository, progress, MAX_DEPTH)
    tag = None if is_digest(reference) else reference
    with transaction.atomic():
        image = put_manifest(repository, manifest, tag, now, is_copy=True)
        if tag is not None:
            ImageTag.objects.filter(repository=repository, name=tag).update(checked_at=now)
    return image


def was_checked_since(repository: Repository, reference: str, moment: datetime) -> bool:
    """Whether the other registry was asked since a moment what a tag means; a digest means the same for ever."""
    if is_digest(reference):
        return repository.images.filter(digest=reference).exists()
    return repository.image_tags.filter(name=reference, checked_at__gte=moment).exists()


def _manifest(origin: Origin, reference: str) -> Manifest:
    found = origin.upstream.manifest(origin.name, reference)
    try:
        manifest = read_manifest(found.body, found.media_type)
    except BadManifest as error:
        raise UpstreamError(f"{origin} has no usable manifest: {error}") from error
    if is_digest(reference) and manifest.digest != reference:
        raise UpstreamError(f"{origin} answers another manifest than {reference}")
    return manifest


def _copy_parts(origin: Origin, manifest: Manifest, repository: Repository, progress: Progress, depth: int) -> None:
    if manifest.config is None:
        chosen = choose_platform(manifest.manifests)
        if chosen and depth:
            part = _manifest(origin, chosen.digest)
            _copy_parts(origin, part, repository, progress, depth - 1)
            with transaction.atomic():
                put_manifest(repository, part, None, SYSTEM_CLOCK.now(), is_copy=True)
        return
    blobs = {blob.digest: blob for blob in (*manifest.layers, manifest.config) if not blob.is_foreign}
    for blob in blobs.values():
        if find_layer(repository, blob.digest) is None:
            chunks = _counted(origin.upstream.blob(origin.name, blob.digest), blob, progress)
            if store_blob(repository, blob.digest, chunks, SYSTEM_CLOCK.now()) is None:
                raise UpstreamError(f"{origin} answers other content than {blob.digest}")


def _counted(chunks: Iterable[bytes], blob: Descriptor, progress: Progress) -> Iterable[bytes]:
    done = 0
    for chunk in chunks:
        done += len(chunk)
        progress(
            PullProgress(
                layer=blob.digest.removeprefix("sha256:")[:12],
                status="Downloading" if done < blob.size_bytes else "Download complete",
                done_bytes=done,
                total_bytes=blob.size_bytes,
            )
        )
        yield chunk
