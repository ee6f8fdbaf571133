"""Permissions boundaries of users and roles."""

from aws_api.core.context import Context
from aws_api.services.iam import shapes
from aws_api.services.iam.identities import find_identity, set_boundary
from aws_api.services.iam.models import IdentityKind
from aws_api.services.iam.service import iam


@iam.operation
def put_user_permissions_boundary(context: Context, request: shapes.PutUserPermissionsBoundaryRequest) -> None:
    """Set the most that a user's policies can allow."""
    user = find_identity(context, IdentityKind.USER, request["UserName"])
    set_boundary(context, user, request["PermissionsBoundary"])


@iam.operation
def delete_user_permissions_boundary(context: Context, request: shapes.DeleteUserPermissionsBoundaryRequest) -> None:
    """Lift a user's boundary."""
    set_boundary(context, find_identity(context, IdentityKind.USER, request["UserName"]), None)


@iam.operation
def put_role_permissions_boundary(context: Context, request: shapes.PutRolePermissionsBoundaryRequest) -> None:
    """Set the most that a role's policies can allow."""
    role = find_identity(context, IdentityKind.ROLE, request["RoleName"])
    set_boundary(context, role, request["PermissionsBoundary"])


@iam.operation
def delete_role_permissions_boundary(context: Context, request: shapes.DeleteRolePermissionsBoundaryRequest) -> None:
    """Lift a role's boundary."""
    set_boundary(context, find_identity(context, IdentityKind.ROLE, request["RoleName"]), None)
