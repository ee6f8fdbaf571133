"""What DynamoDB does in the background: items expire, streams are trimmed, what was deleted makes room.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from datetime import datetime, timedelta
from decimal import Decimal
from time import monotonic
from typing import Any

from django.db import connection

from aws_api.core import database
from aws_api.core.execution import run_on_loop
from aws_api.services.dynamodb.filling import start_filling
from aws_api.services.dynamodb.keys import EXPIRY_HASH, EncodedKey, encode_range
from aws_api.services.dynamodb.models import Index, Leftover, TransactionToken
from aws_api.services.dynamodb.recovery import forget_past
from aws_api.services.dynamodb.schema import ExpirySchema, TableSchema
from aws_api.services.dynamodb.store import REMEMBERED, Write, write_items
from aws_api.services.dynamodb.stored import Stored
from aws_api.services.dynamodb.streams import tend_streams
from aws_api.services.dynamodb.tables import schemas

#: What says that it expired longer ago than this is taken for a number that is no time.
OLDEST = timedelta(days=5 * 365)
#: Longest that one chore works; the next run goes on.
MAX_RUN_S = 20
_EXPIRED_AT_ONCE = 200
_ROWS_AT_ONCE = 5000

_EXPIRED = """
    SELECT item_hash, item_range FROM dynamodb_indexentry
    WHERE index_id = $1 AND hash = $2 AND range >= $3 AND range <= $4 ORDER BY range LIMIT $5
"""
_DELETE_ITEMS = """
    DELETE FROM dynamodb_item WHERE ctid = ANY (ARRAY(SELECT ctid FROM dynamodb_item WHERE table_id = %s LIMIT %s))
"""
_DELETE_ENTRIES = """
    DELETE FROM dynamodb_indexentry
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM dynamodb_indexentry WHERE index_id = %s LIMIT %s))
"""


def expire_items(now: datetime) -> None:
    """Delete the items whose time has come, and tell the streams who it was."""
    ends = monotonic() + MAX_RUN_S
    for index in Index.objects.filter(is_expiry=True, is_filled=True).select_related("table"):
        table = index.table
        key = (table.account_id, table.region, table.name)
        while monotonic() < ends and run_on_loop(_expire_some(key, now)) == _EXPIRED_AT_ONCE:
            pass


def fill_indexes(_now: datetime) -> None:
    """Fill the indexes that a process left before they were."""
    for index in Index.objects.filter(is_filled=False):
        start_filling(index.pk)


def delete_leftovers(_now: datetime) -> None:
    """Delete the items and entries of what is gone."""
    ends = monotonic() + MAX_RUN_S
    for leftover in Leftover.objects.all():
        statement = _DELETE_ENTRIES if leftover.is_index else _DELETE_ITEMS
        deleted = _ROWS_AT_ONCE
        while deleted == _ROWS_AT_ONCE:
            if monotonic() > ends:
                return
            with connection.cursor() as cursor:
                cursor.execute(statement, [leftover.number, _ROWS_AT_ONCE])
                deleted = cursor.rowcount
        leftover.delete()


def forget_tokens(now: datetime) -> None:
    """Forget the tokens of transactions that nobody may ask for again."""
    TransactionToken.objects.filter(at__lt=now - REMEMBERED).delete()


CHORES = (expire_items, fill_indexes, tend_streams, delete_leftovers, forget_tokens, forget_past)


async def _expire_some(table_key: tuple[str, str, str], now: datetime) -> int:
    table = await schemas.get(table_key)
    if table is None or table.expiry is None:
        return 0
    oldest, newest = (int(moment.timestamp()) for moment in (now - OLDEST, now))
    bounds = [encode_range({"N": str(moment)}) for moment in (oldest, newest)]
    rows = await database.fetch(_EXPIRED, table.expiry.id, EXPIRY_HASH, *bounds, _EXPIRED_AT_ONCE)
    if rows:
        await write_items([_expiry(table, table.expiry, row, newest) for row in rows])
    return len(rows)


def _expiry(table: TableSchema, expiry: ExpirySchema, row: Any, now_s: int) -> Write:
    def change(before: Stored | None) -> Stored | None:
        # Whoever wrote it meanwhile may have given it more time.
        when = None if before is None else before.item.get(expiry.attribute, {}).get("N")
        return before if when is None or Decimal(when) > now_s else None

    key = EncodedKey(row["item_hash"], row["item_range"])
    return Write(table=table, key=key, change=change, needs_before=True, is_expiry=True)
