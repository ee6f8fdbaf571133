"""Passwords of users for the AWS console, and what an account demands of them. Nothing here logs in with one."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction

from aws_api.core.context import Context, PrincipalType
from aws_api.services.iam import shapes
from aws_api.services.iam.errors import ValidationError
from aws_api.services.iam.identities import find_user
from aws_api.services.iam.models import Identity, LoginProfile, PasswordPolicy
from aws_api.services.iam.service import iam

#: What AWS demands where an account has no policy of its own.
_DEFAULT_POLICY: Mapping[str, Any] = {
    "MinimumPasswordLength": 6,
    "RequireSymbols": False,
    "RequireNumbers": False,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False,
    "AllowUsersToChangePassword": False,
}
_SYMBOLS = frozenset("!@#$%^&*()_+-=[]{}|'")


@iam.operation
def create_login_profile(
    context: Context, request: shapes.CreateLoginProfileRequest
) -> shapes.CreateLoginProfileResponse:
    """Give a user a password."""
    user = find_user(context, request.get("UserName"))
    password = request.get("Password", "")
    _check(context, password)
    try:
        with transaction.atomic():
            login = LoginProfile.objects.create(
                user=user,
                password_hash=make_password(password),
                reset_required=request.get("PasswordResetRequired", False),
                created_at=context.clock.now(),
            )
    except IntegrityError:
        raise shapes.EntityAlreadyExistsException(f"Login Profile for user {user.name} already exists.") from None
    return {"LoginProfile": _describe(login)}


@iam.operation
def get_login_profile(context: Context, request: shapes.GetLoginProfileRequest) -> shapes.GetLoginProfileResponse:
    """When a user got a password, and whether it must be changed."""
    return {"LoginProfile": _describe(_find(find_user(context, request.get("UserName"))))}


@iam.operation
def update_login_profile(context: Context, request: shapes.UpdateLoginProfileRequest) -> None:
    """Change a user's password, or demand that it be changed."""
    login = _find(find_user(context, request["UserName"]))
    if password := request.get("Password"):
        _check(context, password)
        login.password_hash = make_password(password)
    login.reset_required = request.get("PasswordResetRequired", login.reset_required)
    login.save(update_fields=["password_hash", "reset_required"])


@iam.operation
def delete_login_profile(context: Context, request: shapes.DeleteLoginProfileRequest) -> None:
    """Take a user's password away."""
    _find(find_user(context, request.get("UserName"))).delete()


@iam.operation
def change_password(context: Context, request: shapes.ChangePasswordRequest) -> None:
    """Let the calling user change its own password."""
    if context.principal.type is not PrincipalType.USER:
        raise shapes.InvalidUserTypeException("Only an IAM user can change its own password.")
    login = _find(find_user(context, None))
    if not check_password(request["OldPassword"], login.password_hash):
        raise shapes.PasswordPolicyViolationException("The old password was incorrect.")
    _check(context, request["NewPassword"])
    login.password_hash = make_password(request["NewPassword"])
    login.reset_required = False
    login.save(update_fields=["password_hash", "reset_required"])


@iam.operation
def update_account_password_policy(context: Context, request: shapes.UpdateAccountPasswordPolicyRequest) -> None:
    """Set what passwords must be; what is not given goes back to AWS's default."""
    age = request.get("MaxPasswordAge")
    document = {**_DEFAULT_POLICY, **request, "ExpirePasswords": age is not None}
    PasswordPolicy.objects.update_or_create(account_id=context.account_id, defaults={"document": document})


@iam.operation
def get_account_password_policy(
    context: Context, request: Mapping[str, Any]
) -> shapes.GetAccountPasswordPolicyResponse:
    """What passwords must be, where the account has said so."""
    policy = PasswordPolicy.objects.filter(account_id=context.account_id).first()
    if policy is None:
        raise _no_policy(context)
    return {"PasswordPolicy": policy.document}


@iam.operation
def delete_account_password_policy(context: Context, request: Mapping[str, Any]) -> None:
    """Go back to AWS's default."""
    deleted, _ = PasswordPolicy.objects.filter(account_id=context.account_id).delete()
    if not deleted:
        raise _no_policy(context)


def _no_policy(context: Context) -> shapes.NoSuchEntityException:
    return shapes.NoSuchEntityException(f"The Password Policy with domain name {context.account_id} cannot be found.")


def _find(user: Identity) -> LoginProfile:
    login = LoginProfile.objects.filter(user=user).select_related("user").first()
    if login is None:
        raise shapes.NoSuchEntityException(f"Login Profile for User {user.name} cannot be found.")
    return login


def _describe(login: LoginProfile) -> shapes.LoginProfile:
    return {
        "UserName": login.user.name,
        "CreateDate": login.created_at,
        "PasswordResetRequired": login.reset_required,
    }


def _check(context: Context, password: str) -> None:
    """Raise PasswordPolicyViolation where a password is not what the account demands."""
    if not password:
        raise ValidationError("Must specify a password.")
    own = PasswordPolicy.objects.filter(account_id=context.account_id).first()
    policy = own.document if own else _DEFAULT_POLICY
    lacks = (
        ("RequireSymbols", not _SYMBOLS & set(password), "must have at least one symbol"),
        ("RequireNumbers", not any(map(str.isdigit, password)), "must have at least one number"),
        ("RequireUppercaseCharacters", password == password.lower(), "must have at least one uppercase character"),
        ("RequireLowercaseCharacters", password == password.upper(), "must have at least one lowercase character"),
    )
    if len(password) < policy["MinimumPasswordLength"]:
        raise shapes.PasswordPolicyViolationException(
            f"Password should have a minimum length of {policy['MinimumPasswordLength']}"
        )
    for demand, is_lacking, wording in lacks:
        if policy.get(demand) and is_lacking:
            raise shapes.PasswordPolicyViolationException(f"Password {wording}")
