"""Groups and who is in them."""

from aws_api.core.context import Context
from aws_api.services.iam import shapes
from aws_api.services.iam.describe import describe_group, describe_user
from aws_api.services.iam.identities import (
    create_identity,
    delete_identity,
    find_identity,
    identities,
    rename_identity,
)
from aws_api.services.iam.listing import list_rows
from aws_api.services.iam.models import IdentityKind
from aws_api.services.iam.service import iam

MAX_GROUPS_PER_USER = 10


@iam.operation
def create_group(context: Context, request: shapes.CreateGroupRequest) -> shapes.CreateGroupResponse:
    """Make a group."""
    group = create_identity(context, IdentityKind.GROUP, request["GroupName"], request.get("Path"))
    return {"Group": describe_group(group)}


@iam.operation
def get_group(context: Context, request: shapes.GetGroupRequest) -> shapes.GetGroupResponse:
    """A group and a page of its users."""
    group = find_identity(context, IdentityKind.GROUP, request["GroupName"])
    response: shapes.GetGroupResponse = list_rows(request, "Users", group.members.all(), describe_user)
    response["Group"] = describe_group(group)
    return response


@iam.operation
def list_groups(context: Context, request: shapes.ListGroupsRequest) -> shapes.ListGroupsResponse:
    """Groups below a path."""
    groups = identities(context, IdentityKind.GROUP, request.get("PathPrefix"))
    response: shapes.ListGroupsResponse = list_rows(request, "Groups", groups, describe_group)
    return response


@iam.operation
def list_groups_for_user(
    context: Context, request: shapes.ListGroupsForUserRequest
) -> shapes.ListGroupsForUserResponse:
    """The groups that a user is in."""
    user = find_identity(context, IdentityKind.USER, request["UserName"])
    response: shapes.ListGroupsForUserResponse = list_rows(request, "Groups", user.groups.all(), describe_group)
    return response


@iam.operation
def update_group(context: Context, request: shapes.UpdateGroupRequest) -> None:
    """Change a group's name or path."""
    group = find_identity(context, IdentityKind.GROUP, request["GroupName"])
    rename_identity(group, request.get("NewGroupName"), request.get("NewPath"))


@iam.operation
def delete_group(context: Context, request: shapes.DeleteGroupRequest) -> None:
    """Delete an empty group without policies."""
    delete_identity(find_identity(context, IdentityKind.GROUP, request["GroupName"]))


@iam.operation
def add_user_to_group(context: Context, request: shapes.AddUserToGroupRequest) -> None:
    """Put a user into a group; being in it already is harmless."""
    group = find_identity(context, IdentityKind.GROUP, request["GroupName"])
    user = find_identity(context, IdentityKind.USER, request["UserName"])
    if user.groups.exclude(pk=group.pk).count() >= MAX_GROUPS_PER_USER:
        raise shapes.LimitExceededException(f"Cannot exceed quota for GroupsPerUser: {MAX_GROUPS_PER_USER}")
    user.groups.add(group)


@iam.operation
def remove_user_from_group(context: Context, request: shapes.RemoveUserFromGroupRequest) -> None:
    """Take a user out of a group."""
    group = find_identity(context, IdentityKind.GROUP, request["GroupName"])
    user = find_identity(context, IdentityKind.USER, request["UserName"])
    if not user.groups.filter(pk=group.pk).exists():
        raise shapes.NoSuchEntityException(f"User {user.name} is not in group {group.name}.")
    user.groups.remove(group)
