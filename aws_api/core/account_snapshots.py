"""Snapshots of accounts: what an account's state was, kept in the database until somebody deletes it."""

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import IO, Any

from django.db.models import QuerySet

from aws_api.core.account_state import copy_state, rows_in_copy
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.errors import AwsError
from aws_api.core.ids import new_hex_id
from aws_api.core.models import Account, Snapshot

#: Of one account; who wants another deletes one or takes the state as a file.
MAX_SNAPSHOTS = 100
#: What a row can hold, with room to spare.
MAX_BYTES = 512 * 1024 * 1024


class LimitExceeded(AwsError):
    """There are too many snapshots, or one is too large."""

    code = "LimitExceededException"


def take(account: Account, name: str) -> Snapshot:
    """Keep the account's state as it is now."""
    if of_account(account).count() >= MAX_SNAPSHOTS:
        raise LimitExceeded(f"An account has at most {MAX_SNAPSHOTS} snapshots.")
    copy = io.BytesIO()
    rows = copy_state(account.account_id, copy)
    if copy.tell() > MAX_BYTES:
        raise LimitExceeded(f"A snapshot has at most {MAX_BYTES} bytes; take the state as a file.")
    return Snapshot.objects.create(
        snapshot_id=new_hex_id("snapshot-"),
        of_account=account.account_id,
        name=name,
        created_at=SYSTEM_CLOCK.now(),
        rows=rows,
        size_bytes=copy.tell(),
        contents=copy.getvalue(),
    )


def of_account(account: Account) -> "QuerySet[Snapshot]":
    """An account's snapshots, oldest first, without their contents."""
    return Snapshot.objects.filter(of_account=account.account_id).order_by("created_at").defer("contents")


def contents_of(snapshot: Snapshot) -> IO[bytes]:
    """What restores a snapshot."""
    return io.BytesIO(snapshot.contents)


def values_kept(table: str, column: str) -> set[Any]:
    """What all snapshots together have in a column: files that rows name are kept for as long as these are."""
    numbers = Snapshot.objects.values_list("pk", flat=True)
    return {value for number in numbers for value in _values_of(number, table, column)}


@lru_cache(maxsize=MAX_SNAPSHOTS)
def _values_of(snapshot_id: str, table: str, column: str) -> frozenset[Any]:
    """A snapshot's, read once: what was taken never changes."""
    return frozenset(row[column] for row in _rows(snapshot_id, table))


def _rows(snapshot_id: str, table: str) -> Iterator[dict[str, Any]]:
    snapshot = Snapshot.objects.filter(pk=snapshot_id).first()
    if snapshot is not None:  # else deleted meanwhile
        yield from rows_in_copy(contents_of(snapshot), table)
