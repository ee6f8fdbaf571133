"""Users."""

from typing import Any

from aws_api.core.context import Context
from aws_api.core.models import Account
from aws_api.core.tags import tags_to_list
from aws_api.services.iam import shapes
from aws_api.services.iam.credentials import forget_credential
from aws_api.services.iam.describe import describe_user
from aws_api.services.iam.identities import (
    create_identity,
    delete_identity,
    find_identity,
    find_user,
    identities,
    rename_identity,
)
from aws_api.services.iam.listing import list_items, list_rows
from aws_api.services.iam.models import IdentityKind
from aws_api.services.iam.policies import require_policy
from aws_api.services.iam.service import iam
from aws_api.services.iam.tagging import add_tags, new_tags, remove_tags


@iam.operation
def create_user(context: Context, request: shapes.CreateUserRequest) -> shapes.CreateUserResponse:
    """Make a user."""
    document: dict[str, Any] = {}
    if boundary := request.get("PermissionsBoundary"):
        document["PermissionsBoundary"] = require_policy(context, boundary).arn
    user = create_identity(
        context,
        IdentityKind.USER,
        request["UserName"],
        request.get("Path"),
        tags=new_tags(request.get("Tags")),
        document=document,
    )
    return {"User": describe_user(user, in_full=True)}


@iam.operation
def get_user(context: Context, request: shapes.GetUserRequest) -> shapes.GetUserResponse:
    """A user; without a name the caller, who may be root."""
    name, principal = request.get("UserName"), context.principal
    if name is None and principal.is_root:
        account = Account.objects.filter(account_id=principal.account_id).first()
        root = {"UserId": principal.user_id, "Arn": principal.arn}
        return {"User": {**root, "CreateDate": account.created_at} if account else root}  # type: ignore[typeddict-item]
    return {"User": describe_user(find_user(context, name), in_full=True)}


@iam.operation
def list_users(context: Context, request: shapes.ListUsersRequest) -> shapes.ListUsersResponse:
    """Users below a path."""
    users = identities(context, IdentityKind.USER, request.get("PathPrefix"))
    response: shapes.ListUsersResponse = list_rows(request, "Users", users, describe_user)
    return response


@iam.operation
def update_user(context: Context, request: shapes.UpdateUserRequest) -> None:
    """Change a user's name or path; its keys act under the new ARN at once."""
    user = find_identity(context, IdentityKind.USER, request["UserName"])
    rename_identity(user, request.get("NewUserName"), request.get("NewPath"))
    for key in user.access_keys.all():
        forget_credential(key.access_key_id)


@iam.operation
def delete_user(context: Context, request: shapes.DeleteUserRequest) -> None:
    """Delete a user who has nothing left."""
    delete_identity(find_identity(context, IdentityKind.USER, request["UserName"]))


@iam.operation
def tag_user(context: Context, request: shapes.TagUserRequest) -> None:
    """Add tags."""
    add_tags(find_identity(context, IdentityKind.USER, request["UserName"]), request["Tags"])


@iam.operation
def untag_user(context: Context, request: shapes.UntagUserRequest) -> None:
    """Remove tags."""
    remove_tags(find_identity(context, IdentityKind.USER, request["UserName"]), request["TagKeys"])


@iam.operation
def list_user_tags(context: Context, request: shapes.ListUserTagsRequest) -> shapes.ListUserTagsResponse:
    """A user's tags."""
    user = find_identity(context, IdentityKind.USER, request["UserName"])
    response: shapes.ListUserTagsResponse = list_items(request, "Tags", tags_to_list(user.tags), dict)
    return response
