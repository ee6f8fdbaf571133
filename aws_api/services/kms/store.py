"""KMS's statements on the async road: keys by id, aliases, and AWS managed keys that are made on first use."""

from datetime import datetime
from typing import Any

from aws_api.core import database

_KEY = """
    SELECT key.account_id, key.region, key.spec, key.usage, key.state, key.policy, key.deletion_at,
        material.number, material.material_id, material.encrypted
    FROM kms_key AS key JOIN kms_keymaterial AS material ON material.key_id = key.id
    WHERE key.key_id = $1 ORDER BY material.number
"""
_TAGS = "SELECT tags FROM kms_key WHERE key_id = $1"
_ALIAS = """
    SELECT key.key_id FROM kms_alias AS alias JOIN kms_key AS key ON key.id = alias.target_key_id
    WHERE alias.account_id = $1 AND alias.region = $2 AND alias.name = $3
"""
_GRANTS = """
    SELECT held.grant_id, held.grantee_principal, held.retiring_principal, held.document
    FROM kms_grant AS held JOIN kms_key AS key ON key.id = held.key_id
    WHERE key.key_id = $1 ORDER BY held.id
"""
_INSERT_MANAGED = """
    WITH key AS (
        INSERT INTO kms_key (account_id, region, tags, document, created_at, key_id, spec, usage, state, manager,
            is_multi_region, description, policy, rotation_period_days, rotation_enabled_at)
        VALUES ($1, $2, '{}', '{}', $3, $5, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', 'Enabled', 'AWS', false, $6, $7,
            365, $3)
        RETURNING id
    ), material AS (
        INSERT INTO kms_keymaterial (key_id, number, material_id, encrypted, created_at)
        SELECT id, 1, $8, $9, $3 FROM key
    )
    INSERT INTO kms_alias (account_id, region, name, target_key_id, created_at, updated_at)
    SELECT $1, $2, $4, id, $3, $3 FROM key
"""


async def key_rows(key_id: str) -> Any:
    """A key with its materials, a row each, the current one last."""
    return await database.fetch(_KEY, key_id)


async def tags_of(key_id: str) -> dict[str, str]:
    """A key's tags."""
    row = await database.fetch_row(_TAGS, key_id)
    return {} if row is None else dict(row["tags"])


async def grant_rows(key_id: str) -> Any:
    """A key's grants."""
    return await database.fetch(_GRANTS, key_id)


async def key_id_of_alias(account_id: str, region: str, alias: str) -> str | None:
    """The id of the key that an alias points to."""
    row = await database.fetch_row(_ALIAS, account_id, region, alias)
    return None if row is None else str(row["key_id"])


async def insert_managed_key(
    *,
    account_id: str,
    region: str,
    now: datetime,
    alias: str,
    key_id: str,
    description: str,
    policy: str,
    material_id: str,
    encrypted: bytes,
) -> None:
    """Keep an AWS managed key under its alias. Raises asyncpg.UniqueViolationError where the alias is taken."""
    await database.fetch(
        _INSERT_MANAGED, account_id, region, now, alias, key_id, description, policy, material_id, encrypted
    )
