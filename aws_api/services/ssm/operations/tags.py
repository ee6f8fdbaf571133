"""AddTagsToResource, RemoveTagsFromResource, ListTagsForResource."""

from aws_api.core.context import Context
from aws_api.core.tags import tags_from_list, tags_to_list
from aws_api.services.ssm.access import on_parameter
from aws_api.services.ssm.models import Parameter
from aws_api.services.ssm.parameters import parameter_row
from aws_api.services.ssm.service import ssm
from aws_api.services.ssm.shapes import (
    AddTagsToResourceRequest,
    AddTagsToResourceResult,
    InvalidResourceId,
    ListTagsForResourceRequest,
    ListTagsForResourceResult,
    ParameterNotFound,
    RemoveTagsFromResourceRequest,
    RemoveTagsFromResourceResult,
)
from aws_api.services.ssm.tagging import check_tags


@ssm.operation(access=on_parameter("ssm:AddTagsToResource", "ResourceId"))
def add_tags_to_resource(context: Context, request: AddTagsToResourceRequest) -> AddTagsToResourceResult:
    """Add tags to a parameter, or replace their values."""
    row = _row(context, request["ResourceType"], request["ResourceId"], lock=True)
    row.tags = check_tags(row.tags, tags_from_list(request["Tags"]))
    row.save(update_fields=["tags"])
    return {}


@ssm.operation(access=on_parameter("ssm:RemoveTagsFromResource", "ResourceId"))
def remove_tags_from_resource(context: Context, request: RemoveTagsFromResourceRequest) -> RemoveTagsFromResourceResult:
    """Remove tags from a parameter; those that it has not are passed over."""
    row = _row(context, request["ResourceType"], request["ResourceId"], lock=True)
    row.tags = {key: value for key, value in row.tags.items() if key not in request["TagKeys"]}
    row.save(update_fields=["tags"])
    return {}


@ssm.operation(access=on_parameter("ssm:ListTagsForResource", "ResourceId"))
def list_tags_for_resource(context: Context, request: ListTagsForResourceRequest) -> ListTagsForResourceResult:
    """A parameter's tags."""
    row = _row(context, request["ResourceType"], request["ResourceId"])
    return {"TagList": tags_to_list(row.tags)}  # type: ignore[typeddict-item]


def _row(context: Context, resource_type: str, resource_id: str, *, lock: bool = False) -> Parameter:
    not_found = InvalidResourceId(f"The resource ID {resource_id} of type {resource_type} does not exist.")
    # There is nothing else to tag: of all Systems Manager only the Parameter Store is emulated.
    if resource_type != "Parameter":
        raise not_found
    try:
        return parameter_row(context, resource_id, lock=lock)
    except ParameterNotFound as error:
        raise not_found from error
