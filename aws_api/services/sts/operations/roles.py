"""Temporary credentials of a role.

The permission, with the role's trust policy, is judged before the operation runs (``access_rules``). The root user of
the role's own account may assume it whatever the policy says, as it may do everything here.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aws_api.core.arns import Arn
from aws_api.core.authorization import require_access
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.context import Context, Principal, PrincipalType, internal_context
from aws_api.core.errors import AccessDeniedException, AwsError
from aws_api.core.invoke import invoke
from aws_api.core.tags import tags_from_list
from aws_api.services.sts.access_rules import assume_role_access, is_role_arn
from aws_api.services.sts.errors import ValidationError
from aws_api.services.sts.mfa import refuse_mfa
from aws_api.services.sts.service import sts
from aws_api.services.sts.session_policies import packed_percentage, session_policies
from aws_api.services.sts.sessions import open_session
from aws_api.services.sts.shapes import AssumeRoleRequest, AssumeRoleResponse

DEFAULT_ROLE_SESSION_S = 3600
#: Longest for a role assumed from a role's session.
MAX_CHAINED_SESSION_S = 3600


@sts.operation
def assume_role(context: Context, request: AssumeRoleRequest) -> AssumeRoleResponse:
    """Temporary credentials of a role. Raises AccessDenied where the role is not there or does not trust the caller."""
    role_arn, caller = request["RoleArn"], context.principal
    refuse_mfa(request)
    role = find_role(context, role_arn)
    if caller.is_root and caller.account_id != Arn.parse(role_arn).account_id:
        for access in assume_role_access(request):
            require_access(context, access)
    duration_s = request.get("DurationSeconds") or DEFAULT_ROLE_SESSION_S
    check_duration(duration_s, role, is_chained=caller.type is PrincipalType.ASSUMED_ROLE)
    return open_role_session(
        context,
        request,
        role,
        duration_s,
        session_tags=_session_tags(caller, request),
        transitive_tag_keys=(*caller.transitive_tag_keys, *(request.get("TransitiveTagKeys") or ())),
        source_identity=_source_identity(caller, request),
    )


def open_role_session(
    context: Context, request: Mapping[str, Any], role: Mapping[str, Any], duration_s: int, **session: Any
) -> AssumeRoleResponse:
    """The session that a caller who may gets; ``session`` are members of its principal."""
    account_id, session_name = Arn.parse(role["Arn"]).account_id, request["RoleSessionName"]
    tags = session.get("session_tags", {})
    policies = session_policies(context, request, account_id, tags)
    assumed = Principal(
        type=PrincipalType.ASSUMED_ROLE,
        arn=f"arn:aws:sts::{account_id}:assumed-role/{role['RoleName']}/{session_name}",
        account_id=account_id,
        user_id=f"{role['RoleId']}:{session_name}",
        session_policies=policies,
        **session,
    )
    opened = open_session(assumed, timedelta(seconds=duration_s), SYSTEM_CLOCK.now())
    response: AssumeRoleResponse = {
        "Credentials": opened.describe(),
        "AssumedRoleUser": {"AssumedRoleId": assumed.user_id, "Arn": assumed.arn},
    }
    if policies or tags:
        response["PackedPolicySize"] = packed_percentage(policies, tags)
    if assumed.source_identity:
        response["SourceIdentity"] = assumed.source_identity
    return response


def find_role(context: Context, role_arn: str) -> Mapping[str, Any]:
    """The role of an ARN, as IAM describes it. Raises AccessDenied where there is none: nobody learns which exist."""
    if not is_role_arn(role_arn):
        raise ValidationError(f"{role_arn} is invalid")
    denied = AccessDeniedException(
        f"User: {context.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
    )
    arn = Arn.parse(role_arn)
    owner = internal_context(arn.account_id, context.region, context.clock)
    try:
        role: Mapping[str, Any] = invoke(owner, "iam", "GetRole", {"RoleName": arn.resource.rpartition("/")[2]})["Role"]
    except AwsError as error:
        if error.code != "NoSuchEntityException":
            raise
        raise denied from error
    if role["Arn"] != role_arn:
        raise denied
    return role


def check_duration(duration_s: int, role: Mapping[str, Any], *, is_chained: bool = False) -> None:
    """Raise ValidationError where a session would be longer than its role, or a chain of roles, allows."""
    if is_chained and duration_s > MAX_CHAINED_SESSION_S:
        raise ValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    if duration_s > role["MaxSessionDuration"]:
        raise ValidationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def _session_tags(caller: Principal, request: AssumeRoleRequest) -> Mapping[str, str]:
    """The tags asked for, and those of the calling session that go along a chain of roles."""
    pairs = request.get("Tags") or []
    tags = tags_from_list(pairs)
    if len({key.lower() for key in tags}) != len(pairs):
        raise ValidationError("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    unknown = [key for key in request.get("TransitiveTagKeys") or () if key not in tags]
    if unknown:
        raise ValidationError("The specified transitive tag key must be included in the requested tags.")
    inherited = {key: caller.session_tags[key] for key in caller.transitive_tag_keys if key in caller.session_tags}
    if {key.lower() for key in inherited} & {key.lower() for key in tags}:
        raise ValidationError(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
            "from the calling session."
        )
    return {**tags, **inherited}


def _source_identity(caller: Principal, request: AssumeRoleRequest) -> str:
    """Once set it stays, along every chain of roles."""
    wanted = request.get("SourceIdentity", "")
    if caller.source_identity and wanted and wanted != caller.source_identity:
        raise AccessDeniedException("The source identity of a session cannot be changed.")
    return caller.source_identity or wanted
