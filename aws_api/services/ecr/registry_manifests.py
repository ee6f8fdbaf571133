"""The registry's manifests: put, read and deleted by tag or digest, and those that refer to one.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests
"""

import asyncio

import orjson
from django.db import connections

from aws_api.core.execution import run_in_thread
from aws_api.services.ecr.cache_rules import needs_refresh, refresh
from aws_api.services.ecr.describe import describe_referrer
from aws_api.services.ecr.exchange import Exchange, RegistryError
from aws_api.services.ecr.images import find_image, lists_with, put_manifest
from aws_api.services.ecr.manifests import MAX_MANIFEST_BYTES, OCI_INDEX, BadManifest, read_manifest
from aws_api.services.ecr.models import Image
from aws_api.services.ecr.names import RepositoryName, is_digest, is_tag
from aws_api.services.ecr.pull_times import record_pull
from aws_api.services.ecr.registry_blobs import Target
from aws_api.services.ecr.repositories import find_repository
from aws_api.services.ecr.upstream import UpstreamError, UpstreamNotFound


async def get_manifest(exchange: Exchange, target: Target, reference: str) -> None:
    """GET and HEAD: the manifest as it was pushed, whatever the client says it accepts; of a cache, fetched first."""

    def load() -> Image | None:
        image = find_image(find_repository(target.name), reference)
        if image is not None and exchange.method == "GET":
            record_pull(image, exchange.now, target.login.arn if target.login else "")
        return image

    if await run_in_thread(needs_refresh, target.name, reference):
        await asyncio.to_thread(_fetch, target.name, reference)
    image = await run_in_thread(load)
    if image is None:
        raise _manifest_unknown()
    body = bytes(image.body)
    headers = {
        "content-type": image.media_type,
        "docker-content-digest": image.digest,
        "etag": f'"{image.digest}"',
        "content-length": str(len(body)),
    }
    await exchange.reply(200, headers, body)


async def put(exchange: Exchange, target: Target, reference: str) -> None:
    """PUT: store a manifest whose blobs are there, and name it."""
    by_digest = is_digest(reference)
    if not by_digest and not is_tag(reference):
        raise RegistryError(400, "TAG_INVALID", f"{reference} is no tag")
    body = await exchange.small_body(MAX_MANIFEST_BYTES)
    if body is None:
        raise RegistryError(413, "MANIFEST_INVALID", f"manifest exceeds {MAX_MANIFEST_BYTES} bytes")
    try:
        manifest = read_manifest(body, exchange.headers.get("content-type", ""))
    except BadManifest as error:
        raise RegistryError(400, "MANIFEST_INVALID", str(error)) from error
    if by_digest and manifest.digest != reference:
        raise RegistryError(400, "DIGEST_INVALID", "provided digest did not match uploaded content")

    def store() -> None:
        put_manifest(find_repository(target.name), manifest, None if by_digest else reference, exchange.now)

    await run_in_thread(store)
    headers = {
        "location": f"/v2/{target.spelled}/manifests/{manifest.digest}",
        "docker-content-digest": manifest.digest,
    }
    if manifest.subject:
        headers["oci-subject"] = manifest.subject
    await exchange.reply(201, headers)


async def delete(exchange: Exchange, target: Target, reference: str) -> None:
    """DELETE: a tag alone, or an image with all of its tags."""

    def remove() -> None:
        image = find_image(find_repository(target.name), reference)
        if image is None:
            raise _manifest_unknown()
        if not is_digest(reference):
            image.image_tags.filter(name=reference).delete()
        elif lists := lists_with(image):
            raise RegistryError(405, "UNSUPPORTED", f"image is referenced by manifest list: [{', '.join(lists)}]")
        else:
            image.delete()

    await run_in_thread(remove)
    await exchange.reply(202)


async def get_referrers(exchange: Exchange, target: Target, digest: str) -> None:
    """GET: an index of the manifests whose subject is the digest."""
    wanted = exchange.query.get("artifactType")

    def load() -> list[Image]:
        referrers = find_repository(target.name).images.filter(subject=digest)
        return list((referrers.filter(artifact_type=wanted) if wanted else referrers).order_by("digest")[:1000])

    if not is_digest(digest):
        raise RegistryError(400, "DIGEST_INVALID", f"{digest} is no digest")
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [describe_referrer(image) for image in await run_in_thread(load)],
    }
    headers = {"content-type": OCI_INDEX}
    if wanted:
        headers["oci-filters-applied"] = "artifactType"
    await exchange.reply(200, headers, orjson.dumps(index))


def _fetch(name: RepositoryName, reference: str) -> None:
    """Copy an image from where its repository comes from; outside of a transaction, for it may take long."""
    try:
        refresh(name, reference)
    except UpstreamNotFound as error:
        raise RegistryError(404, "MANIFEST_UNKNOWN", str(error)) from error
    except UpstreamError as error:
        raise RegistryError(503, "UNAVAILABLE", str(error)) from error
    finally:
        connections.close_all()


def _manifest_unknown() -> RegistryError:
    return RegistryError(404, "MANIFEST_UNKNOWN", "Requested image not found")
