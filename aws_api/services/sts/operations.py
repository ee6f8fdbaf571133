"""The operations of STS. https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import orjson

from aws_api.core.arns import Arn
from aws_api.core.authorization import find_credential
from aws_api.core.context import Context, Principal, PrincipalType, internal_context
from aws_api.core.errors import AccessDeniedException, AwsError
from aws_api.core.invoke import invoke
from aws_api.core.tags import tags_from_list
from aws_api.services.sts.errors import ValidationError
from aws_api.services.sts.service import sts
from aws_api.services.sts.sessions import PREFIX, account_of_key_id, open_session
from aws_api.services.sts.shapes import (
    AssumeRoleRequest,
    AssumeRoleResponse,
    GetAccessKeyInfoRequest,
    GetAccessKeyInfoResponse,
    GetCallerIdentityRequest,
    GetCallerIdentityResponse,
    GetSessionTokenRequest,
    GetSessionTokenResponse,
    MalformedPolicyDocumentException,
    PackedPolicyTooLargeException,
)

DEFAULT_SESSION_S = 12 * 3600
DEFAULT_ROLE_SESSION_S = 3600
#: Longest for sessions of the root user and for a role assumed from a role's session.
MAX_SHORT_SESSION_S = 3600
#: AWS packs policies and tags into the token; this much plain text is what surely fits.
MAX_PACKED_POLICY_BYTES = 2048


@sts.operation
async def get_caller_identity(context: Context, request: GetCallerIdentityRequest) -> GetCallerIdentityResponse:
    """Say whose credentials signed the request."""
    principal = context.principal
    return {"UserId": principal.user_id, "Account": principal.account_id, "Arn": principal.arn}


@sts.operation
async def get_access_key_info(context: Context, request: GetAccessKeyInfoRequest) -> GetAccessKeyInfoResponse:
    """Say which account an access key belongs to."""
    access_key_id = request["AccessKeyId"]
    if access_key_id.startswith(PREFIX):
        try:
            return {"Account": account_of_key_id(access_key_id)}
        except ValueError:
            raise ValidationError("Invalid Access Key ID") from None
    credential = await find_credential(access_key_id)
    if credential is None:
        raise ValidationError("Invalid Access Key ID")
    return {"Account": credential.principal.account_id}


@sts.operation
def get_session_token(context: Context, request: GetSessionTokenRequest) -> GetSessionTokenResponse:
    """Temporary credentials of the calling user itself."""
    principal = context.principal
    if principal.type not in (PrincipalType.ROOT, PrincipalType.USER) or principal.access_key_id.startswith(PREFIX):
        raise AccessDeniedException("Cannot call GetSessionToken with session credentials")
    duration_s = request.get("DurationSeconds") or DEFAULT_SESSION_S
    if principal.is_root:
        duration_s = min(duration_s, MAX_SHORT_SESSION_S)
    session = open_session(principal, timedelta(seconds=duration_s), context.clock.now())
    return {"Credentials": session.describe()}


@sts.operation
def assume_role(context: Context, request: AssumeRoleRequest) -> AssumeRoleResponse:
    """Temporary credentials of a role. Raises AccessDenied where the role is not there or does not trust the caller."""
    role_arn, session_name = request["RoleArn"], request["RoleSessionName"]
    role = _trusting_role(context, role_arn)
    duration_s = request.get("DurationSeconds") or DEFAULT_ROLE_SESSION_S
    _check_duration(context.principal, duration_s, role["MaxSessionDuration"])
    policies = _session_policies(context, request)
    account_id = Arn.parse(role_arn).account_id
    assumed_role_id = f"{role['RoleId']}:{session_name}"
    assumed_role_arn = f"arn:aws:sts::{account_id}:assumed-role/{role['RoleName']}/{session_name}"
    session = open_session(
        Principal(
            type=PrincipalType.ASSUMED_ROLE,
            arn=assumed_role_arn,
            account_id=account_id,
            user_id=assumed_role_id,
            session_policies=policies,
            session_tags=tags_from_list(request.get("Tags")),
        ),
        timedelta(seconds=duration_s),
        context.clock.now(),
    )
    response: AssumeRoleResponse = {
        "Credentials": session.describe(),
        "AssumedRoleUser": {"AssumedRoleId": assumed_role_id, "Arn": assumed_role_arn},
    }
    if policies:
        response["PackedPolicySize"] = _packed_size(policies) * 100 // MAX_PACKED_POLICY_BYTES
    if source_identity := request.get("SourceIdentity"):
        response["SourceIdentity"] = source_identity
    return response


def _trusting_role(context: Context, role_arn: str) -> Mapping[str, Any]:
    denied = AccessDeniedException(
        f"User: {context.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
    )
    try:
        arn = Arn.parse(role_arn)
    except ValueError:
        raise ValidationError(f"{role_arn} is invalid") from None
    if arn.service != "iam" or not arn.resource.startswith("role/"):
        raise ValidationError(f"{role_arn} is invalid")
    if not _is_trusted(context.principal, arn.account_id):
        raise denied
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


def _is_trusted(principal: Principal, role_account_id: str) -> bool:
    """Whether a role trusts a caller: the principals of its own account and AWS services."""
    return principal.type is PrincipalType.SERVICE or principal.account_id == role_account_id


def _check_duration(principal: Principal, duration_s: int, max_session_s: int) -> None:
    if principal.type is PrincipalType.ASSUMED_ROLE and duration_s > MAX_SHORT_SESSION_S:
        raise ValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    if duration_s > max_session_s:
        raise ValidationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def _session_policies(context: Context, request: AssumeRoleRequest) -> tuple[str, ...]:
    """The documents that narrow the session: the inline one and those of the named managed policies."""
    policies: list[str] = []
    if inline := request.get("Policy"):
        try:
            is_object = isinstance(orjson.loads(inline), dict)
        except orjson.JSONDecodeError:
            is_object = False
        if not is_object:
            raise MalformedPolicyDocumentException("The policy is not in the valid JSON format.")
        policies.append(inline)
    if _packed_size(policies) > MAX_PACKED_POLICY_BYTES:
        raise PackedPolicyTooLargeException(
            f"Packed size of session policy and session tags consumes "
            f"{_packed_size(policies) * 100 // MAX_PACKED_POLICY_BYTES}% of allotted space."
        )
    return (*policies, *(_managed_policy(context, policy["arn"]) for policy in request.get("PolicyArns") or ()))


def _managed_policy(context: Context, policy_arn: str) -> str:
    owner = internal_context(context.account_id, context.region, context.clock)
    policy = invoke(owner, "iam", "GetPolicy", {"PolicyArn": policy_arn})["Policy"]
    version = {"PolicyArn": policy_arn, "VersionId": policy["DefaultVersionId"]}
    return unquote(invoke(owner, "iam", "GetPolicyVersion", version)["PolicyVersion"]["Document"])


def _packed_size(policies: Sequence[str]) -> int:
    return sum(len(policy.encode()) for policy in policies)
