"""Roles."""

from typing import Any

from aws_api.core.context import Context
from aws_api.core.tags import tags_to_list
from aws_api.services.iam import shapes
from aws_api.services.iam.describe import describe_role
from aws_api.services.iam.documents import check_trust_policy, size_without_whitespace
from aws_api.services.iam.identities import create_identity, delete_identity, find_identity, identities
from aws_api.services.iam.listing import list_items, list_rows
from aws_api.services.iam.models import Identity, IdentityKind
from aws_api.services.iam.policies import require_policy
from aws_api.services.iam.service import iam
from aws_api.services.iam.tagging import add_tags, new_tags, remove_tags

DEFAULT_MAX_SESSION_S = 3600
MAX_TRUST_POLICY_SIZE = 2048
SERVICE_LINKED_PATH = "/aws-service-role/"


@iam.operation
def create_role(context: Context, request: shapes.CreateRoleRequest) -> shapes.CreateRoleResponse:
    """Make a role that whom its trust policy names may assume."""
    path = request.get("Path") or "/"
    if path.startswith(SERVICE_LINKED_PATH):
        raise shapes.InvalidInputException(
            "Path /aws-service-role/ is reserved for service linked roles. Use CreateServiceLinkedRole instead."
        )
    _check_trust(request["AssumeRolePolicyDocument"])
    document: dict[str, Any] = {}
    if description := request.get("Description"):
        document["Description"] = description
    if boundary := request.get("PermissionsBoundary"):
        document["PermissionsBoundary"] = require_policy(context, boundary).arn
    role = create_identity(
        context,
        IdentityKind.ROLE,
        request["RoleName"],
        path,
        trust_policy=request["AssumeRolePolicyDocument"],
        max_session_duration_s=request.get("MaxSessionDuration") or DEFAULT_MAX_SESSION_S,
        tags=new_tags(request.get("Tags")),
        document=document,
    )
    return {"Role": describe_role(role, in_full=True)}


@iam.operation
def get_role(context: Context, request: shapes.GetRoleRequest) -> shapes.GetRoleResponse:
    """A role with its trust policy, percent-encoded."""
    return {"Role": describe_role(_find(context, request["RoleName"]), in_full=True)}


@iam.operation
def list_roles(context: Context, request: shapes.ListRolesRequest) -> shapes.ListRolesResponse:
    """Roles below a path."""
    roles = identities(context, IdentityKind.ROLE, request.get("PathPrefix"))
    response: shapes.ListRolesResponse = list_rows(request, "Roles", roles, describe_role)
    return response


@iam.operation
def update_role(context: Context, request: shapes.UpdateRoleRequest) -> shapes.UpdateRoleResponse:
    """Change a role's description or longest session."""
    role = _find_modifiable(context, request["RoleName"])
    if (description := request.get("Description")) is not None:
        role.document["Description"] = description
    role.max_session_duration_s = request.get("MaxSessionDuration") or role.max_session_duration_s
    role.save(update_fields=["document", "max_session_duration_s"])
    return {}


@iam.operation
def update_role_description(
    context: Context, request: shapes.UpdateRoleDescriptionRequest
) -> shapes.UpdateRoleDescriptionResponse:
    """Change a role's description."""
    role = _find(context, request["RoleName"])
    role.document["Description"] = request["Description"]
    role.save(update_fields=["document"])
    return {"Role": describe_role(role, in_full=True)}


@iam.operation
def update_assume_role_policy(context: Context, request: shapes.UpdateAssumeRolePolicyRequest) -> None:
    """Replace a role's trust policy."""
    role = _find_modifiable(context, request["RoleName"])
    _check_trust(request["PolicyDocument"])
    role.trust_policy = request["PolicyDocument"]
    role.save(update_fields=["trust_policy"])


@iam.operation
def delete_role(context: Context, request: shapes.DeleteRoleRequest) -> None:
    """Delete a role without policies and instance profiles."""
    delete_identity(_find_modifiable(context, request["RoleName"]))


@iam.operation
def tag_role(context: Context, request: shapes.TagRoleRequest) -> None:
    """Add tags."""
    add_tags(_find(context, request["RoleName"]), request["Tags"])


@iam.operation
def untag_role(context: Context, request: shapes.UntagRoleRequest) -> None:
    """Remove tags."""
    remove_tags(_find(context, request["RoleName"]), request["TagKeys"])


@iam.operation
def list_role_tags(context: Context, request: shapes.ListRoleTagsRequest) -> shapes.ListRoleTagsResponse:
    """A role's tags."""
    response: shapes.ListRoleTagsResponse = list_items(
        request, "Tags", tags_to_list(_find(context, request["RoleName"]).tags), dict
    )
    return response


def _find(context: Context, name: str) -> Identity:
    return find_identity(context, IdentityKind.ROLE, name)


def _find_modifiable(context: Context, name: str) -> Identity:
    role = _find(context, name)
    if role.path.startswith(SERVICE_LINKED_PATH):
        raise shapes.UnmodifiableEntityException(
            f"Cannot perform the operation on the protected role '{role.name}' - this role is only modifiable by AWS"
        )
    return role


def _check_trust(document: str) -> None:
    if size_without_whitespace(document) > MAX_TRUST_POLICY_SIZE:
        raise shapes.LimitExceededException(f"Cannot exceed quota for ACLSizePerRole: {MAX_TRUST_POLICY_SIZE}")
    check_trust_policy(document)
