"""What SQS's operations need: the action on the queue; a batch needs what each of its entries would.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from aws_api.core.context import Context
from aws_api.core.service import Access
from aws_api.services.sqs.service import sqs


@sqs.access
def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    return ((action.removesuffix("Batch"), _resource(context, request)),)


def _resource(context: Context, request: Mapping[str, Any]) -> str:
    if url := request.get("QueueUrl"):
        return _arn_of_url(url, context.region)
    if name := request.get("QueueName"):
        account_id = request.get("QueueOwnerAWSAccountId") or context.account_id
        return f"arn:aws:sqs:{context.region}:{account_id}:{name}"
    return str(request.get("SourceArn") or "*")


@lru_cache(maxsize=4096)
def _arn_of_url(url: str, region: str) -> str:
    """Any host is taken, as by the operations; a URL that names no queue is theirs to refuse."""
    account_id, _, name = urlsplit(url).path.strip("/").rpartition("/")
    account_id = account_id.rpartition("/")[2]
    return f"arn:aws:sqs:{region}:{account_id}:{name}" if name and account_id else "*"
