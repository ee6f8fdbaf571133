"""Finding the key that a request means: with its material for cryptography, as a row for everything else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import asyncpg
from django.db import transaction

from aws_api.core.caching import MetadataCache
from aws_api.core.context import Context
from aws_api.core.errors import AccessDeniedException
from aws_api.core.execution import run_on_loop
from aws_api.core.ids import new_uuid
from aws_api.services.kms import materials, policies, store
from aws_api.services.kms.identifiers import (
    MANAGED_PREFIX,
    alias_not_found,
    key_arn,
    key_not_found,
    parse_key_name,
)
from aws_api.services.kms.key_specs import KEY_SPECS, SYMMETRIC
from aws_api.services.kms.models import Alias, Key
from aws_api.services.kms.shapes import (
    DisabledException,
    InvalidKeyUsageException,
    KMSInvalidStateException,
    NotFoundException,
)

#: The services that have a key of AWS's own in every account, by the end of its alias.
_SERVICES_WITH_MANAGED_KEYS = frozenset(
    {
        "acm",
        "backup",
        "cloudtrail",
        "dynamodb",
        "ebs",
        "elasticfilesystem",
        "es",
        "fsx",
        "glue",
        "kinesis",
        "lambda",
        "rds",
        "redshift",
        "s3",
        "secretsmanager",
        "ses",
        "sns",
        "sqs",
        "ssm",
        "xray",
    }
)

#: (account id, region, alias)
AliasKey = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class UsableKey:
    """A key with its material, as cryptography needs it; ``materials`` by number."""

    arn: str
    account_id: str
    region: str
    spec: str
    usage: str
    state: str
    policy: str
    deletion_at: datetime | None
    materials: Mapping[int, bytes]
    material_ids: Mapping[int, str]
    current_number: int

    @property
    def material(self) -> bytes:
        """The current material."""
        return self.materials[self.current_number]


async def find_key(context: Context, name: str, *, operation: str, usage: str) -> UsableKey:
    """The key that a request names, fit for an operation.

    Raises NotFoundException, DisabledException, KMSInvalidStateException, InvalidKeyUsageException.
    """
    parsed = parse_key_name(context, name)
    key_id = parsed.key_id or await _key_id_of_alias(context, parsed.alias)
    key = await _keys.get(key_id)
    now = context.clock.now()
    if (
        key is None
        or (key.account_id, key.region) != (context.account_id, context.region)
        or (key.deletion_at is not None and key.deletion_at <= now)
    ):
        raise key_not_found(context, key_id)
    check_state(key.arn, key.state)
    if key.usage != usage:
        raise InvalidKeyUsageException(f"{key.arn} key usage is {key.usage} which is not valid for {operation}.")
    return key


async def arn_of(context: Context, name: str) -> str:
    """The ARN of the key that a request names, whether or not it is there. Raises for an alias that is not."""
    parsed = parse_key_name(context, name)
    return key_arn(context, parsed.key_id or await _key_id_of_alias(context, parsed.alias))


async def policy_of(key_id: str) -> str | None:
    """A key's policy; None where there is no such key."""
    key = await _keys.get(key_id)
    return None if key is None else key.policy


def check_state(arn: str, state: str) -> None:
    """Raise where a key of a state cannot be used."""
    if state == Key.State.DISABLED:
        raise DisabledException(f"{arn} is disabled.")
    if state == Key.State.PENDING_DELETION:
        raise KMSInvalidStateException(f"{arn} is pending deletion.")


def check_algorithm(key: UsableKey, algorithm: str) -> None:
    """Raise InvalidKeyUsageException where a key's spec has not an algorithm."""
    if algorithm not in KEY_SPECS[key.spec].algorithms[key.usage]:
        raise InvalidKeyUsageException(f"Algorithm {algorithm} is incompatible with key spec {key.spec}.")


