"""New indexes of a table and its replicas: filled at once where that is quick, else in the background."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction

from aws_api.services.dynamodb.contents import fill_index, has_many
from aws_api.services.dynamodb.filling import start_filling
from aws_api.services.dynamodb.models import Index, Table

#: No index of AWS's can have this name.
_EXPIRY_NAME = "time to live"


def add_index(
    replicas: list[Table], *, name: str, is_global: bool, document: Mapping[str, Any], is_expiry: bool = False
) -> Index:
    """Add an index to a table and its replicas, whose rows are locked and whose generation grows afterwards."""
    table, *others = replicas
    in_background = has_many(table)
    index = Index.objects.create(
        table=table,
        name=name,
        is_global=is_global,
        document=dict(document),
        is_filled=not in_background,
        is_expiry=is_expiry,
    )
    for other in others:
        Index.objects.create(
            table=other,
            name=name,
            is_global=is_global,
            document=dict(document),
            is_filled=not in_background,
            is_expiry=is_expiry,
            entries_id=index.pk,
        )
    if in_background:
        transaction.on_commit(partial(start_filling, index.pk))
    else:
        fill_index(table, index)
    return index


def add_expiry(replicas: list[Table], attribute: str) -> Index:
    """Keep the items of a table and its replicas in the order in which an attribute says that they expire."""
    document = {"AttributeName": attribute}
    return add_index(replicas, name=_EXPIRY_NAME, is_global=False, document=document, is_expiry=True)


def expiry_of(table: Table) -> Index | None:
    """What keeps a table's items by the time of their expiry; None where they do not expire."""
    found: Index | None = table.indexes.filter(is_expiry=True).first()
    return found
