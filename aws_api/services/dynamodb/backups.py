"""Copies of tables: taken, described, and made into tables again.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup-and-Restore.html
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from aws_api.core.context import Context
from aws_api.services.dynamodb.contents import copy_items, measure, rewind_items
from aws_api.services.dynamodb.indexing import add_index, expiry_of
from aws_api.services.dynamodb.models import Backup, Index, Table
from aws_api.services.dynamodb.shapes import TableAlreadyExistsException
from aws_api.services.dynamodb.table_rules import PROVISIONED

#: What a table that is restored does not take over from the one it was.
_NOT_RESTORED = ("StreamSpecification", "StreamLabel", "PointInTimeRecovery", "RestoreSummary")
_OVERRIDES = {
    "BillingModeOverride": "BillingMode",
    "ProvisionedThroughputOverride": "ProvisionedThroughput",
    "OnDemandThroughputOverride": "OnDemandThroughput",
    "SSESpecificationOverride": "SSESpecification",
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a table is restored from: its settings, its indexes by kind, and the number of its items.

    ``at`` is the moment whose items are meant, None for those that are there.
    """

    document: Mapping[str, Any]
    indexes: Mapping[str, Sequence[Mapping[str, Any]]]
    contents_id: int
    table_arn: str
    backup_arn: str | None = None
    at: datetime | None = None


def take(table: Table, name: str, now: datetime) -> Backup:
    """Copy a table as it is at this moment."""
    indexes = list(table.indexes.filter(is_expiry=False).order_by("id"))
    extent = measure(table, indexes)
    expiry = expiry_of(table)
    return Backup.objects.create(
        account_id=table.account_id,
        region=table.region,
        created_at=now,
        backup_id=f"{int(now.timestamp() * 1000):014d}-{secrets.token_hex(4)}",
        name=name,
        table_name=table.name,
        table_uuid=table.table_id,
        table_created_at=table.created_at,
        contents_id=copy_items(table.contents),
        items=extent.items[None],
        size_bytes=extent.size_bytes[None],
        document={
            "Table": table.document,
            "Indexes": _by_kind(indexes),
            "TimeToLiveAttribute": None if expiry is None else expiry.document["AttributeName"],
        },
    )


def source_of_backup(backup: Backup) -> Source:
    """A backup as what a table is restored from."""
    arn, _, _ = backup.arn.partition("/backup/")
    return Source(
        document=backup.document["Table"],
        indexes=backup.document["Indexes"],
        contents_id=backup.contents_id,
        table_arn=arn,
        backup_arn=backup.arn,
    )


def source_of_table(table: Table, at: datetime | None) -> Source:
    """A table as it was at a moment, or as it is now, as what another is restored from."""
    indexes = list(table.indexes.filter(is_expiry=False).order_by("id"))
    return Source(
        document=table.document,
        indexes=_by_kind(indexes),
        contents_id=table.contents,
        table_arn=table.arn,
        at=at,
    )


def restore(context: Context, source: Source, name: str, request: Mapping[str, Any]) -> Table:
    """Make a table of what a source holds. Raises TableAlreadyExistsException."""
    document = {member: value for member, value in source.document.items() if member not in _NOT_RESTORED}
    document |= {member: request[override] for override, member in _OVERRIDES.items() if override in request}
    if document.get("BillingMode", PROVISIONED) != PROVISIONED:
        document.pop("ProvisionedThroughput", None)
    now = context.clock.now()
    document["RestoreSummary"] = {
        "SourceTableArn": source.table_arn,
        "RestoreDateTime": (source.at or now).timestamp(),
        "RestoreInProgress": False,
        **({} if source.backup_arn is None else {"SourceBackupArn": source.backup_arn}),
    }
    table = Table(account_id=context.account_id, region=context.region, name=name, document=document, created_at=now)
    try:
        with transaction.atomic():
            table.save(force_insert=True)
    except IntegrityError:
        raise TableAlreadyExistsException(f"Table already exists: {name}") from None
    copy_items(source.contents_id, table.pk)
    if source.at is not None:
        rewind_items(source.contents_id, table.pk, source.at)
    for member, is_global, override in (
        ("LocalSecondaryIndexes", False, "LocalSecondaryIndexOverride"),
        ("GlobalSecondaryIndexes", True, "GlobalSecondaryIndexOverride"),
    ):
        for index in request.get(override, source.indexes[member]):
            kept = {key: value for key, value in index.items() if key != "IndexName"}
            add_index([table], name=index["IndexName"], is_global=is_global, document=kept)
    return table


def _by_kind(indexes: list[Index]) -> dict[str, list[dict[str, Any]]]:
    return {
        member: [{"IndexName": index.name, **index.document} for index in indexes if index.is_global is is_global]
        for member, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True))
    }
