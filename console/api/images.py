"""Images of the registry and of its mirror: ``GET /_simfra/images``, and ``POST /_simfra/images/import``."""

import tempfile
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.errors import AwsError
from aws_api.services.ecr.imports import BadArchive, Destination, import_archive
from aws_api.services.ecr.inventory import stored_images
from aws_api.services.ecr.names import RepositoryName, is_repository_name, is_tag
from console.api.paging import PAGE_PARAMETERS, page

_CHUNK_BYTES = 1024 * 1024


class ImageShape(serializers.Serializer[Any]):
    """An image; of kind ``copy``, of a public repository."""

    repository = serializers.CharField()
    kind = serializers.ChoiceField(["own", "copy"])
    imageDigest = serializers.CharField()
    imageTags = serializers.ListField(child=serializers.CharField())
    sizeInBytes = serializers.IntegerField()
    pushedAt = serializers.DateTimeField()


class ImportedImage(serializers.Serializer[Any]):
    """An image that was in the archive."""

    image = serializers.CharField()
    imageDigest = serializers.CharField()


class ImportedImages(serializers.Serializer[Any]):
    """What was in the archive."""

    images = ImportedImage(many=True)


class ImagesView(APIView):
    """GET: every image that tasks can have without the internet; ``?account=`` narrows them to an account's."""

    @extend_schema(
        operation_id="list_images",
        parameters=[OpenApiParameter("account", str), *PAGE_PARAMETERS],
        responses=ImageShape(many=True),
    )
    def get(self, request: Request) -> Response:
        return page(request, stored_images(request.query_params.get("account", "")))


class ImageImportView(APIView):
    """POST the output of ``docker save``, or an OCI layout in a tar, as it is: ``--data-binary @images.tar``.

    Images go where their names say. ``?repository=app&tag=1`` puts an archive's one image into that repository
    (``account`` and ``region`` say whose, else the default's).
    """

    @extend_schema(
        operation_id="import_images",
        parameters=[OpenApiParameter(name, str) for name in ("repository", "tag", "account", "region")],
        request={"application/x-tar": OpenApiTypes.BINARY},
        responses={201: ImportedImages},
    )
    def post(self, request: Request) -> Response:
        destination = _destination(request)
        folder = Path(settings.SIMFRA_DATA_DIR) / "registry"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as archive:
            _spool(request, archive)
            try:
                imported = import_archive(archive, destination, SYSTEM_CLOCK.now())
            except BadArchive as error:
                raise ValidationError(str(error)) from error
            except AwsError as error:
                raise ValidationError(error.message) from error
        return Response({"images": [{"image": done.image, "imageDigest": done.digest} for done in imported]}, 201)


def _destination(request: Request) -> Destination | None:
    parameters = request.query_params
    repository, tag = parameters.get("repository"), parameters.get("tag", "latest")
    if repository is None:
        return None
    if not is_repository_name(repository):
        raise ValidationError(f"{repository} is no repository's name.")
    if not is_tag(tag):
        raise ValidationError(f"{tag} is no tag.")
    name = RepositoryName(
        account_id=parameters.get("account", settings.SIMFRA_DEFAULT_ACCOUNT_ID),
        region=parameters.get("region", settings.SIMFRA_DEFAULT_REGION),
        name=repository,
    )
    return Destination(name=name, tag=tag)


def _spool(request: Request, archive: IO[bytes]) -> None:
    """The body on disk, where a tar can be read in any order."""
    body: Any = request._request
    while chunk := body.read(_CHUNK_BYTES):
        archive.write(chunk)
    if not archive.tell():
        raise ValidationError("The body is empty: send the archive with --data-binary or -T.")
    archive.seek(0)


urlpatterns = [
    path("_simfra/images", ImagesView.as_view()),
    path("_simfra/images/import", ImageImportView.as_view()),
]
