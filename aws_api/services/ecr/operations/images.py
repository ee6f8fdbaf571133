"""Images."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list, page_of_rows
from aws_api.services.ecr import shapes
from aws_api.services.ecr.describe import describe_image, describe_pushed_image, describe_referrer
from aws_api.services.ecr.images import find_image, lists_with, put_manifest
from aws_api.services.ecr.manifests import BadManifest, read_manifest
from aws_api.services.ecr.models import Image, Repository
from aws_api.services.ecr.names import is_digest
from aws_api.services.ecr.operations.repositories import bad_token
from aws_api.services.ecr.pull_times import record_pull
from aws_api.services.ecr.repositories import requested_repository
from aws_api.services.ecr.service import ecr

DEFAULT_PAGE = 100


@ecr.operation
def put_image(context: Context, request: shapes.PutImageRequest) -> shapes.PutImageResponse:
    """Store a manifest whose layers are there, and tag it."""
    repository, tag = requested_repository(context, request), request.get("imageTag")
    try:
        manifest = read_manifest(request["imageManifest"].encode(), request.get("imageManifestMediaType") or "")
    except BadManifest as error:
        raise shapes.InvalidParameterException(
            f"Invalid parameter at 'ImageManifest' failed to satisfy constraint: '{error}'"
        ) from error
    if request.get("imageDigest", manifest.digest) != manifest.digest:
        raise shapes.ImageDigestDoesNotMatchException(
            f"The specified image digest '{request['imageDigest']}' does not match the digest '{manifest.digest}' of "
            f"the image manifest"
        )
    _refuse_what_is_there(repository, manifest.digest, tag)
    image = put_manifest(repository, manifest, tag, context.clock.now())
    return {"image": describe_pushed_image(image, tag)}


@ecr.operation
def list_images(context: Context, request: shapes.ListImagesRequest) -> shapes.ListImagesResponse:
    """Image ids: one for each tag, and one for each image without."""
    images = filtered_images(requested_repository(context, request), request.get("filter"))
    pairs = images.order_by("digest", "image_tags__name").values_list("digest", "image_tags__name")
    page, token = page_of_list(
        list(pairs),
        token=request.get("nextToken"),
        limit=request.get("maxResults") or DEFAULT_PAGE,
        error=bad_token,
    )
    response: shapes.ListImagesResponse = {"imageIds": [_image_id(digest, tag) for digest, tag in page]}
    if token is not None:
        response["nextToken"] = token
    return response


@ecr.operation
def describe_images(context: Context, request: shapes.DescribeImagesRequest) -> shapes.DescribeImagesResponse:
    """Images by id, or a page of all."""
    repository = requested_repository(context, request)
    if image_ids := request.get("imageIds"):
        found = {image.pk: image for image in (require_image(repository, image_id) for image_id in image_ids)}
        return {"imageDetails": [describe_image(image) for image in found.values()]}
    page, token = page_of_rows(
        filtered_images(repository, request.get("filter")).distinct().prefetch_related("image_tags"),
        by="digest",
        token=request.get("nextToken"),
        limit=request.get("maxResults") or DEFAULT_PAGE,
        error=bad_token,
    )
    response: shapes.DescribeImagesResponse = {"imageDetails": [describe_image(image) for image in page]}
    if token is not None:
        response["nextToken"] = token
    return response


@ecr.operation
def batch_get_image(context: Context, request: shapes.BatchGetImageRequest) -> shapes.BatchGetImageResponse:
    """Manifests by id; what is not there is a failure among the answers."""
    repository = requested_repository(context, request)
    images: list[shapes.Image] = []
    failures: list[shapes.ImageFailure] = []
    for image_id in request["imageIds"]:
        image = _resolve(repository, image_id)
        if not isinstance(image, Image):
            failures.append(image)
        else:
            record_pull(image, context.clock.now(), context.principal.arn)
            images.append(describe_pushed_image(image, image_id.get("imageTag")))
    return {"images": images, "failures": failures}


@ecr.operation
def batch_delete_image(context: Context, request: shapes.BatchDeleteImageRequest) -> shapes.BatchDeleteImageResponse:
    """Delete tags, and images by digest or with their last tag."""
    repository = requested_repository(context, request)
    deleted: list[shapes.ImageIdentifier] = []
    failures: list[shapes.ImageFailure] = []
    for image_id in request["imageIds"]:
        image = _resolve(repository, image_id)
        if not isinstance(image, Image):
            failures.append(image)
            continue
        tag = image_id.get("imageTag")
        tags = sorted(image.image_tags.values_list("name", flat=True))
        is_whole = tag is None or tags == [tag]
        if is_whole and (lists := lists_with(image)):
            reason = f"Requested image referenced by manifest list: [{', '.join(lists)}]"
            failures.append(_failure(image_id, "ImageReferencedByManifestList", reason))
        elif is_whole:
            deleted += [_image_id(image.digest, name) for name in tags] or [_image_id(image.digest, None)]
            image.delete()
        else:
            deleted.append(_image_id(image.digest, tag))
            image.image_tags.filter(name=tag).delete()
    return {"imageIds": deleted, "failures": failures}


@ecr.operation
def list_image_referrers(context: Context, request: shapes.ListImageReferrersRequest) -> Any:
    """The artifacts whose subject is an image: signatures, bills of materials."""
    repository = requested_repository(context, request)
    wanted = request.get("filter") or {}
    images = repository.images.filter(subject=request["subjectId"]["imageDigest"])
    if types := wanted.get("artifactTypes"):
        images = images.filter(artifact_type__in=types)
    if wanted.get("artifactStatus", "ACTIVE") not in ("ACTIVE", "ANY"):
        images = images.none()
    page, token = page_of_rows(
        images,
        by="digest",
        token=request.get("nextToken"),
        limit=request.get("maxResults") or DEFAULT_PAGE,
        error=bad_token,
    )
    referrers = [{**describe_referrer(image), "artifactStatus": "ACTIVE"} for image in page]
    return {"referrers": referrers, **({"nextToken": token} if token else {})}


def _refuse_what_is_there(repository: Repository, digest: str, tag: str | None) -> None:
    there = repository.images.filter(digest=digest)
    if tag is not None:
        there = there.filter(image_tags__name=tag)
    if there.exists():
        and_tag = f" and tag '{tag}'" if tag is not None else ""
        raise shapes.ImageAlreadyExistsException(
            f"Image with digest '{digest}'{and_tag} already exists in the repository with name '{repository.name}' "
            f"in registry with id '{repository.account_id}'"
        )


def filtered_images(repository: Repository, wanted: Mapping[str, Any] | None) -> QuerySet[Image]:
    """The images with the tag status that a filter wants."""
    images = repository.images.select_related("repository")
    status = (wanted or {}).get("tagStatus")
    if status in ("TAGGED", "UNTAGGED"):
        return images.filter(Q(image_tags=None) if status == "UNTAGGED" else ~Q(image_tags=None))
    return images


def _resolve(repository: Repository, image_id: shapes.ImageIdentifier) -> Image | shapes.ImageFailure:
    """The image of an id, or what is wrong with the id."""
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    reference = digest or tag
    if reference is None:
        reason = "Invalid request parameters: both tag and digest cannot be null"
        return _failure(image_id, "MissingDigestAndTag", reason)
    if digest is not None and not is_digest(digest):
        reason = f"Invalid image digest: {digest}"
        return _failure(image_id, "InvalidImageDigest", reason)
    image = find_image(repository, reference)
    if image is None:
        return _failure(image_id, "ImageNotFound", "Requested image not found")
    if digest and tag and not image.image_tags.filter(name=tag).exists():
        return _failure(image_id, "ImageTagDoesNotMatchDigest", "The image tag does not match the image digest")
    return image


def require_image(repository: Repository, image_id: shapes.ImageIdentifier) -> Image:
    """The image of an id. Raises ImageNotFoundException."""
    image = _resolve(repository, image_id)
    if not isinstance(image, Image):
        digest, tag = image_id.get("imageDigest", "null"), image_id.get("imageTag", "null")
        raise shapes.ImageNotFoundException(
            f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist within the "
            f"repository with name '{repository.name}' in the registry with id '{repository.account_id}'"
        )
    return image


def _failure(image_id: shapes.ImageIdentifier, code: Any, reason: str) -> shapes.ImageFailure:
    return {"imageId": image_id, "failureCode": code, "failureReason": reason}


def _image_id(digest: str, tag: str | None) -> shapes.ImageIdentifier:
    return {"imageDigest": digest} if tag is None else {"imageDigest": digest, "imageTag": tag}
