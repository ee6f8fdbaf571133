"""Layers: the same blobs that the registry serves, through the API."""

from aws_api.core.context import Context
from aws_api.services.ecr import shapes
from aws_api.services.ecr.blobs import UploadBusy, UploadFile
from aws_api.services.ecr.downloads import download_path
from aws_api.services.ecr.garbage import collect_if_due
from aws_api.services.ecr.models import LayerUpload, Repository
from aws_api.services.ecr.names import is_digest
from aws_api.services.ecr.repositories import find_layer, requested_repository
from aws_api.services.ecr.service import ecr
from aws_api.services.ecr.uploads import begin_upload, find_upload, finish_upload, touch_upload, upload_size

PART_BYTES = 10 * 1024 * 1024
LAYER_MEDIA_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@ecr.operation
def batch_check_layer_availability(
    context: Context, request: shapes.BatchCheckLayerAvailabilityRequest
) -> shapes.BatchCheckLayerAvailabilityResponse:
    """Which layers the repository has."""
    repository = requested_repository(context, request)
    layers: list[shapes.Layer] = []
    failures: list[shapes.LayerFailure] = []
    for digest in request["layerDigests"]:
        if not is_digest(digest):
            reason = "Invalid layer digest: must be sha256 and 64 hexadecimal digits"
            failures.append({"layerDigest": digest, "failureCode": "InvalidLayerDigest", "failureReason": reason})
        elif layer := find_layer(repository, digest):
            layers.append(
                {
                    "layerDigest": digest,
                    "layerAvailability": "AVAILABLE",
                    "layerSize": layer.size_bytes,
                    "mediaType": LAYER_MEDIA_TYPE,
                }
            )
        else:
            layers.append({"layerDigest": digest, "layerAvailability": "UNAVAILABLE", "layerSize": 0})
    return {"layers": layers, "failures": failures}


@ecr.operation
def get_download_url_for_layer(
    context: Context, request: shapes.GetDownloadUrlForLayerRequest
) -> shapes.GetDownloadUrlForLayerResponse:
    """A URL at the endpoint that was asked, good for an hour and for anybody."""
    repository, digest = requested_repository(context, request), request["layerDigest"]
    layer = find_layer(repository, digest)
    if layer is None:
        raise shapes.LayersNotFoundException(
            f"The layer with digest '{digest}' does not exist in the repository with name '{repository.name}' in the "
            f"registry with id '{repository.account_id}'"
        )
    return {"downloadUrl": context.endpoint + download_path(layer, context.clock.now()), "layerDigest": digest}


@ecr.operation
def initiate_layer_upload(
    context: Context, request: shapes.InitiateLayerUploadRequest
) -> shapes.InitiateLayerUploadResponse:
    """Open an upload."""
    repository = requested_repository(context, request)
    collect_if_due(context.clock.now())
    upload = begin_upload(repository, context.clock.now())
    return {"uploadId": str(upload.upload_id), "partSize": PART_BYTES}


@ecr.operation
def upload_layer_part(context: Context, request: shapes.UploadLayerPartRequest) -> shapes.UploadLayerPartResponse:
    """Add the next part."""
    repository = requested_repository(context, request)
    upload = _find(repository, request["uploadId"])
    first, last, part = request["partFirstByte"], request["partLastByte"], request["layerPartBlob"]
    with _open(repository, upload) as file:
        if first != file.size or last - first + 1 != len(part):
            raise shapes.InvalidLayerPartException(
                f"The layer part upload for upload id '{upload.upload_id}' must begin at byte {file.size} and be as "
                f"long as its range says",
                registryId=repository.account_id,
                repositoryName=repository.name,
                uploadId=str(upload.upload_id),
                lastValidByteReceived=file.size - 1,
            )
        file.write(part)
    touch_upload(upload, context.clock.now())
    return {
        "registryId": repository.account_id,
        "repositoryName": repository.name,
        "uploadId": str(upload.upload_id),
        "lastByteReceived": last,
    }


@ecr.operation
def complete_layer_upload(
    context: Context, request: shapes.CompleteLayerUploadRequest
) -> shapes.CompleteLayerUploadResponse:
    """Finish an upload whose digest is the one said."""
    repository = requested_repository(context, request)
    upload = _find(repository, request["uploadId"])
    digest = request["layerDigests"][0]
    if upload_size(upload) == 0:
        raise shapes.EmptyUploadException(f"The upload with id '{upload.upload_id}' does not contain any layer parts")
    if find_layer(repository, digest):
        raise shapes.LayerAlreadyExistsException(
            f"Layer with digest '{digest}' already exists in the repository with name '{repository.name}' in "
            f"registry with id '{repository.account_id}'"
        )
    with _open(repository, upload) as file:
        layer = finish_upload(upload, file, digest, context.clock.now())
    if layer is None:
        raise shapes.InvalidLayerException(
            "The layer digest calculation performed by Amazon ECR upon receipt of the image layer does not match the "
            "digest specified"
        )
    return {
        "registryId": repository.account_id,
        "repositoryName": repository.name,
        "uploadId": request["uploadId"],
        "layerDigest": layer.digest,
    }


def _find(repository: Repository, upload_id: str) -> LayerUpload:
    upload = find_upload(repository, upload_id)
    if upload is None:
        raise shapes.UploadNotFoundException(
            f"The upload with id '{upload_id}' could not be found in the repository with name '{repository.name}' in "
            f"registry with id '{repository.account_id}'"
        )
    return upload


def _open(repository: Repository, upload: LayerUpload) -> UploadFile:
    try:
        return UploadFile(upload.upload_id)
    except UploadBusy:
        raise shapes.InvalidLayerPartException(
            f"Another part of the upload with id '{upload.upload_id}' is being written",
            registryId=repository.account_id,
            repositoryName=repository.name,
            uploadId=str(upload.upload_id),
        ) from None
