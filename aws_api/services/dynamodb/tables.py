"""Finding a table by its name or ARN, and its schema from the process's memory."""

import re
from typing import Any

from aws_api.core import database
from aws_api.core.arns import Arn, is_arn
from aws_api.core.caching import MetadataCache
from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.models import Table
from aws_api.services.dynamodb.schema import (
    ExpirySchema,
    StreamSchema,
    StreamView,
    TableSchema,
    index_schema,
    key_schema,
)
from aws_api.services.dynamodb.shapes import ResourceNotFoundException

MIN_NAME_LENGTH = 3
MAX_NAME_LENGTH = 255
NAME_PATTERN = "[a-zA-Z0-9_.-]+"

#: (account, region, name)
TableKey = tuple[str, str, str]

_LOAD = """
    SELECT coalesce(found.contents_id, found.id) AS id, found.id AS row_id, found.generation, found.document,
        coalesce(made.entries_id, made.id) AS index_id, made.name AS index_name, made.is_global, made.is_filled,
        made.is_expiry, made.document AS index_document,
        (
            SELECT coalesce(jsonb_agg(jsonb_build_array(stream.id, stream.view_type) ORDER BY stream.id), '[]')
            FROM dynamodb_stream AS stream JOIN dynamodb_table AS replica ON replica.id = stream.table_id
            WHERE stream.ended_at IS NULL AND (
                replica.id = coalesce(found.contents_id, found.id)
                OR replica.contents_id = coalesce(found.contents_id, found.id)
            )
        ) AS streams,
        EXISTS (
            SELECT FROM dynamodb_table AS replica
            WHERE replica.document ? 'PointInTimeRecovery' AND (
                replica.id = coalesce(found.contents_id, found.id)
                OR replica.contents_id = coalesce(found.contents_id, found.id)
            )
        ) AS keeps_past
    FROM dynamodb_table AS found LEFT JOIN dynamodb_index AS made ON made.table_id = found.id
    WHERE found.account_id = $1 AND found.region = $2 AND found.name = $3
    ORDER BY made.id
"""


async def find_table(context: Context, name_or_arn: str) -> TableSchema:
    """A table's schema. Raises ResourceNotFoundException as the item operations word it."""
    # Most requests name a table that is there by its plain name, which then needs no check.
    table = None if is_arn(name_or_arn) else await schemas.get((context.account_id, context.region, name_or_arn))
    if table is None:
        name = table_name(context, name_or_arn)
        if name is not None and name != name_or_arn:
            table = await schemas.get((context.account_id, context.region, name))
    if table is None:
        raise ResourceNotFoundException("Requested resource not found")
    return table


def find_row(context: Context, name_or_arn: str, *, lock: bool = False) -> Table:
    """A table's row. Raises ResourceNotFoundException as the table operations word it.

    ``lock`` waits for writes of items that are under way and holds off those that come, until the transaction ends.
    """
    name = table_name(context, name_or_arn)
    rows = Table.objects.select_for_update() if lock else Table.objects.all()
    row = rows.filter(account_id=context.account_id, region=context.region, name=name).first() if name else None
    if row is None:
        raise ResourceNotFoundException(f"Requested resource not found: Table: {name or name_or_arn} not found")
    return row


async def forget_table(context: Context, name: str) -> None:
    """Read the schema anew at the next use, in every process."""
    await schemas.invalidate_async((context.account_id, context.region, name))


def table_name(context: Context, name_or_arn: str) -> str | None:
    """The name of a table that a request means by name or ARN; None where the ARN is of another place.

    Raises ValidationException for what can be no table's name.
    """
    name = name_or_arn
    if is_arn(name_or_arn):
        arn = Arn.parse(name_or_arn)
        if (arn.service, arn.region, arn.account_id) != ("dynamodb", context.region, context.account_id):
            return None
        name = arn.resource.removeprefix("table/")
    check_name(name)
    return name


def check_name(name: str, member: str = "tableName") -> None:
    """Raise ValidationException for what can be no table's name: the model allows ARNs, so it does not say."""
    if not re.fullmatch(NAME_PATTERN, name):
        problem = f"Member must satisfy regular expression pattern: {NAME_PATTERN}"
    elif len(name) < MIN_NAME_LENGTH:
        problem = f"Member must have length greater than or equal to {MIN_NAME_LENGTH}"
    elif len(name) > MAX_NAME_LENGTH:
        problem = f"Member must have length less than or equal to {MAX_NAME_LENGTH}"
    else:
        return
    raise ValidationException(
        f"1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: {problem}"
    )


async def _load(key: TableKey) -> TableSchema | None:
    account_id, region, name = key
    rows = await database.fetch(_LOAD, account_id, region, name)
    if not rows:
        return None
    return _schema(f"arn:aws:dynamodb:{region}:{account_id}:table/{name}", name, rows)


def _schema(arn: str, name: str, rows: Any) -> TableSchema:
    document = rows[0]["document"]
    definitions = document["AttributeDefinitions"]
    keys = key_schema(document["KeySchema"], definitions)
    return TableSchema(
        id=rows[0]["id"],
        row_id=rows[0]["row_id"],
        name=name,
        arn=arn,
        generation=rows[0]["generation"],
        keys=keys,
        indexes=tuple(
            index_schema(
                id=row["index_id"],
                name=row["index_name"],
                is_global=row["is_global"],
                keys=key_schema(row["index_document"]["KeySchema"], definitions),
                projection=row["index_document"]["Projection"],
                table_keys=keys,
                is_filled=row["is_filled"],
            )
            for row in rows
            if row["index_id"] is not None and not row["is_expiry"]
        ),
        expiry=next(
            (
                ExpirySchema(id=row["index_id"], attribute=row["index_document"]["AttributeName"])
                for row in rows
                if row["is_expiry"]
            ),
            None,
        ),
        streams=tuple(StreamSchema(id=number, view=StreamView(view)) for number, view in rows[0]["streams"]),
        keeps_past=rows[0]["keeps_past"],
    )


schemas: MetadataCache[TableKey, TableSchema] = MetadataCache("dynamodb.table", _load, "/".join)