def find_row(context: Context, name: str, *, allows_alias: bool = True, lock: bool = False) -> Key:
    """The row of the key that a request names. Raises NotFoundException."""
    parsed = parse_key_name(context, name)
    rows = Key.objects.select_for_update(of=("self",)) if lock else Key.objects.all()
    rows = rows.filter(account_id=context.account_id, region=context.region)
    if parsed.alias:
        if not allows_alias:
            raise NotFoundException(f"Invalid keyId '{name}'")
        key_id = run_on_loop(_key_id_of_alias(context, parsed.alias)) if _is_managed(parsed.alias) else None
        row = rows.filter(key_id=key_id) if key_id else rows.filter(aliases__name=parsed.alias)
        found = row.first()
        if found is None or found.is_deleted(context.clock.now()):
            raise alias_not_found(context, parsed.alias)
        return found
    found = rows.filter(key_id=parsed.key_id).first()
    if found is None or found.is_deleted(context.clock.now()):
        raise key_not_found(context, parsed.key_id)
    return found


def find_customer_row(context: Context, name: str, *, operation: str) -> Key:
    """The locked row of a customer's key, by id or ARN, to be changed. Nobody changes AWS's keys: AccessDenied."""
    row = find_row(context, name, allows_alias=False, lock=True)
    if row.manager == Key.Manager.AWS:
        raise AccessDeniedException(
            f"User: {context.principal.arn} is not authorized to perform: kms:{operation} on resource: {row.arn} "
            f"because no resource-based policy allows the kms:{operation} action"
        )
    return row


def forget_key_on_commit(row: Key) -> None:
    """Let every process read a changed key anew, once the change is committed."""
    transaction.on_commit(partial(_keys.invalidate, row.key_id))


def forget_alias_on_commit(row: Alias) -> None:
    """Let every process read a changed alias anew, once the change is committed."""
    transaction.on_commit(partial(_aliases.invalidate, (row.account_id, row.region, row.name)))


def remove_deleted_keys(context: Context) -> None:
    """Remove the account's keys whose deletion window is over: their material is destroyed."""
    rows = Key.objects.filter(
        account_id=context.account_id, region=context.region, deletion_at__lte=context.clock.now()
    )
    for row in rows:
        for alias in row.aliases.all():
            forget_alias_on_commit(alias)
        forget_key_on_commit(row)
        row.delete()


async def _key_id_of_alias(context: Context, alias: str) -> str:
    key = (context.account_id, context.region, alias)
    key_id = await _aliases.get(key)
    if key_id is None and _is_managed(alias):
        await _make_managed_key(context, alias)
        key_id = await _aliases.get(key)
    if key_id is None:
        raise alias_not_found(context, alias)
    return key_id


def _is_managed(alias: str) -> bool:
    return alias.startswith(MANAGED_PREFIX) and alias.removeprefix(MANAGED_PREFIX) in _SERVICES_WITH_MANAGED_KEYS


async def _make_managed_key(context: Context, alias: str) -> None:
    service = alias.removeprefix(MANAGED_PREFIX)
    key_id = new_uuid()
    try:
        await store.insert_managed_key(
            account_id=context.account_id,
            region=context.region,
            now=context.clock.now(),
            alias=alias,
            key_id=key_id,
            description=f"Default key that protects my {service} data when no other key is defined",
            policy=policies.managed_policy(context.account_id, context.region, service),
            material_id=materials.new_material_id(),
            encrypted=materials.sealed(key_id, 1, materials.generate(SYMMETRIC)),
        )
    except asyncpg.UniqueViolationError:
        return  # another request was quicker: its key counts


async def _load_key(key_id: str) -> UsableKey | None:
    rows = await store.key_rows(key_id)
    if not rows:
        return None
    first = rows[0]
    return UsableKey(
        arn=f"arn:aws:kms:{first['region']}:{first['account_id']}:key/{key_id}",
        account_id=first["account_id"],
        region=first["region"],
        spec=first["spec"],
        usage=first["usage"],
        state=first["state"],
        policy=first["policy"],
        deletion_at=first["deletion_at"],
        materials={row["number"]: materials.opened(key_id, row["number"], row["encrypted"]) for row in rows},
        material_ids={row["number"]: row["material_id"] for row in rows},
        current_number=rows[-1]["number"],
    )


async def _load_alias(key: AliasKey) -> str | None:
    return await store.key_id_of_alias(*key)


_keys: MetadataCache[str, UsableKey] = MetadataCache("kms.keys", _load_key)
_aliases: MetadataCache[AliasKey, str] = MetadataCache("kms.aliases", _load_alias, " ".join)
