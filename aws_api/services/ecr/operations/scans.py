"""Scans of images: there are none, and every answer says so."""

from typing import Any

from aws_api.core.context import Context
from aws_api.services.ecr import shapes
from aws_api.services.ecr.describe import NOT_SCANNED
from aws_api.services.ecr.models import Repository
from aws_api.services.ecr.operations.images import require_image
from aws_api.services.ecr.repositories import requested_repository
from aws_api.services.ecr.service import ecr


@ecr.operation
def start_image_scan(context: Context, request: shapes.StartImageScanRequest) -> Any:
    """Answer that images are not scanned."""
    return _unscanned(requested_repository(context, request), request["imageId"])


@ecr.operation
def describe_image_scan_findings(context: Context, request: shapes.DescribeImageScanFindingsRequest) -> Any:
    """Answer that images are not scanned."""
    return _unscanned(requested_repository(context, request), request["imageId"])


@ecr.operation
def batch_get_repository_scanning_configuration(
    context: Context, request: shapes.BatchGetRepositoryScanningConfigurationRequest
) -> Any:
    """What each repository asked for."""
    found, failures = [], []
    for name in request["repositoryNames"]:
        try:
            repository = requested_repository(context, {"repositoryName": name})
        except shapes.RepositoryNotFoundException as error:
            failure = {"repositoryName": name, "failureCode": "REPOSITORY_NOT_FOUND", "failureReason": error.message}
            failures.append(failure)
            continue
        on_push = bool((repository.document.get("imageScanningConfiguration") or {}).get("scanOnPush"))
        found.append(
            {
                "repositoryArn": repository.arn,
                "repositoryName": name,
                "scanOnPush": on_push,
                "scanFrequency": "SCAN_ON_PUSH" if on_push else "MANUAL",
                "appliedScanFilters": [],
            }
        )
    return {"scanningConfigurations": found, "failures": failures}


def _unscanned(repository: Repository, image_id: shapes.ImageIdentifier) -> Any:
    image = require_image(repository, image_id)
    return {
        "registryId": repository.account_id,
        "repositoryName": repository.name,
        "imageId": {**image_id, "imageDigest": image.digest},
        "imageScanStatus": NOT_SCANNED,
    }
