"""Policies that belong to one user, group or role."""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.services.iam import shapes
from aws_api.services.iam.documents import check_permissions_policy, encoded, size_without_whitespace
from aws_api.services.iam.identities import find_identity
from aws_api.services.iam.listing import list_rows
from aws_api.services.iam.models import Identity, IdentityKind, InlinePolicy
from aws_api.services.iam.service import iam

#: All inline policies of one identity together, whitespace not counted.
MAX_TOTAL_SIZE = {IdentityKind.USER: 2048, IdentityKind.GROUP: 5120, IdentityKind.ROLE: 10240}


@iam.operation
def put_user_policy(context: Context, request: shapes.PutUserPolicyRequest) -> None:
    """Write a policy into a user."""
    _put(find_identity(context, IdentityKind.USER, request["UserName"]), request)


@iam.operation
def get_user_policy(context: Context, request: shapes.GetUserPolicyRequest) -> shapes.GetUserPolicyResponse:
    """A user's policy, percent-encoded."""
    user = find_identity(context, IdentityKind.USER, request["UserName"])
    policy = _find(user, request["PolicyName"])
    return {"UserName": user.name, "PolicyName": policy.name, "PolicyDocument": encoded(policy.document)}


@iam.operation
def delete_user_policy(context: Context, request: shapes.DeleteUserPolicyRequest) -> None:
    """Delete a user's policy."""
    _find(find_identity(context, IdentityKind.USER, request["UserName"]), request["PolicyName"]).delete()


@iam.operation
def list_user_policies(context: Context, request: shapes.ListUserPoliciesRequest) -> shapes.ListUserPoliciesResponse:
    """The names of a user's policies."""
    response: shapes.ListUserPoliciesResponse = _list_names(
        find_identity(context, IdentityKind.USER, request["UserName"]), request
    )
    return response


@iam.operation
def put_group_policy(context: Context, request: shapes.PutGroupPolicyRequest) -> None:
    """Write a policy into a group."""
    _put(find_identity(context, IdentityKind.GROUP, request["GroupName"]), request)


@iam.operation
def get_group_policy(context: Context, request: shapes.GetGroupPolicyRequest) -> shapes.GetGroupPolicyResponse:
    """A group's policy, percent-encoded."""
    group = find_identity(context, IdentityKind.GROUP, request["GroupName"])
    policy = _find(group, request["PolicyName"])
    return {"GroupName": group.name, "PolicyName": policy.name, "PolicyDocument": encoded(policy.document)}


@iam.operation
def delete_group_policy(context: Context, request: shapes.DeleteGroupPolicyRequest) -> None:
    """Delete a group's policy."""
    _find(find_identity(context, IdentityKind.GROUP, request["GroupName"]), request["PolicyName"]).delete()


@iam.operation
def list_group_policies(context: Context, request: shapes.ListGroupPoliciesRequest) -> shapes.ListGroupPoliciesResponse:
    """The names of a group's policies."""
    response: shapes.ListGroupPoliciesResponse = _list_names(
        find_identity(context, IdentityKind.GROUP, request["GroupName"]), request
    )
    return response


@iam.operation
def put_role_policy(context: Context, request: shapes.PutRolePolicyRequest) -> None:
    """Write a policy into a role."""
    _put(find_identity(context, IdentityKind.ROLE, request["RoleName"]), request)


@iam.operation
def get_role_policy(context: Context, request: shapes.GetRolePolicyRequest) -> shapes.GetRolePolicyResponse:
    """A role's policy, percent-encoded."""
    role = find_identity(context, IdentityKind.ROLE, request["RoleName"])
    policy = _find(role, request["PolicyName"])
    return {"RoleName": role.name, "PolicyName": policy.name, "PolicyDocument": encoded(policy.document)}


@iam.operation
def delete_role_policy(context: Context, request: shapes.DeleteRolePolicyRequest) -> None:
    """Delete a role's policy."""
    _find(find_identity(context, IdentityKind.ROLE, request["RoleName"]), request["PolicyName"]).delete()


@iam.operation
def list_role_policies(context: Context, request: shapes.ListRolePoliciesRequest) -> shapes.ListRolePoliciesResponse:
    """The names of a role's policies."""
    response: shapes.ListRolePoliciesResponse = _list_names(
        find_identity(context, IdentityKind.ROLE, request["RoleName"]), request
    )
    return response


def _put(identity: Identity, request: Mapping[str, Any]) -> None:
    name, document = request["PolicyName"], request["PolicyDocument"]
    check_permissions_policy(document)
    # The row's lock makes two policies written at once count each other.
    identity = Identity.objects.select_for_update().get(pk=identity.pk)
    others = identity.inline_policies.exclude(name=name).values_list("document", flat=True)
    limit = MAX_TOTAL_SIZE[IdentityKind(identity.kind)]
    if sum(map(size_without_whitespace, (document, *others))) > limit:
        raise shapes.LimitExceededException(
            f"Maximum policy size of {limit} bytes exceeded for {identity.kind} {identity.name}"
        )
    identity.inline_policies.update_or_create(name=name, defaults={"document": document})


def _find(identity: Identity, name: str) -> InlinePolicy:
    policy = identity.inline_policies.filter(name=name).first()
    if policy is None:
        raise shapes.NoSuchEntityException(f"The {identity.kind} policy with name {name} cannot be found.")
    return policy


def _list_names(identity: Identity, request: Mapping[str, Any]) -> Any:
    response: shapes.ListRolePoliciesResponse = list_rows(
        request, "PolicyNames", identity.inline_policies.all(), lambda policy: policy.name
    )
    return response
