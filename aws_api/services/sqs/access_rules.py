"""What SQS's operations need: the action on the queue; a batch needs what each of its entries would.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
"""

from collections.abc import Awaitable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from aws_api.core.context import Context
from aws_api.core.service import Access
from aws_api.services.sqs.queues import find_queue_by_key, key_of_arn
from aws_api.services.sqs.service import sqs
from aws_api.services.sqs.shapes import QueueDoesNotExist

#: What a queue's policy gives to its own account alone.
#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-customer-managed-policy-examples.html
_OWN_ACCOUNT_ALONE = frozenset(
    {
        "sqs:AddPermission",
        "sqs:CancelMessageMoveTask",
        "sqs:CreateQueue",
        "sqs:DeleteQueue",
        "sqs:ListMessageMoveTasks",
        "sqs:ListQueueTags",
        "sqs:ListQueues",
        "sqs:RemovePermission",
        "sqs:SetQueueAttributes",
        "sqs:StartMessageMoveTask",
        "sqs:TagQueue",
        "sqs:UntagQueue",
    }
)


@sqs.access
def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access] | Awaitable[Iterable[Access]]:
    """The permissions of a call."""
    access = (action.removesuffix("Batch"), _resource(context, request))
    return (access,) if context.account_id == context.principal.account_id else _on_anothers_queue(access)


async def _on_anothers_queue(access: tuple[str, str]) -> Iterable[Access]:
    """SQS tells everybody whether a queue is there before it tells who may use it. Raises QueueDoesNotExist."""
    key = key_of_arn(access[1])
    if key and await find_queue_by_key(key) is None:
        raise QueueDoesNotExist("The specified queue does not exist.")
    return (access,)


@sqs.owner
def owner(context: Context, action: str, request: Mapping[str, Any]) -> str:
    """Whose queue a call names, where its policy may let other accounts in."""
    if action in _OWN_ACCOUNT_ALONE:
        return context.account_id
    if url := request.get("QueueUrl"):
        return _account_of_url(url) or context.account_id
    return request.get("QueueOwnerAWSAccountId") or context.account_id


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
    account_id, name = _account_and_name(url)
    return f"arn:aws:sqs:{region}:{account_id}:{name}" if name and account_id else "*"


@lru_cache(maxsize=4096)
def _account_of_url(url: str) -> str:
    """Empty where there is none."""
    account_id, name = _account_and_name(url)
    return account_id if name and account_id.isdigit() else ""


def _account_and_name(url: str) -> tuple[str, str]:
    account, _, name = urlsplit(url).path.strip("/").rpartition("/")
    return account.rpartition("/")[2], name
