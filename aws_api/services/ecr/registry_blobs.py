"""The registry's blobs: read whole or in ranges, uploaded in one piece or many, mounted, deleted.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-blobs and #pushing-a-blob-monolithically
"""

import asyncio
import re
from dataclasses import dataclass

from aws_api.core.execution import run_in_thread
from aws_api.services.ecr.access import check_access
from aws_api.services.ecr.blobs import UploadBusy, UploadFile, read_blob
from aws_api.services.ecr.downloads import read_ticket
from aws_api.services.ecr.exchange import Exchange, RegistryError
from aws_api.services.ecr.garbage import collect_if_due
from aws_api.services.ecr.images import images_with_blob
from aws_api.services.ecr.login import Login
from aws_api.services.ecr.models import Layer, LayerUpload, Repository
from aws_api.services.ecr.names import RepositoryName, is_digest
from aws_api.services.ecr.registry import registry
from aws_api.services.ecr.registry_settings import may_mount
from aws_api.services.ecr.repositories import find_layer, find_repository
from aws_api.services.ecr.uploads import (
    LayerTooLarge,
    append_stream,
    begin_upload,
    drop_upload,
    find_upload,
    finish_upload,
    mount_layer,
    touch_upload,
    upload_size,
)

_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?(\d{1,18})-(\d{1,18})(?:/(?:\d+|\*))?\Z")
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")


@dataclass(frozen=True, kw_only=True)
class Target:
    """The repository of a request, as it is and as the client spelled it in the path."""

    name: RepositoryName
    spelled: str
    login: Login | None


async def get_blob(exchange: Exchange, target: Target, digest: str) -> None:
    """GET and HEAD of a blob."""
    layer = await run_in_thread(_require_layer, target.name, digest)
    await _send_blob(exchange, layer)


async def get_ticketed_blob(exchange: Exchange, ticket: str) -> None:
    """GET of a URL that GetDownloadUrlForLayer made: the ticket in it is the permission."""
    claim = read_ticket(ticket, exchange.now)
    if claim is None:
        raise RegistryError(403, "DENIED", "Request has expired or was not signed here")
    layer = await run_in_thread(Layer.objects.filter(repository_id=claim.repository_id, digest=claim.digest).first)
    if layer is None:
        raise _blob_unknown(claim.digest)
    await _send_blob(exchange, layer)


async def delete_blob(exchange: Exchange, target: Target, digest: str) -> None:
    """Take a blob out of a repository; the file stays while another one has it."""

    def delete() -> None:
        layer = _require_layer(target.name, digest)
        # The lock that putting a manifest takes.
        repository = Repository.objects.select_for_update(no_key=True).get(pk=layer.repository_id)
        if images_with_blob(repository, digest):
            raise RegistryError(405, "UNSUPPORTED", f"blob {digest} belongs to an image")
        layer.delete()

    await run_in_thread(delete)
    await exchange.reply(202)


async def start_upload(exchange: Exchange, target: Target) -> None:
    """POST: mount a blob, take it whole, or open an upload."""

    def begin() -> Layer | LayerUpload:
        collect_if_due(exchange.now)
        repository = find_repository(target.name)
        return _mounted(exchange, repository, source) or begin_upload(repository, exchange.now)

    source = await _mount_source(exchange, target)
    digest = exchange.query.get("digest")
    if digest is not None:
        _check_digest(digest)
    begun = await run_in_thread(begin)
    if isinstance(begun, Layer):
        await _reply_created(exchange, target, begun)
    elif digest is not None:
        await _append(exchange, target, begun, digest)
    else:
        await exchange.reply(202, _progress(target, begun, 0))


async def get_upload(exchange: Exchange, target: Target, upload_id: str) -> None:
    """How far an upload is."""
    upload = await _require_upload(target, upload_id)
    await exchange.reply(204, _progress(target, upload, upload_size(upload)))


async def patch_upload(exchange: Exchange, target: Target, upload_id: str) -> None:
    """Add to an upload; what a cut request brought stays, and the client goes on from there."""
    await _append(exchange, target, await _require_upload(target, upload_id), None)


async def put_upload(exchange: Exchange, target: Target, upload_id: str) -> None:
    """Add the last piece, if any, and finish."""
    digest = exchange.query.get("digest", "")
    _check_digest(digest)
    await _append(exchange, target, await _require_upload(target, upload_id), digest)


async def delete_upload(exchange: Exchange, target: Target, upload_id: str) -> None:
    """Give an upload up."""
    await run_in_thread(drop_upload, await _require_upload(target, upload_id))
    await exchange.reply(204)


