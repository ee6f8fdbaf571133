"""Global tables: the replicas of a table in other regions share its items and index entries.

What is written in one region is there in all of them at once, which is more than AWS promises; streams, throughput and
tags are each replica's own.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GlobalTables.html
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.contents import leave_entries, leave_items
from aws_api.services.dynamodb.models import Index, PastItem, ResourcePolicy, Table
from aws_api.services.dynamodb.streams import close_stream, open_stream
from aws_api.services.dynamodb.tables import schemas

VERSION = "2019.11.21"
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def lock_replicas(table: Table) -> list[Table]:
    """A table, whose row is locked, and its replicas, locked as well: the given object among them."""
    others = _replicas_of(table).exclude(pk=table.pk).order_by("pk").select_for_update()
    return [table, *others]


def other_regions(table: Table) -> list[str]:
    """The regions of a table's replicas."""
    return list(_replicas_of(table).exclude(pk=table.pk).order_by("region").values_list("region", flat=True))


def save_changed(tables: list[Table]) -> None:
    """Save tables whose schema changed: writes that were made for the old one are refused, in every process."""
    for table in tables:
        table.generation += 1
        table.save()
        transaction.on_commit(partial(schemas.invalidate, (table.account_id, table.region, table.name)))


def update_replicas(table: Table, updates: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Add and remove replicas as ReplicaUpdates says. The table and its replicas must be locked.

    Raises ValidationException where a region has a table of the name already, or no replica.
    """
    for update in updates:
        if "Create" in update:
            _create(table, update["Create"], now)
        elif "Delete" in update:
            region = update["Delete"]["RegionName"]
            replica = _replicas_of(table).exclude(pk=table.pk).filter(region=region).first()
            if replica is None:
                raise ValidationException(
                    "Replica specified in the Replica Update or Replica Delete action of the request was not found: "
                    f"{region}"
                )
            remove(replica, now)


def remove(table: Table, now: datetime) -> None:
    """Delete a table's row, and leave its items to be deleted unless a replica has them."""
    is_last = not _replicas_of(table).exclude(pk=table.pk).exists()
    close_stream(table, now)
    if is_last:
        leave_entries(table.indexes.all())
        leave_items(table.contents)
        PastItem.objects.filter(table_id=table.contents).delete()
    ResourcePolicy.objects.filter(Q(arn=table.arn) | Q(arn__startswith=f"{table.arn}/")).delete()
    transaction.on_commit(partial(schemas.invalidate, (table.account_id, table.region, table.name)))
    table.delete()


def _replicas_of(table: Table) -> Any:
    return Table.objects.filter(Q(pk=table.contents) | Q(contents_id=table.contents))


def _create(table: Table, wanted: Mapping[str, Any], now: datetime) -> None:
    region = wanted["RegionName"]
    if not _REGION.fullmatch(region):
        raise ValidationException(f"Unsupported region: {region}")
    if region == table.region:
        raise ValidationException(f"Cannot add, delete, or update the local region through ReplicaUpdates: {region}")
    if not table.document.get("StreamSpecification", {}).get("StreamEnabled"):
        # Replication goes through streams at AWS, which enables them.
        table.document["StreamSpecification"] = dict(_STREAM)
        open_stream(table, now)
    document = {member: value for member, value in table.document.items() if member != "StreamLabel"}
    document["StreamSpecification"] = dict(_STREAM)
    if "TableClassOverride" in wanted:
        document["TableClass"] = wanted["TableClassOverride"]
    replica = Table(
        account_id=table.account_id,
        region=region,
        name=table.name,
        document=document,
        created_at=now,
        generation=table.generation,
        deletion_protection=False,
        contents_id=table.contents,
    )
    try:
        with transaction.atomic():
            replica.save(force_insert=True)
    except IntegrityError:
        raise ValidationException(
            f"Failed to create a the new replica of table with name: '{table.name}' because one or more replicas "
            f"already existed as tables: {region}"
        ) from None
    open_stream(replica, now)
    replica.save()
    for index in table.indexes.order_by("id"):
        Index.objects.create(
            table=replica,
            name=index.name,
            is_global=index.is_global,
            document=index.document,
            is_filled=index.is_filled,
            is_expiry=index.is_expiry,
            entries_id=index.entries,
        )
    transaction.on_commit(partial(schemas.invalidate, (replica.account_id, replica.region, replica.name)))
