"""The hot read of Secrets Manager: the values that concurrent requests ask for come from one statement.

Nothing is cached: who reads after somebody's PutSecretValue was answered reads what was put, in every process.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from aws_api.core import database
from aws_api.core.arns import Arn
from aws_api.core.coalescing import Coalescer
from aws_api.services.secretsmanager.names import SecretName, secret_arn
from aws_api.services.secretsmanager.policies import joined, replication_policy

_GET = """
    SELECT secret.id AS secret_id, secret.name, secret.suffix, secret.deletion_at,
        secret.accessed_on AS secret_accessed_on, version.id AS version_row_id, version.version_id, version.stages,
        version.is_binary, version.encrypted_key, version.encrypted_value, version.has_managed_key,
        version.created_at, version.accessed_on AS version_accessed_on
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
        WITH ORDINALITY AS asked (account_id, region, full_name, short_name, suffix, version_id, stage, place)
    LEFT JOIN LATERAL (
        SELECT * FROM secretsmanager_secret
        WHERE account_id = asked.account_id AND region = asked.region
            AND name IN (asked.full_name, asked.short_name)
            AND (name = asked.full_name OR suffix = asked.suffix)
        ORDER BY name = asked.short_name DESC NULLS LAST LIMIT 1
    ) AS secret ON true
    LEFT JOIN LATERAL (
        SELECT * FROM secretsmanager_secretversion
        WHERE secret_id = secret.id AND (asked.version_id IS NULL OR version_id = asked.version_id)
            AND (asked.stage IS NULL OR stages ? asked.stage)
        LIMIT 1
    ) AS version ON true
    ORDER BY asked.place
"""
_RESOLVE = """
    SELECT name, suffix FROM secretsmanager_secret
    WHERE account_id = $1 AND region = $2 AND name IN ($3, $4) AND (name = $3 OR suffix = $5)
    ORDER BY name = $4 DESC NULLS LAST LIMIT 1
"""
_BY_ARN = """
    SELECT resource_policy, tags, document->'CrossAccountPrimary'->>'PrimarySecretARN' AS primary_arn
    FROM secretsmanager_secret
    WHERE account_id = $1 AND region = $2 AND name = $3 AND suffix = $4
"""
_TOUCH = """
    WITH secret AS (UPDATE secretsmanager_secret SET accessed_on = $3 WHERE id = $1)
    UPDATE secretsmanager_secretversion SET accessed_on = $3 WHERE id = $2
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A secret's version to be read: by version id, by stage, or by both."""

    account_id: str
    region: str
    name: SecretName
    version_id: str | None
    stage: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSecret:
    """What there is of it: ``version`` is None where the secret is there but not what was asked of it."""

    id: int
    arn: str
    name: str
    deletion_at: datetime | None
    version: "FoundVersion | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundVersion:
    """A version as reads need it. ``accessed_on`` is the older of the secret's and the version's."""

    id: int
    version_id: str
    stages: Sequence[str]
    is_binary: bool
    encrypted_key: bytes
    encrypted_value: bytes
    has_managed_key: bool
    created_at: datetime
    accessed_on: date | None


class SecretStore:
    """The statements of one event loop."""

    def __init__(self) -> None:
        self._gets: Coalescer[Asked, FoundSecret | None] = Coalescer(_run_gets)

    async def get(self, asked: Asked) -> FoundSecret | None:
        """What is asked for; None where there is no such secret."""
        return await self._gets.submit(asked)


def secret_store() -> SecretStore:
    """The running event loop's."""
    return _store_of(id(asyncio.get_running_loop()))


async def find_arn(account_id: str, region: str, name: SecretName) -> str | None:
    """The ARN of the secret that a request names."""
    row = await database.fetch_row(_RESOLVE, account_id, region, name.full_name, name.short_name, name.suffix)
    return None if row is None else secret_arn(account_id, region, row["name"], row["suffix"])


async def find_policy(arn: str) -> str | None:
    """What the resource policies of the secret of an ARN say, empty where it has none; None where it is not there."""
    row = await _row_of_arn(arn)
    if row is None or row["primary_arn"] is None:
        return None if row is None else str(row["resource_policy"])
    managed = replication_policy(row["primary_arn"])
    return joined(row["resource_policy"], managed) if row["resource_policy"] else managed


async def find_tags(arn: str) -> Mapping[str, str]:
    """The tags of the secret of an ARN."""
    row = await _row_of_arn(arn)
    return {} if row is None else row["tags"]


async def note_access(secret: FoundSecret, version: FoundVersion, today: date) -> None:
    """Keep the day on which a value was last read: one write a day, not one a read."""
    if version.accessed_on is None or version.accessed_on < today:
        await database.fetch(_TOUCH, secret.id, version.id, today)


@cache
def _store_of(_loop_id: int) -> SecretStore:
    return SecretStore()


async def _row_of_arn(arn: str) -> Any | None:
    parts = Arn.parse(arn)
    name, _, suffix = parts.resource.removeprefix("secret:").rpartition("-")
    return await database.fetch_row(_BY_ARN, parts.account_id, parts.region, name, suffix)


async def _run_gets(batch: Sequence[Asked]) -> list[FoundSecret | Exception | None]:
    rows = await database.fetch(
        _GET,
        [asked.account_id for asked in batch],
        [asked.region for asked in batch],
        [asked.name.full_name for asked in batch],
        [asked.name.short_name for asked in batch],
        [asked.name.suffix for asked in batch],
        [asked.version_id for asked in batch],
        [asked.stage for asked in batch],
    )
    return [_found(asked, row) for asked, row in zip(batch, rows, strict=True)]


def _found(asked: Asked, row: Any) -> FoundSecret | None:
    if row["secret_id"] is None:
        return None
    return FoundSecret(
        id=row["secret_id"],
        arn=secret_arn(asked.account_id, asked.region, row["name"], row["suffix"]),
        name=row["name"],
        deletion_at=row["deletion_at"],
        version=None if row["version_row_id"] is None else _version(row),
    )


def _version(row: Any) -> FoundVersion:
    accessed = (row["secret_accessed_on"], row["version_accessed_on"])
    return FoundVersion(
        id=row["version_row_id"],
        version_id=row["version_id"],
        stages=row["stages"],
        is_binary=row["is_binary"],
        encrypted_key=row["encrypted_key"],
        encrypted_value=row["encrypted_value"],
        has_managed_key=row["has_managed_key"],
        created_at=row["created_at"],
        accessed_on=None if None in accessed else min(accessed),
    )
