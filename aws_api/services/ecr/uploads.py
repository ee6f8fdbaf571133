"""Uploads of blobs: begun, continued by any process, and finished once the digest is proven."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction

from aws_api.services.ecr.blobs import CHUNK_BYTES, UploadFile, blob_path, upload_path
from aws_api.services.ecr.models import Layer, LayerUpload, Repository
from aws_api.services.ecr.repositories import lock_blob

#: ECR's own limit of a layer.
MAX_LAYER_BYTES = 52_000 * 1024 * 1024


class LayerTooLarge(Exception):
    """More bytes than a layer may have."""


def begin_upload(repository: Repository, now: datetime) -> LayerUpload:
    """Make an empty upload."""
    upload = LayerUpload.objects.create(upload_id=uuid4(), repository=repository, touched_at=now)
    UploadFile(upload.upload_id, create=True).close()
    return upload


def find_upload(repository: Repository, upload_id: str) -> LayerUpload | None:
    """The upload of an id, where it is this repository's and still under way."""
    with suppress(ValueError):
        upload = repository.uploads.filter(upload_id=UUID(upload_id)).first()
        if upload is not None and upload_path(upload.upload_id).exists():
            return upload
    return None


def touch_upload(upload: LayerUpload, now: datetime) -> None:
    """Somebody goes on with it: it is not garbage yet."""
    LayerUpload.objects.filter(pk=upload.pk).update(touched_at=now)


def upload_size(upload: LayerUpload) -> int:
    """How many bytes are there."""
    return upload_path(upload.upload_id).stat().st_size


async def append_stream(file: UploadFile, chunks: AsyncIterator[bytes]) -> None:
    """Write a body as it comes, a chunk at a time in a thread: neither memory nor the event loop feel its size.

    What came before an exception of ``chunks`` stays written. Raises LayerTooLarge.
    """
    pending: list[bytes] = []
    size = 0
    try:
        async for chunk in chunks:
            pending.append(chunk)
            size += len(chunk)
            if file.size + size > MAX_LAYER_BYTES:
                raise LayerTooLarge
            if size >= CHUNK_BYTES:
                data, pending, size = b"".join(pending), [], 0
                await asyncio.to_thread(file.write, data)
    finally:
        if pending:
            await asyncio.to_thread(file.write, b"".join(pending))


def finish_upload(upload: LayerUpload, file: UploadFile, digest: str, now: datetime) -> Layer | None:
    """Store the whole upload as the blob of a digest; None where it has another one. The upload is gone either way."""
    if file.digest() != digest:
        drop_upload(upload)
        return None
    with transaction.atomic():
        lock_blob(digest)
        file.become(digest)
        layer, _ = Layer.objects.get_or_create(
            repository_id=upload.repository_id,
            digest=digest,
            defaults={"size_bytes": file.size, "created_at": now},
        )
        upload.delete()
    return layer


def store_blob(repository: Repository, digest: str, chunks: Iterable[bytes], now: datetime) -> Layer | None:
    """Store bytes that come from somewhere else as the blob of a digest; None where they have another one.

    Raises LayerTooLarge, and what ``chunks`` raises; nothing is left of it then.
    """
    upload = begin_upload(repository, now)
    try:
        with UploadFile(upload.upload_id) as file:
            for chunk in chunks:
                if file.size + len(chunk) > MAX_LAYER_BYTES:
                    raise LayerTooLarge
                file.write(chunk)
            return finish_upload(upload, file, digest, now)
    finally:
        drop_upload(upload)


def drop_upload(upload: LayerUpload) -> None:
    """Forget an upload and its bytes."""
    LayerUpload.objects.filter(pk=upload.pk).delete()
    upload_path(upload.upload_id).unlink(missing_ok=True)


def mount_layer(repository: Repository, layer: Layer, now: datetime) -> Layer | None:
    """Let a repository have a blob that another one has, without a byte sent; None where it was just collected."""
    with transaction.atomic():
        lock_blob(layer.digest)
        if not blob_path(layer.digest).exists():
            return None
        mounted, _ = Layer.objects.get_or_create(
            repository=repository,
            digest=layer.digest,
            defaults={"size_bytes": layer.size_bytes, "created_at": now},
        )
    return mounted
