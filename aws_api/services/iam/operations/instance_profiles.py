"""Instance profiles: a role as EC2 instances carry it."""

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from aws_api.core.context import Context
from aws_api.core.ids import new_iam_id
from aws_api.core.tags import tags_to_list
from aws_api.services.iam import shapes
from aws_api.services.iam.describe import describe_instance_profile
from aws_api.services.iam.identities import find_identity
from aws_api.services.iam.listing import list_items, list_rows
from aws_api.services.iam.models import IdentityKind, InstanceProfile
from aws_api.services.iam.service import REGION, iam
from aws_api.services.iam.tagging import add_tags, new_tags, remove_tags

MAX_PROFILES = 1000


@iam.operation
def create_instance_profile(
    context: Context, request: shapes.CreateInstanceProfileRequest
) -> shapes.CreateInstanceProfileResponse:
    """Make a profile without a role."""
    name = request["InstanceProfileName"]
    if _profiles(context).count() >= MAX_PROFILES:
        raise shapes.LimitExceededException(f"Cannot exceed quota for InstanceProfilesPerAccount: {MAX_PROFILES}")
    try:
        with transaction.atomic():
            profile = InstanceProfile.objects.create(
                account_id=context.account_id,
                region=REGION,
                name=name,
                path=request.get("Path") or "/",
                unique_id=context.forced_id("InstanceProfileId") or new_iam_id("AIPA"),
                tags=new_tags(request.get("Tags")),
                created_at=context.clock.now(),
            )
    except IntegrityError:
        raise shapes.EntityAlreadyExistsException(f"Instance Profile {name} already exists.") from None
    return {"InstanceProfile": describe_instance_profile(profile, in_full=True)}


@iam.operation
def get_instance_profile(
    context: Context, request: shapes.GetInstanceProfileRequest
) -> shapes.GetInstanceProfileResponse:
    """A profile and its role."""
    profile = _find(context, request["InstanceProfileName"])
    return {"InstanceProfile": describe_instance_profile(profile, in_full=True)}


@iam.operation
def list_instance_profiles(
    context: Context, request: shapes.ListInstanceProfilesRequest
) -> shapes.ListInstanceProfilesResponse:
    """Profiles below a path."""
    profiles = _profiles(context).filter(path__startswith=request.get("PathPrefix") or "/")
    response: shapes.ListInstanceProfilesResponse = list_rows(
        request, "InstanceProfiles", profiles, describe_instance_profile
    )
    return response


@iam.operation
def list_instance_profiles_for_role(
    context: Context, request: shapes.ListInstanceProfilesForRoleRequest
) -> shapes.ListInstanceProfilesForRoleResponse:
    """The profiles that carry a role."""
    role = find_identity(context, IdentityKind.ROLE, request["RoleName"])
    response: shapes.ListInstanceProfilesForRoleResponse = list_rows(
        request, "InstanceProfiles", _profiles(context).filter(role=role), describe_instance_profile
    )
    return response


@iam.operation
def add_role_to_instance_profile(context: Context, request: shapes.AddRoleToInstanceProfileRequest) -> None:
    """Put the one role into a profile."""
    profile = _find(context, request["InstanceProfileName"])
    role = find_identity(context, IdentityKind.ROLE, request["RoleName"])
    # Compare and swap: of two additions at once, one finds the place taken.
    if not InstanceProfile.objects.filter(pk=profile.pk, role=None).update(role=role):
        raise shapes.LimitExceededException("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")


@iam.operation
def remove_role_from_instance_profile(context: Context, request: shapes.RemoveRoleFromInstanceProfileRequest) -> None:
    """Take the role out of a profile."""
    profile = _find(context, request["InstanceProfileName"])
    role = find_identity(context, IdentityKind.ROLE, request["RoleName"])
    if not InstanceProfile.objects.filter(pk=profile.pk, role=role).update(role=None):
        raise shapes.NoSuchEntityException(f"Role {role.name} in Instance Profile {profile.name} cannot be found.")


@iam.operation
def delete_instance_profile(context: Context, request: shapes.DeleteInstanceProfileRequest) -> None:
    """Delete a profile without a role."""
    profile = _find(context, request["InstanceProfileName"])
    if profile.role is not None:
        raise shapes.DeleteConflictException("Cannot delete entity, must remove roles from instance profile first.")
    profile.delete()


@iam.operation
def tag_instance_profile(context: Context, request: shapes.TagInstanceProfileRequest) -> None:
    """Add tags."""
    add_tags(_find(context, request["InstanceProfileName"]), request["Tags"])


@iam.operation
def untag_instance_profile(context: Context, request: shapes.UntagInstanceProfileRequest) -> None:
    """Remove tags."""
    remove_tags(_find(context, request["InstanceProfileName"]), request["TagKeys"])


@iam.operation
def list_instance_profile_tags(
    context: Context, request: shapes.ListInstanceProfileTagsRequest
) -> shapes.ListInstanceProfileTagsResponse:
    """A profile's tags."""
    tags = tags_to_list(_find(context, request["InstanceProfileName"]).tags)
    response: shapes.ListInstanceProfileTagsResponse = list_items(request, "Tags", tags, dict)
    return response


def _profiles(context: Context) -> QuerySet[InstanceProfile]:
    return InstanceProfile.objects.filter(account_id=context.account_id).select_related("role")


def _find(context: Context, name: str) -> InstanceProfile:
    profile = _profiles(context).filter(name__iexact=name).first()
    if profile is None:
        raise shapes.NoSuchEntityException(f"Instance Profile {name} cannot be found.")
    return profile
