"""The image registry under ``/v2/``: the OCI distribution protocol, from paths to what answers them."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aws_api.core.errors import AwsError
from aws_api.services.ecr import registry_blobs, registry_lists, registry_manifests, shapes
from aws_api.services.ecr.access import authenticate, check_access
from aws_api.services.ecr.downloads import PATH as DOWNLOADS_PATH
from aws_api.services.ecr.exchange import ClientGone, Exchange, RegistryError
from aws_api.services.ecr.registry import registry
from aws_api.services.ecr.registry_blobs import Target
from aws_api.services.ecr.service import ecr


@dataclass(frozen=True)
class Route:
    """What answers a method, and the permission that it needs: that of the API's operation which does the same."""

    answer: Callable[..., Awaitable[None]]
    action: str


_ROUTES: tuple[tuple["re.Pattern[str]", dict[str, Route]], ...] = (
    (
        re.compile(r"/v2/(?P<name>.+)/blobs/uploads/?\Z"),
        {"POST": Route(registry_blobs.start_upload, "InitiateLayerUpload")},
    ),
    (
        re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<upload_id>[^/]+)\Z"),
        {
            "GET": Route(registry_blobs.get_upload, "UploadLayerPart"),
            "HEAD": Route(registry_blobs.get_upload, "UploadLayerPart"),
            "PATCH": Route(registry_blobs.patch_upload, "UploadLayerPart"),
            "PUT": Route(registry_blobs.put_upload, "CompleteLayerUpload"),
            "DELETE": Route(registry_blobs.delete_upload, "UploadLayerPart"),
        },
    ),
    (
        re.compile(r"/v2/(?P<name>.+)/blobs/(?P<digest>[^/]+)\Z"),
        {
            "GET": Route(registry_blobs.get_blob, "GetDownloadUrlForLayer"),
            "HEAD": Route(registry_blobs.get_blob, "BatchCheckLayerAvailability"),
            "DELETE": Route(registry_blobs.delete_blob, "BatchDeleteImage"),
        },
    ),
    (
        re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)\Z"),
        {
            "GET": Route(registry_manifests.get_manifest, "BatchGetImage"),
            "HEAD": Route(registry_manifests.get_manifest, "BatchGetImage"),
            "PUT": Route(registry_manifests.put, "PutImage"),
            "DELETE": Route(registry_manifests.delete, "BatchDeleteImage"),
        },
    ),
    (re.compile(r"/v2/(?P<name>.+)/tags/list\Z"), {"GET": Route(registry_lists.get_tags, "ListImages")}),
    (
        re.compile(r"/v2/(?P<name>.+)/referrers/(?P<digest>[^/]+)\Z"),
        {"GET": Route(registry_manifests.get_referrers, "ListImageReferrers")},
    ),
)

#: The registry's words for what the API would answer.
_ERRORS: dict[type[AwsError], tuple[int, str]] = {
    shapes.RepositoryNotFoundException: (404, "NAME_UNKNOWN"),
    shapes.LayersNotFoundException: (400, "MANIFEST_BLOB_UNKNOWN"),
    shapes.ReferencedImagesNotFoundException: (400, "MANIFEST_BLOB_UNKNOWN"),
    shapes.ImageTagAlreadyExistsException: (400, "TAG_INVALID"),
}


@ecr.data_plane("/v2/")
async def serve(scope: Any, receive: Any, send: Any) -> None:
    """Answer one request of a registry client."""
    exchange = Exchange(scope, receive, send)
    try:
        await _answer(exchange)
    except RegistryError as error:
        await exchange.reply_error(error)
    except AwsError as error:
        if type(error) not in _ERRORS:
            raise
        status, code = _ERRORS[type(error)]
        await exchange.reply_error(RegistryError(status, code, error.message))
    except ClientGone:
        return


async def _answer(exchange: Exchange) -> None:
    path = exchange.path
    if "\0" in path or any("\0" in value for value in exchange.query.values()):
        raise RegistryError(400, "NAME_INVALID", "the character NUL is in no name")
    if path.startswith(DOWNLOADS_PATH) and exchange.method in ("GET", "HEAD"):
        await registry_blobs.get_ticketed_blob(exchange, path.removeprefix(DOWNLOADS_PATH))
        return
    login = authenticate(exchange)
    if path == "/v2/":
        await exchange.reply_json({})
    elif path == "/v2/_catalog":
        await registry_lists.get_catalog(exchange, login)
    else:
        await _route(exchange, path, login)


async def _route(exchange: Exchange, path: str, login: Any) -> None:
    for pattern, methods in _ROUTES:
        if found := pattern.match(path):
            parts = found.groupdict()
            spelled = parts.pop("name")
            name = registry().locate(exchange.host, spelled)
            if name is None:
                raise RegistryError(400, "NAME_INVALID", f"invalid repository name {spelled}")
            if exchange.method not in methods:
                raise RegistryError(405, "UNSUPPORTED", f"{exchange.method} is not supported here")
            route = methods[exchange.method]
            await check_access(login, name, route.action)
            await route.answer(exchange, Target(name=name, spelled=spelled, login=login), **parts)
            return
    raise RegistryError(404, "UNSUPPORTED", f"nothing is at {path}")
