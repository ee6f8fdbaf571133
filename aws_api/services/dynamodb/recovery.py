"""Point-in-time recovery: while a table has it, each write keeps what it replaces, for as long as may be restored.

A table as it was at a moment is the table as it is, with every item that changed since as it was before its first
change; so enabling copies nothing, and a table without recovery pays nothing. store.py keeps, contents.py rewinds.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
"""

from datetime import UTC, datetime, timedelta

from aws_api.services.dynamodb.models import PastItem, Table
from aws_api.services.dynamodb.replicas import lock_replicas, save_changed

MAX_DAYS = 35
MEMBER = "PointInTimeRecovery"
#: What one run of the chore forgets of a table.
_MOST_FORGOTTEN = 50_000


def enable(table: Table, days: int | None, now: datetime) -> None:
    """Keep a table's past from now on, or for another period. The table's row must be locked."""
    before = table.document.get(MEMBER, {"Since": now.timestamp(), "RecoveryPeriodInDays": MAX_DAYS})
    table.document[MEMBER] = {**before, **({} if days is None else {"RecoveryPeriodInDays": days})}
    save_changed(lock_replicas(table))


def disable(table: Table) -> None:
    """Forget a table's past, and keep it no more. The table's row must be locked."""
    table.document.pop(MEMBER, None)
    replicas = lock_replicas(table)
    save_changed(replicas)
    if not any(MEMBER in replica.document for replica in replicas):
        PastItem.objects.filter(table_id=table.contents).delete()


def earliest(table: Table, now: datetime) -> datetime:
    """The first moment that a table with recovery can be restored to."""
    enabled = table.document[MEMBER]
    since = datetime.fromtimestamp(enabled["Since"], UTC)
    return max(since, now - timedelta(days=enabled["RecoveryPeriodInDays"]))


def forget_past(now: datetime) -> None:
    """Forget what lies before every moment that can be restored."""
    for table in Table.objects.filter(document__has_key=MEMBER):
        # A replica may keep longer than another.
        oldest = min(earliest(one, now) for one in Table.objects.filter(pk__in=_keeping(table)))
        past = PastItem.objects.filter(table_id=table.contents, until__lt=oldest).order_by("until")
        PastItem.objects.filter(pk__in=past.values("pk")[:_MOST_FORGOTTEN]).delete()


def _keeping(table: Table) -> list[int]:
    replicas = Table.objects.filter(pk=table.contents) | Table.objects.filter(contents_id=table.contents)
    return list(replicas.filter(document__has_key=MEMBER).values_list("pk", flat=True))
