"""CreateAlias, UpdateAlias, DeleteAlias, ListAliases.

https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html
"""

from django.db import IntegrityError, transaction

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.kms.access import on_alias
from aws_api.services.kms.describe import alias_entry
from aws_api.services.kms.errors import NotAuthorizedException
from aws_api.services.kms.identifiers import ALIAS_PREFIX, MANAGED_PREFIX, alias_arn, alias_not_found
from aws_api.services.kms.keys import find_customer_row, find_row, forget_alias_on_commit
from aws_api.services.kms.listing import page
from aws_api.services.kms.models import Alias, Key
from aws_api.services.kms.service import kms
from aws_api.services.kms.shapes import (
    AlreadyExistsException,
    CreateAliasRequest,
    DeleteAliasRequest,
    KMSInvalidStateException,
    ListAliasesRequest,
    ListAliasesResponse,
    UpdateAliasRequest,
)


@kms.operation(access=on_alias("kms:CreateAlias", "TargetKeyId"))
def create_alias(context: Context, request: CreateAliasRequest) -> None:
    """Give a key a name."""
    name = _own_name(request["AliasName"])
    target = _target(context, request["TargetKeyId"], "CreateAlias")
    now = context.clock.now()
    row = Alias(
        account_id=context.account_id,
        region=context.region,
        name=name,
        target_key=target,
        created_at=now,
        updated_at=now,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise AlreadyExistsException(f"An alias with the name {row.arn} already exists") from None
    forget_alias_on_commit(row)


@kms.operation(access=on_alias("kms:UpdateAlias", "TargetKeyId"))
def update_alias(context: Context, request: UpdateAliasRequest) -> None:
    """Point an alias to another key of the same usage and kind."""
    row = _row(context, _own_name(request["AliasName"]))
    target = _target(context, request["TargetKeyId"], "UpdateAlias")
    if (row.target_key.usage, row.target_key.spec.split("_")[0]) != (target.usage, target.spec.split("_")[0]):
        raise ValidationException(
            f"Alias {alias_arn(context, row.name)} cannot be changed from {row.target_key.arn} to {target.arn}. The "
            "source and target must have the same key usage and both be symmetric, asymmetric or HMAC keys."
        )
    row.target_key = target
    row.updated_at = context.clock.now()
    row.save(update_fields=["target_key", "updated_at"])
    forget_alias_on_commit(row)


@kms.operation(access=on_alias("kms:DeleteAlias"))
def delete_alias(context: Context, request: DeleteAliasRequest) -> None:
    """Take a name away; its key stays."""
    row = _row(context, _own_name(request["AliasName"]))
    row.delete()
    forget_alias_on_commit(row)


@kms.operation
def list_aliases(context: Context, request: ListAliasesRequest) -> ListAliasesResponse:
    """The account's aliases, or those of one key."""
    rows = Alias.objects.filter(account_id=context.account_id, region=context.region).select_related("target_key")
    if "KeyId" in request:
        rows = rows.filter(target_key=find_row(context, request["KeyId"], allows_alias=False))
    aliases, end = page(rows, by="name", request=request, default_limit=50)
    return {"Aliases": [alias_entry(row) for row in aliases], **end}  # type: ignore[typeddict-item]


def _own_name(name: str) -> str:
    if not name.startswith(ALIAS_PREFIX) or name == ALIAS_PREFIX:
        raise ValidationException(
            'Alias must start with the prefix "alias/". Please see '
            "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
        )
    if name.startswith(MANAGED_PREFIX):
        raise NotAuthorizedException
    return name


def _row(context: Context, name: str) -> Alias:
    rows = Alias.objects.select_for_update(of=("self",)).select_related("target_key")
    row = rows.filter(account_id=context.account_id, region=context.region, name=name).first()
    if row is None:
        raise alias_not_found(context, name)
    return row


def _target(context: Context, name: str, operation: str) -> Key:
    target = find_customer_row(context, name, operation=operation)
    if target.state == Key.State.PENDING_DELETION:
        raise KMSInvalidStateException(f"{target.arn} is pending deletion.")
    return target
