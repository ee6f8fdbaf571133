"""Tags of hosted zones and health checks."""

from typing import Any

from aws_api.core.context import Context
from aws_api.core.tags import tags_from_list, tags_to_list
from aws_api.services.route53.models import HealthCheck, HostedZone
from aws_api.services.route53.service import route53
from aws_api.services.route53.shapes import (
    ChangeTagsForResourceRequest,
    InvalidInput,
    ListTagsForResourceRequest,
    ListTagsForResourcesRequest,
)
from aws_api.services.route53.tagging import MAX_TAGS, find_tagged
from aws_api.services.route53.zones import bare_id

Shape = dict[str, Any]


@route53.operation
def change_tags_for_resource(context: Context, request: ChangeTagsForResourceRequest) -> Shape:
    """Add and remove tags."""
    if not request.get("AddTags") and not request.get("RemoveTagKeys"):
        raise InvalidInput("At least one of AddTags and RemoveTagKeys must be specified.")
    row = find_tagged(context, request["ResourceType"], request["ResourceId"])
    removed = request.get("RemoveTagKeys", ())
    tags = {key: value for key, value in row.tags.items() if key not in removed}
    tags |= tags_from_list(request.get("AddTags"))
    if len(tags) > MAX_TAGS:
        raise InvalidInput(f"A resource cannot have more than {MAX_TAGS} tags.")
    row.tags = tags
    row.save(update_fields=["tags"])
    return {}


@route53.operation
def list_tags_for_resource(context: Context, request: ListTagsForResourceRequest) -> Shape:
    """The tags of one resource."""
    kind = request["ResourceType"]
    return {"ResourceTagSet": _tag_set(kind, find_tagged(context, kind, request["ResourceId"]))}


@route53.operation
def list_tags_for_resources(context: Context, request: ListTagsForResourcesRequest) -> Shape:
    """The tags of up to ten resources."""
    kind = request["ResourceType"]
    rows = [find_tagged(context, kind, bare_id(resource_id)) for resource_id in request["ResourceIds"]]
    return {"ResourceTagSets": [_tag_set(kind, row) for row in rows]}


def _tag_set(kind: str, row: HostedZone | HealthCheck) -> Shape:
    return {"ResourceType": kind, "ResourceId": str(row), "Tags": tags_to_list(row.tags)}
