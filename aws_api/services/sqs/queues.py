"""Queues as hot operations know them: found by URL, kept per process, dropped when any process changes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import orjson
from django.db import transaction

from aws_api.core import database
from aws_api.core.arns import Arn
from aws_api.core.caching import MetadataCache
from aws_api.core.context import Context
from aws_api.core.errors import AccessDeniedException
from aws_api.services.sqs.errors import InvalidAddress
from aws_api.services.sqs.models import Queue
from aws_api.services.sqs.shapes import QueueDoesNotExist

#: (account id, region, name)
QueueKey = tuple[str, str, str]

_SELECT = """
    SELECT id, document FROM sqs_queue WHERE account_id = $1 AND region = $2 AND name = $3
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueSettings:
    """A queue's row with its attributes in units of use."""

    id: int
    key: QueueKey
    is_fifo: bool
    visibility_timeout_s: int
    delay_s: int
    wait_s: int
    retention_ms: int
    maximum_message_bytes: int
    deduplicates_content: bool
    deduplicates_per_group: bool
    dead_letter_key: QueueKey | None
    max_receive_count: int
    policy: str

    @property
    def arn(self) -> str:
        account_id, region, name = self.key
        return f"arn:aws:sqs:{region}:{account_id}:{name}"


def settings_of(row_id: int, key: QueueKey, attributes: Mapping[str, str]) -> QueueSettings:
    """What the attributes that were set, with AWS's defaults for the others, make of a queue."""
    redrive = orjson.loads(attributes.get("RedrivePolicy", "{}"))
    return QueueSettings(
        id=row_id,
        key=key,
        is_fifo=key[2].endswith(".fifo"),
        visibility_timeout_s=int(attributes.get("VisibilityTimeout", 30)),
        delay_s=int(attributes.get("DelaySeconds", 0)),
        wait_s=int(attributes.get("ReceiveMessageWaitTimeSeconds", 0)),
        retention_ms=int(attributes.get("MessageRetentionPeriod", 345_600)) * 1000,
        maximum_message_bytes=int(attributes.get("MaximumMessageSize", 1_048_576)),
        deduplicates_content=attributes.get("ContentBasedDeduplication") == "true",
        deduplicates_per_group=attributes.get("DeduplicationScope") == "messageGroup",
        dead_letter_key=key_of_arn(redrive["deadLetterTargetArn"]) if redrive else None,
        max_receive_count=int(redrive["maxReceiveCount"]) if redrive else 0,
        policy=attributes.get("Policy", ""),
    )


async def find_queue(context: Context, queue_url: str) -> QueueSettings:
    """The queue of a URL. Raises QueueDoesNotExist, AccessDenied for another account's, InvalidAddress."""
    key = _key_of_url(context, queue_url)
    queue = await _cache.get(key)
    if queue is None:
        raise QueueDoesNotExist("The specified queue does not exist.")
    if key[0] != context.account_id:
        raise _access_denied(queue_url)
    return queue


async def find_queue_by_key(key: QueueKey) -> QueueSettings | None:
    """The queue of a key, whosever it is."""
    return await _cache.get(key)


def queue_row(context: Context, queue_url: str, *, lock: bool = False) -> Queue:
    """The row of a URL's queue, for plain operations. Raises as ``find_queue`` does."""
    account_id, region, name = _key_of_url(context, queue_url)
    rows = Queue.objects.select_for_update() if lock else Queue.objects
    row = rows.filter(account_id=account_id, region=region, name=name).first()
    if row is None:
        raise QueueDoesNotExist("The specified queue does not exist.")
    if account_id != context.account_id:
        raise _access_denied(queue_url)
    return row


def queue_url(context: Context, account_id: str, name: str) -> str:
    """The URL that clients call the queue by: below whatever address reached us."""
    return f"{context.endpoint}/{account_id}/{name}"


def key_of_arn(arn: str) -> QueueKey | None:
    """The key of a queue's ARN; None where it is not one."""
    try:
        parts = Arn.parse(arn)
    except ValueError:
        return None
    if parts.service != "sqs" or not parts.resource:
        return None
    return parts.account_id, parts.region, parts.resource


def forget_on_commit(row: Queue) -> None:
    """Let every process read a changed queue anew, once the change is committed."""
    transaction.on_commit(partial(_cache.invalidate, (row.account_id, row.region, row.name)))


async def forget(queue: QueueSettings) -> None:
    """Let every process read a queue anew, from the event loop."""
    await _cache.invalidate_async(queue.key)


def _key_of_url(context: Context, url: str) -> QueueKey:
    # Any host is taken: inside a task, behind a proxy and on the host the same queue has different ones.
    account_id, _, name = urlsplit(url).path.strip("/").rpartition("/")
    account_id = account_id.rpartition("/")[2]
    if not name or not account_id:
        raise InvalidAddress(f"The address {url} is not valid for this endpoint.")
    return account_id, context.region, name


def _access_denied(url: str) -> AccessDeniedException:
    return AccessDeniedException(f"Access to the resource {url} is denied.")


async def _load(key: QueueKey) -> QueueSettings | None:
    row = await database.fetch_row(_SELECT, *key)
    return None if row is None else settings_of(row["id"], key, row["document"])


_cache: MetadataCache[QueueKey, QueueSettings] = MetadataCache("sqs.queues", _load, "/".join)
