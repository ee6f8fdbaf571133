"""Users' access keys."""

from aws_api.core.context import Context
from aws_api.core.ids import new_access_key_id, new_secret_access_key
from aws_api.services.iam import shapes
from aws_api.services.iam.describe import describe_access_key
from aws_api.services.iam.identities import find_user
from aws_api.services.iam.listing import list_rows
from aws_api.services.iam.models import AccessKey, AccessKeyStatus, Identity
from aws_api.services.iam.service import iam

MAX_KEYS_PER_USER = 2


@iam.operation
def create_access_key(context: Context, request: shapes.CreateAccessKeyRequest) -> shapes.CreateAccessKeyResponse:
    """Make a key; its secret is in this answer alone."""
    user = find_user(context, request.get("UserName"))
    # The row's lock makes two creations at once count each other.
    user = Identity.objects.select_for_update().get(pk=user.pk)
    if user.access_keys.count() >= MAX_KEYS_PER_USER:
        raise shapes.LimitExceededException(f"Cannot exceed quota for AccessKeysPerUser: {MAX_KEYS_PER_USER}")
    key = AccessKey.objects.create(
        user=user,
        access_key_id=context.forced_id("AccessKeyId") or new_access_key_id(),
        secret_access_key=new_secret_access_key(),
        created_at=context.clock.now(),
    )
    return {
        "AccessKey": {
            "UserName": user.name,
            "AccessKeyId": key.access_key_id,
            "Status": "Active",
            "SecretAccessKey": key.secret_access_key,
            "CreateDate": key.created_at,
        }
    }


@iam.operation
def list_access_keys(context: Context, request: shapes.ListAccessKeysRequest) -> shapes.ListAccessKeysResponse:
    """A user's keys, without secrets."""
    user = find_user(context, request.get("UserName"))
    response: shapes.ListAccessKeysResponse = list_rows(
        request, "AccessKeyMetadata", user.access_keys.select_related("user"), describe_access_key, by="access_key_id"
    )
    return response


@iam.operation
def update_access_key(context: Context, request: shapes.UpdateAccessKeyRequest) -> None:
    """Switch a key on or off."""
    key = _find_key(context, request.get("UserName"), request["AccessKeyId"])
    key.status = AccessKeyStatus(request["Status"])
    key.save(update_fields=["status"])


@iam.operation
def delete_access_key(context: Context, request: shapes.DeleteAccessKeyRequest) -> None:
    """Delete a key; it signs nothing from now on."""
    _find_key(context, request.get("UserName"), request["AccessKeyId"]).delete()


@iam.operation
def get_access_key_last_used(
    context: Context, request: shapes.GetAccessKeyLastUsedRequest
) -> shapes.GetAccessKeyLastUsedResponse:
    """When, where and for which service a key was last used."""
    key = (
        AccessKey.objects.filter(access_key_id=request["AccessKeyId"], user__account_id=context.account_id)
        .select_related("user")
        .first()
    )
    if key is None:
        raise _no_such_key(request["AccessKeyId"])
    last_used: shapes.AccessKeyLastUsed = {
        "ServiceName": key.last_used_service or "N/A",
        "Region": key.last_used_region or "N/A",
    }
    if key.last_used_at is not None:
        last_used["LastUsedDate"] = key.last_used_at
    return {"UserName": key.user.name, "AccessKeyLastUsed": last_used}


def _find_key(context: Context, user_name: str | None, access_key_id: str) -> AccessKey:
    key = find_user(context, user_name).access_keys.filter(access_key_id=access_key_id).first()
    if key is None:
        raise _no_such_key(access_key_id)
    return key


def _no_such_key(access_key_id: str) -> shapes.NoSuchEntityException:
    return shapes.NoSuchEntityException(f"The Access Key with id {access_key_id} cannot be found.")
