"""What CloudWatch Logs' operations need: the action on the log group or stream.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.authorization import register_resource_tags
from aws_api.core.context import Context
from aws_api.core.database import fetch_row
from aws_api.core.service import Access
from aws_api.services.logs.service import logs

#: Tags are the group's own; everything else is about its streams, with a resource that ends in one's name or in none.
_ON_GROUP_ITSELF = frozenset(
    {"logs:ListTagsForResource", "logs:ListTagsLogGroup", "logs:TagLogGroup", "logs:TagResource"}
    | {"logs:UntagLogGroup", "logs:UntagResource"}
)
_TAGS = "SELECT tags FROM logs_loggroup WHERE account_id = $1 AND region = $2 AND name = $3"


@logs.access
def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    name = request.get("logGroupName")
    if name is None:
        identifier = str(request.get("logGroupIdentifier") or request.get("resourceArn") or "")
        if identifier.startswith("arn:"):
            name = identifier.removesuffix(":*").partition(":log-group:")[2]
        else:
            name = identifier
    if action == "logs:DescribeLogGroups":
        name = ""
    arn = f"arn:aws:logs:{context.region}:{context.account_id}:log-group:{name}"
    if action in _ON_GROUP_ITSELF:
        return ((action, arn),)
    return ((action, f"{arn}:log-stream:{request.get('logStreamName') or ''}"),)


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    """A log group's tags, which are its streams' as well."""
    _, _, _, region, account_id, resource = arn.split(":", 5)
    name = resource.removeprefix("log-group:").partition(":")[0]
    row = await fetch_row(_TAGS, account_id, region, name)
    return row["tags"] if row else {}


register_resource_tags("logs", _tags)
