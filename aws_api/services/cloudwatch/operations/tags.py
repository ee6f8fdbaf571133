"""Tags of alarms."""

from aws_api.core.context import Context
from aws_api.core.tags import tags_from_list, tags_to_list
from aws_api.services.cloudwatch.models import Alarm
from aws_api.services.cloudwatch.service import cloudwatch
from aws_api.services.cloudwatch.shapes import (
    InvalidParameterValueException,
    ListTagsForResourceInput,
    ListTagsForResourceOutput,
    ResourceNotFoundException,
    TagResourceInput,
    UntagResourceInput,
)

MAX_TAGS = 50


@cloudwatch.operation
def list_tags_for_resource(context: Context, request: ListTagsForResourceInput) -> ListTagsForResourceOutput:
    """An alarm's tags."""
    return {"Tags": tags_to_list(_find(context, request["ResourceARN"]).tags)}  # type: ignore[typeddict-item]


@cloudwatch.operation
def tag_resource(context: Context, request: TagResourceInput) -> None:
    """Add tags to an alarm, or replace their values."""
    row = _find(context, request["ResourceARN"])
    row.tags = {**row.tags, **tags_from_list(request["Tags"])}
    if len(row.tags) > MAX_TAGS:
        raise InvalidParameterValueException(f"A resource can have at most {MAX_TAGS} tags.")
    row.save(update_fields=["tags"])


@cloudwatch.operation
def untag_resource(context: Context, request: UntagResourceInput) -> None:
    """Take tags away from an alarm."""
    row = _find(context, request["ResourceARN"])
    row.tags = {key: value for key, value in row.tags.items() if key not in request["TagKeys"]}
    row.save(update_fields=["tags"])


def _find(context: Context, arn: str) -> Alarm:
    rows = Alarm.objects.select_for_update().filter(account_id=context.account_id, region=context.region, arn=arn)
    row = rows.first()
    if row is None:
        raise ResourceNotFoundException("The specified resource does not exist")
    return row
