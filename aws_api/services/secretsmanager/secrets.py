"""Finding the secret that a request means, for operations on rows."""

from functools import partial

from django.db import transaction
from django.db.models import Q

from aws_api.core.arns import Arn
from aws_api.core.caching import MetadataCache
from aws_api.core.context import Context
from aws_api.services.secretsmanager import store
from aws_api.services.secretsmanager.models import Secret
from aws_api.services.secretsmanager.names import SecretName, parse_secret_id, secret_not_found
from aws_api.services.secretsmanager.shapes import InvalidRequestException

#: (account id, region, name, short name, suffix)
_ArnKey = tuple[str, str, str, str, str]


def find_secret(context: Context, secret_id: str, *, lock: bool = False, allows_deleted: bool = False) -> Secret:
    """The row of the secret that a request names.

    Raises ResourceNotFoundException, and InvalidRequestException where it is marked for deletion.
    """
    row = lookup(context, secret_id, lock=lock)
    if row is None:
        raise secret_not_found()
    if row.deletion_at is not None and not allows_deleted:
        raise marked_for_deletion()
    return row


def lookup(context: Context, secret_id: str, *, lock: bool = False) -> Secret | None:
    """The same, marked for deletion or not; None where there is none."""
    name = parse_secret_id(context, secret_id)
    named = Q(name=name.full_name)
    if name.short_name is not None:
        named |= Q(name=name.short_name, suffix=name.suffix)
    rows = Secret.objects.select_for_update() if lock else Secret.objects.all()
    found = list(rows.filter(named, account_id=context.account_id, region=context.region))
    # The whole ARN of one secret before the shortened ARN of another.
    found.sort(key=lambda row: row.name != name.short_name)
    if not found or found[0].is_gone(context.clock.now()):
        return None
    return found[0]


def secret_of_arn(arn: str, *, lock: bool = False) -> Secret | None:
    """The secret of a whole ARN, whosever it is; None where there is none, or it waits for its deletion."""
    parts = Arn.parse(arn)
    name, _, suffix = parts.resource.removeprefix("secret:").rpartition("-")
    rows = Secret.objects.select_for_update() if lock else Secret.objects.all()
    return rows.filter(
        account_id=parts.account_id, region=parts.region, name=name, suffix=suffix, deletion_at=None
    ).first()


def remove_gone_secrets(context: Context) -> None:
    """Remove the account's secrets whose recovery window is over: their names are free again."""
    rows = Secret.objects.filter(
        account_id=context.account_id, region=context.region, deletion_at__lte=context.clock.now()
    )
    for row in rows:
        remove(row)


def remove(row: Secret) -> None:
    """Remove a secret with all of its versions."""
    names = (
        SecretName(full_name=row.name),
        SecretName(full_name=f"{row.name}-{row.suffix}", short_name=row.name, suffix=row.suffix),
    )
    for name in names:
        transaction.on_commit(partial(_arns.invalidate, _arn_key(row.account_id, row.region, name)))
    forget_policy_on_commit(row)
    row.delete()


def forget_policy_on_commit(row: Secret) -> None:
    """Let every process read a secret's changed policy anew, once the change is committed."""
    transaction.on_commit(partial(_policies.invalidate, row.arn))


async def policy_of(arn: str) -> str | None:
    """The resource policy of a secret; None where it has none."""
    return await _policies.get(arn) or None


async def arn_of(context: Context, secret_id: str) -> str | None:
    """The ARN of the secret that a request names; None where there is none."""
    name = parse_secret_id(context, secret_id)
    return await _arns.get(_arn_key(context.account_id, context.region, name))


def marked_for_deletion() -> InvalidRequestException:
    """AWS's word for a secret that waits for its deletion."""
    return InvalidRequestException("You can't perform this operation on the secret because it was marked for deletion.")


def _arn_key(account_id: str, region: str, name: SecretName) -> _ArnKey:
    return account_id, region, name.full_name, name.short_name or "", name.suffix or ""


async def _load_arn(key: _ArnKey) -> str | None:
    account_id, region, full_name, short_name, suffix = key
    name = SecretName(full_name=full_name, short_name=short_name or None, suffix=suffix or None)
    return await store.find_arn(account_id, region, name)


_arns: MetadataCache[_ArnKey, str] = MetadataCache("secretsmanager.arns", _load_arn, " ".join)


async def _load_policy(arn: str) -> str | None:
    return await store.find_policy(arn)


_policies: MetadataCache[str, str] = MetadataCache("secretsmanager.policies", _load_policy)
