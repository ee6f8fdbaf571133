"""Managed policies on users, groups and roles."""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.services.iam import shapes
from aws_api.services.iam.identities import find_identity
from aws_api.services.iam.listing import list_rows
from aws_api.services.iam.models import Attachment, Identity, IdentityKind
from aws_api.services.iam.policies import check_policy_arn, require_policy
from aws_api.services.iam.service import iam

MAX_ATTACHED = 10


@iam.operation
def attach_user_policy(context: Context, request: shapes.AttachUserPolicyRequest) -> None:
    """Put a managed policy on a user; its being there already is harmless."""
    _attach(context, find_identity(context, IdentityKind.USER, request["UserName"]), request["PolicyArn"])


@iam.operation
def detach_user_policy(context: Context, request: shapes.DetachUserPolicyRequest) -> None:
    """Take a managed policy off a user."""
    _detach(find_identity(context, IdentityKind.USER, request["UserName"]), request["PolicyArn"])


@iam.operation
def list_attached_user_policies(
    context: Context, request: shapes.ListAttachedUserPoliciesRequest
) -> shapes.ListAttachedUserPoliciesResponse:
    """The managed policies on a user."""
    response: shapes.ListAttachedUserPoliciesResponse = _list_attached(
        find_identity(context, IdentityKind.USER, request["UserName"]), request
    )
    return response


@iam.operation
def attach_group_policy(context: Context, request: shapes.AttachGroupPolicyRequest) -> None:
    """Put a managed policy on a group; its being there already is harmless."""
    _attach(context, find_identity(context, IdentityKind.GROUP, request["GroupName"]), request["PolicyArn"])


@iam.operation
def detach_group_policy(context: Context, request: shapes.DetachGroupPolicyRequest) -> None:
    """Take a managed policy off a group."""
    _detach(find_identity(context, IdentityKind.GROUP, request["GroupName"]), request["PolicyArn"])


@iam.operation
def list_attached_group_policies(
    context: Context, request: shapes.ListAttachedGroupPoliciesRequest
) -> shapes.ListAttachedGroupPoliciesResponse:
    """The managed policies on a group."""
    response: shapes.ListAttachedGroupPoliciesResponse = _list_attached(
        find_identity(context, IdentityKind.GROUP, request["GroupName"]), request
    )
    return response


@iam.operation
def attach_role_policy(context: Context, request: shapes.AttachRolePolicyRequest) -> None:
    """Put a managed policy on a role; its being there already is harmless."""
    _attach(context, find_identity(context, IdentityKind.ROLE, request["RoleName"]), request["PolicyArn"])


@iam.operation
def detach_role_policy(context: Context, request: shapes.DetachRolePolicyRequest) -> None:
    """Take a managed policy off a role."""
    _detach(find_identity(context, IdentityKind.ROLE, request["RoleName"]), request["PolicyArn"])


@iam.operation
def list_attached_role_policies(
    context: Context, request: shapes.ListAttachedRolePoliciesRequest
) -> shapes.ListAttachedRolePoliciesResponse:
    """The managed policies on a role."""
    response: shapes.ListAttachedRolePoliciesResponse = _list_attached(
        find_identity(context, IdentityKind.ROLE, request["RoleName"]), request
    )
    return response


def _attach(context: Context, identity: Identity, policy_arn: str) -> None:
    require_policy(context, policy_arn)
    # The row's lock makes two attachments at once count each other.
    identity = Identity.objects.select_for_update().get(pk=identity.pk)
    if identity.attachments.exclude(policy_arn=policy_arn).count() >= MAX_ATTACHED:
        quota = f"PoliciesPer{identity.kind.capitalize()}"
        raise shapes.LimitExceededException(f"Cannot exceed quota for {quota}: {MAX_ATTACHED}")
    identity.attachments.get_or_create(policy_arn=policy_arn)


def _detach(identity: Identity, policy_arn: str) -> None:
    check_policy_arn(policy_arn)
    deleted, _ = identity.attachments.filter(policy_arn=policy_arn).delete()
    if not deleted:
        raise shapes.NoSuchEntityException(f"Policy {policy_arn} was not found.")


def _list_attached(identity: Identity, request: Mapping[str, Any]) -> Any:
    # Every policy's path ends its ARN but for the name.
    below = f":policy{request.get('PathPrefix') or '/'}"
    attachments = identity.attachments.filter(policy_arn__contains=below)
    response: shapes.ListAttachedRolePoliciesResponse = list_rows(
        request, "AttachedPolicies", attachments, _describe_attachment, by="policy_arn"
    )
    return response


def _describe_attachment(attachment: Attachment) -> Any:
    return {"PolicyName": attachment.policy_arn.rpartition("/")[2], "PolicyArn": attachment.policy_arn}
