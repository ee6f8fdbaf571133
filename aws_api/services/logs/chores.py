"""What CloudWatch Logs forgets in the background: events past their retention, which nobody is shown any more."""

from collections import Counter
from datetime import datetime

from django.db import connection
from django.db.models import F
from django.db.models.functions import Greatest

from aws_api.services.logs.models import LogStream
from aws_api.services.logs.store import EVENT_OVERHEAD_BYTES

#: Events that one run deletes.
MAX_DELETED = 50_000

_EXPIRED = """
    DELETE FROM logs_logevent WHERE ctid = ANY (ARRAY(
        SELECT old.ctid FROM logs_loggroup AS log_group, LATERAL (
            SELECT ctid FROM logs_logevent
            WHERE group_id = log_group.id AND timestamp_ms < %(now_ms)s - log_group.retention_days * 86400000::bigint
            ORDER BY timestamp_ms, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        ) AS old WHERE log_group.retention_days IS NOT NULL LIMIT %(limit)s
    ))
    RETURNING stream_id, octet_length(message) + %(overhead)s
"""


def delete_expired(now: datetime) -> None:
    """Delete the oldest events that are past their group's retention, and count them out of their streams."""
    values = {"now_ms": int(now.timestamp() * 1000), "limit": MAX_DELETED, "overhead": EVENT_OVERHEAD_BYTES}
    deleted: Counter[int] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRED, values)
        for stream_id, size_bytes in cursor.fetchall():
            deleted[stream_id] += size_bytes
    # One by one, because events that are put lock their streams in an order of their own.
    for stream_id, size_bytes in deleted.items():
        LogStream.objects.filter(pk=stream_id).update(stored_bytes=Greatest(F("stored_bytes") - size_bytes, 0))
