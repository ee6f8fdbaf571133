"""Tags of repositories."""

from aws_api.core.arns import Arn
from aws_api.core.context import Context
from aws_api.core.tags import tags_to_list
from aws_api.services.ecr import shapes
from aws_api.services.ecr.models import Repository
from aws_api.services.ecr.repositories import requested_repository
from aws_api.services.ecr.service import ecr
from aws_api.services.ecr.tagging import with_tags


@ecr.operation
def tag_resource(context: Context, request: shapes.TagResourceRequest) -> shapes.TagResourceResponse:
    """Add or overwrite tags."""
    repository = _find(context, request["resourceArn"])
    repository.tags = with_tags(repository.tags, request["tags"])
    repository.save(update_fields=["tags"])
    return {}


@ecr.operation
def untag_resource(context: Context, request: shapes.UntagResourceRequest) -> shapes.UntagResourceResponse:
    """Remove tags."""
    repository = _find(context, request["resourceArn"])
    repository.tags = {key: value for key, value in repository.tags.items() if key not in request["tagKeys"]}
    repository.save(update_fields=["tags"])
    return {}


@ecr.operation
def list_tags_for_resource(
    context: Context, request: shapes.ListTagsForResourceRequest
) -> shapes.ListTagsForResourceResponse:
    """A repository's tags."""
    tags = tags_to_list(_find(context, request["resourceArn"]).tags)
    return {"tags": [{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags]}


def _find(context: Context, arn: str) -> Repository:
    invalid = shapes.InvalidParameterException(
        "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'"
    )
    try:
        parsed = Arn.parse(arn)
    except ValueError:
        raise invalid from None
    kind, _, name = parsed.resource.partition("/")
    if parsed.service != "ecr" or kind != "repository" or parsed.region != context.region:
        raise invalid
    return requested_repository(context, {"registryId": parsed.account_id, "repositoryName": name})
