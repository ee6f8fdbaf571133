"""Users, groups and roles as one: making, finding and deleting them, worded as IAM words it."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from aws_api.core.context import Context, PrincipalType
from aws_api.core.ids import new_iam_id
from aws_api.services.iam.errors import ValidationError
from aws_api.services.iam.models import Identity, IdentityKind, LoginProfile
from aws_api.services.iam.policies import require_policy
from aws_api.services.iam.service import REGION
from aws_api.services.iam.shapes import (
    DeleteConflictException,
    EntityAlreadyExistsException,
    LimitExceededException,
    NoSuchEntityException,
)

_ID_PREFIX = {IdentityKind.USER: "AIDA", IdentityKind.GROUP: "AGPA", IdentityKind.ROLE: "AROA"}
_QUOTA = {
    IdentityKind.USER: ("UsersPerAccount", 5000),
    IdentityKind.GROUP: ("GroupsPerAccount", 300),
    IdentityKind.ROLE: ("RolesPerAccount", 1000),
}


def identities(context: Context, kind: IdentityKind, path_prefix: str | None = None) -> QuerySet[Identity]:
    """The account's identities of a kind, below a path."""
    return Identity.objects.filter(account_id=context.account_id, kind=kind, path__startswith=path_prefix or "/")


def find_identity(context: Context, kind: IdentityKind, name: str) -> Identity:
    """The identity of a name. Raises NoSuchEntity."""
    identity = identities(context, kind).filter(name__iexact=name).first()
    if identity is None:
        raise NoSuchEntityException(f"The {kind} with name {name} cannot be found.")
    return identity


def find_user(context: Context, name: str | None) -> Identity:
    """The named user, or the calling one."""
    if name is None:
        if context.principal.type is not PrincipalType.USER:
            raise ValidationError("Must specify userName when calling with non-User credentials")
        name = context.principal.arn.rpartition("/")[2]
    return find_identity(context, IdentityKind.USER, name)


def create_identity(context: Context, kind: IdentityKind, name: str, path: str | None, **columns: Any) -> Identity:
    """Make an identity. Raises EntityAlreadyExists, LimitExceeded."""
    quota, limit = _QUOTA[kind]
    if identities(context, kind).count() >= limit:
        raise LimitExceededException(f"Cannot exceed quota for {quota}: {limit}")
    try:
        with transaction.atomic():
            return Identity.objects.create(
                account_id=context.account_id,
                region=REGION,
                kind=kind,
                name=name,
                path=path or "/",
                unique_id=context.forced_id(f"{kind.capitalize()}Id") or new_iam_id(_ID_PREFIX[kind]),
                created_at=context.clock.now(),
                **columns,
            )
    except IntegrityError:
        raise already_exists(kind, name) from None


def rename_identity(identity: Identity, new_name: str | None, new_path: str | None) -> None:
    """Change name and path, and with them the ARN. Raises EntityAlreadyExists."""
    identity.name = new_name or identity.name
    identity.path = new_path or identity.path
    try:
        with transaction.atomic():
            identity.save(update_fields=["name", "path"])
    except IntegrityError:
        raise already_exists(IdentityKind(identity.kind), identity.name) from None


def delete_identity(identity: Identity) -> None:
    """Delete what nothing hangs on any more. Raises DeleteConflict."""
    obstacles = (
        (identity.access_keys, "must delete access keys first."),
        (identity.instance_profiles, "must remove roles from instance profile first."),
        (identity.attachments, "must detach all policies first."),
        (identity.inline_policies, "must delete policies first."),
        (identity.groups, "must remove users from group first."),
        (identity.members, "must remove users from group first."),
    )
    for related, remedy in obstacles:
        if related.exists():
            raise DeleteConflictException(f"Cannot delete entity, {remedy}")
    if LoginProfile.objects.filter(user=identity).exists():
        raise DeleteConflictException("Cannot delete entity, must delete login profile first.")
    identity.delete()


def already_exists(kind: IdentityKind, name: str) -> EntityAlreadyExistsException:
    """The error for a taken name."""
    return EntityAlreadyExistsException(f"{kind.capitalize()} with name {name} already exists.")


def set_boundary(context: Context, identity: Identity, policy_arn: str | None) -> None:
    """Put a permissions boundary on an identity, or take it off with None. Raises NoSuchEntity."""
    if policy_arn is None:
        if identity.document.pop("PermissionsBoundary", None) is None:
            raise NoSuchEntityException(f"{identity.kind.capitalize()} does not have a permissions boundary.")
    else:
        require_policy(context, policy_arn)
        identity.document["PermissionsBoundary"] = policy_arn
    identity.save(update_fields=["document"])
