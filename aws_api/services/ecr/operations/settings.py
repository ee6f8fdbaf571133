"""What a repository does with pushed images."""

from aws_api.core.context import Context
from aws_api.services.ecr import shapes
from aws_api.services.ecr.models import TagMutability
from aws_api.services.ecr.repositories import requested_repository
from aws_api.services.ecr.service import ecr


@ecr.operation
def put_image_tag_mutability(
    context: Context, request: shapes.PutImageTagMutabilityRequest
) -> shapes.PutImageTagMutabilityResponse:
    """Say whether a tag may move to another image."""
    repository = requested_repository(context, request)
    repository.tag_mutability = TagMutability(request["imageTagMutability"])
    filters = request.get("imageTagMutabilityExclusionFilters") or []
    repository.document["imageTagMutabilityExclusionFilters"] = filters
    repository.save(update_fields=["tag_mutability", "document"])
    response: shapes.PutImageTagMutabilityResponse = {
        "registryId": repository.account_id,
        "repositoryName": repository.name,
        "imageTagMutability": request["imageTagMutability"],
    }
    if filters:
        response["imageTagMutabilityExclusionFilters"] = filters
    return response


@ecr.operation
def put_image_scanning_configuration(
    context: Context, request: shapes.PutImageScanningConfigurationRequest
) -> shapes.PutImageScanningConfigurationResponse:
    """Say whether images should be scanned; none is."""
    repository = requested_repository(context, request)
    configuration = request["imageScanningConfiguration"]
    repository.document["imageScanningConfiguration"] = configuration
    repository.save(update_fields=["document"])
    return {
        "registryId": repository.account_id,
        "repositoryName": repository.name,
        "imageScanningConfiguration": configuration,
    }
