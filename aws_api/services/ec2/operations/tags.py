"""Tags of any resource. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html"""

from collections.abc import Iterator
from typing import cast

from aws_api.core.context import Context
from aws_api.services.ec2 import shapes
from aws_api.services.ec2.errors import InvalidID
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed_shapes
from aws_api.services.ec2.models import Ec2Resource, VpcPeeringConnection, ec2_resources, model_of
from aws_api.services.ec2.peerings import visible_peerings
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import find, rows_of
from aws_api.services.ec2.tagging import check_count, checked_tags

FILTERS = FilterTable({"key": "Key", "resource-id": "ResourceId", "resource-type": "ResourceType", "value": "Value"})


@operation
def create_tags(context: Context, request: shapes.CreateTagsRequest) -> None:
    """Set tags on resources; other tags stay."""
    tags = checked_tags(request["Tags"])
    for resource in _tagged(context, request["Resources"]):
        merged = {**getattr(resource, _tags_column(context, resource)), **tags}
        check_count(merged)
        _write(context, resource, merged)


@operation
def delete_tags(context: Context, request: shapes.DeleteTagsRequest) -> None:
    """Take tags from resources: those of a key, or of a key and a value; without any named, all."""
    named = request.get("Tags")
    for resource in _tagged(context, request["Resources"]):
        left = {}
        if named is not None:
            left = {
                key: value
                for key, value in getattr(resource, _tags_column(context, resource)).items()
                if not any(tag.get("Key") == key and tag.get("Value") in (None, value) for tag in named)
            }
        _write(context, resource, left)


@operation
def describe_tags(context: Context, request: shapes.DescribeTagsRequest) -> shapes.DescribeTagsResult:
    """List tags of all resources."""
    tags, next_token = listed_shapes(request, _all_tags(context), filters=FILTERS)
    return {"Tags": tags, **next_token}


def _tagged(context: Context, resource_ids: list[str]) -> Iterator[Ec2Resource]:
    # In one order everywhere, so that two callers who tag the same resources cannot wait for each other.
    for resource_id in sorted(set(resource_ids)):
        model = model_of(resource_id)
        if model is None:
            raise InvalidID(f"The ID '{resource_id}' is not valid")
        yield _find(model, context, resource_id)


def _find(model: type[Ec2Resource], context: Context, resource_id: str) -> Ec2Resource:
    if model is VpcPeeringConnection:
        accepted = visible_peerings(context).filter(resource_id=resource_id).select_for_update(of=("self",)).first()
        if accepted is not None:
            return accepted
    return find(model, context, resource_id, locked=True)


def _tags_column(context: Context, resource: Ec2Resource) -> str:
    """Each side of a peering connection has tags of its own."""
    is_own = (resource.account_id, resource.region) == (context.account_id, context.region)
    return "tags" if is_own else "accepter_tags"


def _write(context: Context, resource: Ec2Resource, tags: dict[str, str]) -> None:
    type(resource)._default_manager.filter(pk=resource.pk).update(**{_tags_column(context, resource): tags})


def _all_tags(context: Context) -> Iterator[shapes.TagDescription]:
    for model in ec2_resources():
        rows = rows_of(model, context).exclude(tags={}).order_by("pk")
        for resource_id, tags in rows.values_list("resource_id", "tags"):
            for key in sorted(tags):
                yield {
                    "Key": key,
                    "Value": tags[key],
                    "ResourceId": resource_id,
                    "ResourceType": cast(shapes.ResourceType, model.kind.name),
                }