async def _append(exchange: Exchange, target: Target, upload: LayerUpload, digest: str | None) -> None:
    """Write the body; with a digest, finish."""
    try:
        file = await asyncio.to_thread(UploadFile, upload.upload_id)
    except UploadBusy:
        message = "another request is writing to this upload"
        raise RegistryError(409, "BLOB_UPLOAD_INVALID", message) from None
    except FileNotFoundError:
        raise _upload_unknown(upload.upload_id) from None
    try:
        await _write_body(exchange, target, upload, file)
        if digest is None:
            await run_in_thread(touch_upload, upload, exchange.now)
            await exchange.reply(202, _progress(target, upload, file.size))
            return
        layer = await run_in_thread(finish_upload, upload, file, digest, exchange.now)
    except FileNotFoundError:
        # It was collected between its beginning and its first byte.
        raise _upload_unknown(upload.upload_id) from None
    finally:
        await asyncio.to_thread(file.close)
    if layer is None:
        raise RegistryError(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
    await _reply_created(exchange, target, layer)


async def _write_body(exchange: Exchange, target: Target, upload: LayerUpload, file: UploadFile) -> None:
    before = file.size
    expected = _expected_size(exchange, target, upload, before)
    try:
        await append_stream(file, exchange.body())
    except LayerTooLarge:
        raise RegistryError(413, "SIZE_INVALID", "the layer exceeds the registry's limit") from None
    if expected is not None and file.size - before != expected:
        await asyncio.to_thread(file.truncate, before)
        raise RegistryError(400, "SIZE_INVALID", f"Content-Range announced {expected} bytes")


def _expected_size(exchange: Exchange, target: Target, upload: LayerUpload, size: int) -> int | None:
    """How many bytes Content-Range announces; it must go on where the upload is."""
    text = exchange.headers.get("content-range")
    if text is None:
        return None
    found = _CONTENT_RANGE.match(text.strip())
    start, end = (int(found[1]), int(found[2])) if found else (-1, -1)
    if start != size or end < start:
        message = f"the upload goes on at byte {size}"
        raise RegistryError(416, "RANGE_INVALID", message, _progress(target, upload, size))
    return end - start + 1


async def _mount_source(exchange: Exchange, target: Target) -> RepositoryName | None:
    """The repository that a blob is to be mounted from, if the caller may read it."""
    spelled = exchange.query.get("from") if "mount" in exchange.query else None
    name = registry().locate(exchange.host, spelled) if spelled is not None else None
    if name is not None:
        await check_access(target.login, name, "GetDownloadUrlForLayer")
    return name


def _mounted(exchange: Exchange, repository: Repository, source: RepositoryName | None) -> Layer | None:
    """The blob that the client wants mounted from a repository that it named and may read."""
    digest = exchange.query.get("mount", "")
    if source is None or not is_digest(digest) or not may_mount(repository.account_id, repository.region):
        return None
    layers = Layer.objects.filter(
        digest=digest,
        repository__account_id=source.account_id,
        repository__region=source.region,
        repository__name=source.name,
    )
    layer = layers.first()
    return mount_layer(repository, layer, exchange.now) if layer else None


async def _send_blob(exchange: Exchange, layer: Layer) -> None:
    size = layer.size_bytes
    headers = {
        "content-type": "application/octet-stream",
        "docker-content-digest": layer.digest,
        "etag": f'"{layer.digest}"',
        "accept-ranges": "bytes",
        "content-length": str(size),
    }
    if exchange.method == "HEAD":
        await exchange.reply(200, headers)
        return
    wanted = _wanted_range(exchange.headers.get("range"), size)
    if wanted is None:
        await exchange.reply_stream(200, headers, read_blob(layer.digest))
        return
    start, end = wanted
    headers |= {"content-range": f"bytes {start}-{end}/{size}", "content-length": str(end - start + 1)}
    await exchange.reply_stream(206, headers, read_blob(layer.digest, start, end - start + 1))


def _wanted_range(text: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte of a Range header; None where it wants everything. Several ranges are everything, too."""
    found = _RANGE.match(text or "")
    if not found or (not found[1] and not found[2]):
        return None
    if not found[1]:
        start, end = max(size - int(found[2]), 0), size - 1
    else:
        start, end = int(found[1]), min(int(found[2] or size - 1), size - 1)
    if start > end:
        raise RegistryError(416, "RANGE_INVALID", "range not satisfiable", {"content-range": f"bytes */{size}"})
    return start, end


def _require_layer(name: RepositoryName, digest: str) -> Layer:
    layer = find_layer(find_repository(name), digest)
    if layer is None:
        raise _blob_unknown(digest)
    return layer


async def _require_upload(target: Target, upload_id: str) -> LayerUpload:
    def find() -> LayerUpload | None:
        return find_upload(find_repository(target.name), upload_id)

    upload = await run_in_thread(find)
    if upload is None:
        raise _upload_unknown(upload_id)
    return upload


def _progress(target: Target, upload: LayerUpload, size: int) -> dict[str, str]:
    return {
        "location": f"/v2/{target.spelled}/blobs/uploads/{upload.upload_id}",
        # The specification has no word for nothing at all: 0-0 is what clients expect.
        "range": f"0-{max(size - 1, 0)}",
        "docker-upload-uuid": str(upload.upload_id),
    }


async def _reply_created(exchange: Exchange, target: Target, layer: Layer) -> None:
    location = f"/v2/{target.spelled}/blobs/{layer.digest}"
    await exchange.reply(201, {"location": location, "docker-content-digest": layer.digest})


def _check_digest(digest: str) -> None:
    if not is_digest(digest):
        raise RegistryError(400, "DIGEST_INVALID", "the digest must be sha256 and 64 hexadecimal digits")


def _blob_unknown(digest: str) -> RegistryError:
    return RegistryError(404, "BLOB_UNKNOWN", f"blob {digest} is unknown to the registry")


def _upload_unknown(upload_id: object) -> RegistryError:
    return RegistryError(404, "BLOB_UPLOAD_UNKNOWN", f"upload {upload_id} is unknown to the registry")
