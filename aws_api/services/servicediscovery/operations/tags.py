"""Tags of namespaces and services."""

from typing import Any

from aws_api.core.context import Context
from aws_api.core.tags import tags_from_list, tags_to_list
from aws_api.services.servicediscovery.service import servicediscovery
from aws_api.services.servicediscovery.shapes import (
    ListTagsForResourceRequest,
    TagResourceRequest,
    UntagResourceRequest,
)
from aws_api.services.servicediscovery.tagging import check_count, find_tagged

Shape = dict[str, Any]


@servicediscovery.operation
def tag_resource(context: Context, request: TagResourceRequest) -> Shape:
    """Add and change tags."""
    row = find_tagged(context, request["ResourceARN"])
    row.tags = {**row.tags, **tags_from_list(request["Tags"])}
    check_count(row.tags, request["ResourceARN"])
    row.save(update_fields=["tags"])
    return {}


@servicediscovery.operation
def untag_resource(context: Context, request: UntagResourceRequest) -> Shape:
    """Take tags away."""
    row = find_tagged(context, request["ResourceARN"])
    row.tags = {key: value for key, value in row.tags.items() if key not in request["TagKeys"]}
    row.save(update_fields=["tags"])
    return {}


@servicediscovery.operation
def list_tags_for_resource(context: Context, request: ListTagsForResourceRequest) -> Shape:
    """The tags of a resource."""
    return {"Tags": tags_to_list(find_tagged(context, request["ResourceARN"]).tags)}
