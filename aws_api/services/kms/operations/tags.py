"""TagResource, UntagResource, ListResourceTags."""

from aws_api.core.context import Context
from aws_api.core.tags import tags_to_list
from aws_api.services.kms.access import on_key
from aws_api.services.kms.keys import find_customer_row, find_row
from aws_api.services.kms.listing import page_of_items
from aws_api.services.kms.service import kms
from aws_api.services.kms.shapes import (
    ListResourceTagsRequest,
    ListResourceTagsResponse,
    TagResourceRequest,
    UntagResourceRequest,
)
from aws_api.services.kms.tagging import check_tags


@kms.operation(access=on_key("kms:TagResource"))
def tag_resource(context: Context, request: TagResourceRequest) -> None:
    """Add tags to a key, or replace their values."""
    row = find_customer_row(context, request["KeyId"], operation="TagResource")
    row.tags = check_tags(row.tags, request["Tags"])
    row.save(update_fields=["tags"])


@kms.operation(access=on_key("kms:UntagResource"))
def untag_resource(context: Context, request: UntagResourceRequest) -> None:
    """Remove tags from a key; those that it has not are passed over."""
    row = find_customer_row(context, request["KeyId"], operation="UntagResource")
    row.tags = {key: value for key, value in row.tags.items() if key not in request["TagKeys"]}
    row.save(update_fields=["tags"])


@kms.operation(access=on_key("kms:ListResourceTags"))
def list_resource_tags(context: Context, request: ListResourceTagsRequest) -> ListResourceTagsResponse:
    """A key's tags."""
    row = find_row(context, request["KeyId"], allows_alias=False)
    tags, end = page_of_items(tags_to_list(row.tags, key="TagKey", value="TagValue"), request=request, default_limit=50)
    return {"Tags": tags, **end}  # type: ignore[typeddict-item]
