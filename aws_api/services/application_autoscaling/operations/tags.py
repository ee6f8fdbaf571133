"""Tags of scalable targets."""

from typing import Any

from aws_api.core.context import Context
from aws_api.services.application_autoscaling.models import ScalableTarget
from aws_api.services.application_autoscaling.service import application_autoscaling
from aws_api.services.application_autoscaling.shapes import (
    ListTagsForResourceRequest,
    ResourceNotFoundException,
    TagResourceRequest,
    TooManyTagsException,
    UntagResourceRequest,
)

MAX_TAGS = 50

Shape = dict[str, Any]


@application_autoscaling.operation
def list_tags_for_resource(context: Context, request: ListTagsForResourceRequest) -> Shape:
    """A target's tags."""
    return {"Tags": _find(context, request["ResourceARN"]).tags}


@application_autoscaling.operation
def tag_resource(context: Context, request: TagResourceRequest) -> Shape:
    """Add tags to a target, or replace their values."""
    row = _find(context, request["ResourceARN"])
    row.tags = {**row.tags, **request["Tags"]}
    if len(row.tags) > MAX_TAGS:
        raise TooManyTagsException(f"A resource can have at most {MAX_TAGS} tags.")
    row.save(update_fields=["tags"])
    return {}


@application_autoscaling.operation
def untag_resource(context: Context, request: UntagResourceRequest) -> Shape:
    """Take tags away from a target."""
    row = _find(context, request["ResourceARN"])
    row.tags = {key: value for key, value in row.tags.items() if key not in request["TagKeys"]}
    row.save(update_fields=["tags"])
    return {}


def _find(context: Context, arn: str) -> ScalableTarget:
    rows = ScalableTarget.objects.select_for_update().filter(
        account_id=context.account_id, region=context.region, arn=arn
    )
    row = rows.first()
    if row is None:
        raise ResourceNotFoundException(f"The specified resource doesn't exist: {arn}")
    return row
