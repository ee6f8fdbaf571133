"""What the operations of DynamoDB Streams need: the action on the stream.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.service import Access
from aws_api.services.dynamodbstreams.service import dynamodbstreams


@dynamodbstreams.access
def needed(_context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call; a shard iterator begins with its stream's ARN."""
    arn = request.get("StreamArn") or str(request.get("ShardIterator", "")).partition("|")[0]
    return ((action, arn or "*"),)
