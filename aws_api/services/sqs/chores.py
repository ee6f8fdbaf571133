"""What SQS forgets in the background: messages that nobody receives expire all the same.

A message expires by when it was sent; one that is visible since before that is surely expired. Those that were received
in between are met at the head of their queue, or here some days later.
"""

from datetime import datetime, timedelta

from django.db import connection

from aws_api.services.sqs.fifo import DEDUPLICATION_MS
from aws_api.services.sqs.models import DeletedQueue

#: Rows that one run deletes of each kind.
MAX_DELETED = 50_000
#: Longer than any cool-down lasts.
_REMEMBERED = timedelta(days=1)

_EXPIRED_MESSAGES = """
    DELETE FROM sqs_message WHERE ctid = ANY (ARRAY(
        SELECT old.ctid FROM sqs_queue AS queue, LATERAL (
            SELECT ctid FROM sqs_message
            WHERE queue_id = queue.id AND visible_at_ms <= %(now_ms)s
                - coalesce((queue.document ->> 'MessageRetentionPeriod')::bigint, 345600) * 1000
            ORDER BY visible_at_ms, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        ) AS old LIMIT %(limit)s
    ))
"""
_OLD_DEDUPLICATIONS = """
    DELETE FROM sqs_deduplication WHERE ctid = ANY (ARRAY(
        SELECT old.ctid FROM sqs_queue AS queue, LATERAL (
            SELECT ctid FROM sqs_deduplication WHERE queue_id = queue.id AND sent_at_ms <= %(now_ms)s - %(kept_ms)s
            ORDER BY sent_at_ms LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        ) AS old LIMIT %(limit)s
    ))
"""


def delete_expired(now: datetime) -> None:
    """Delete messages past their retention, and what nothing is deduplicated by any more."""
    values = {"now_ms": int(now.timestamp() * 1000), "limit": MAX_DELETED, "kept_ms": DEDUPLICATION_MS}
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRED_MESSAGES, values)
        cursor.execute(_OLD_DEDUPLICATIONS, values)
    DeletedQueue.objects.filter(deleted_at__lt=now - _REMEMBERED).delete()
