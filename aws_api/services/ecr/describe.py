"""Rows of ECR as AWS's shapes."""

from typing import Any

from aws_api.services.ecr.manifests import read_manifest
from aws_api.services.ecr.models import Image, Repository
from aws_api.services.ecr.names import RepositoryName
from aws_api.services.ecr.registry import registry

#: ECR's own word for an image that it cannot scan.
NOT_SCANNED = {"status": "UNSUPPORTED_IMAGE", "description": "NOT_SUPPORTED: Simfra scans no images."}


def describe_repository(repository: Repository) -> Any:
    """Repository. Its URI is the spelling that docker push understands on this machine."""
    document = repository.document
    name = RepositoryName(account_id=repository.account_id, region=repository.region, name=repository.name)
    shape = {
        "repositoryArn": repository.arn,
        "registryId": repository.account_id,
        "repositoryName": repository.name,
        "repositoryUri": registry().uri(name),
        "createdAt": repository.created_at,
        "imageTagMutability": repository.tag_mutability,
        "imageScanningConfiguration": document.get("imageScanningConfiguration") or {"scanOnPush": False},
        "encryptionConfiguration": document.get("encryptionConfiguration") or {"encryptionType": "AES256"},
    }
    if filters := document.get("imageTagMutabilityExclusionFilters"):
        shape["imageTagMutabilityExclusionFilters"] = filters
    return shape


def describe_image(image: Image) -> Any:
    """ImageDetail. Lists of manifests have no size."""
    shape = {
        "registryId": image.repository.account_id,
        "repositoryName": image.repository.name,
        "imageDigest": image.digest,
        "imagePushedAt": image.pushed_at,
        "imageManifestMediaType": image.media_type,
        "imageStatus": "ACTIVE",
    }
    if tags := sorted(tag.name for tag in image.image_tags.all()):
        shape["imageTags"] = tags
    if image.blobs:
        shape["imageSizeInBytes"] = image.size_bytes
    if image.artifact_type:
        shape["artifactMediaType"] = image.artifact_type
    if image.subject:
        shape["subjectManifestDigest"] = image.subject
    if (image.repository.document.get("imageScanningConfiguration") or {}).get("scanOnPush"):
        shape["imageScanStatus"] = NOT_SCANNED
    if image.pulled_at is not None:
        shape["lastRecordedPullTime"] = image.pulled_at
    return shape


def describe_pushed_image(image: Image, tag: str | None) -> Any:
    """Image: a manifest and the name under which it was asked for."""
    image_id = {"imageDigest": image.digest}
    if tag is not None:
        image_id["imageTag"] = tag
    return {
        "registryId": image.repository.account_id,
        "repositoryName": image.repository.name,
        "imageId": image_id,
        "imageManifest": bytes(image.body).decode(),
        "imageManifestMediaType": image.media_type,
    }


def describe_referrer(image: Image) -> dict[str, object]:
    """A manifest that refers to another, as an index lists it."""
    body = bytes(image.body)
    descriptor: dict[str, object] = {
        "mediaType": image.media_type,
        "digest": image.digest,
        "size": len(body),
        "artifactType": image.artifact_type,
    }
    if annotations := read_manifest(body, image.media_type).annotations:
        descriptor["annotations"] = annotations
    return descriptor
