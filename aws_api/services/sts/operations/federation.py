"""Temporary credentials of the caller itself, and of users that only the caller knows.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html
"""

from datetime import timedelta

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.context import Context, Principal, PrincipalType
from aws_api.core.errors import AccessDeniedException
from aws_api.core.tags import tags_from_list
from aws_api.services.sts.mfa import refuse_mfa
from aws_api.services.sts.service import sts
from aws_api.services.sts.session_policies import packed_percentage, session_policies
from aws_api.services.sts.sessions import PREFIX, open_session
from aws_api.services.sts.shapes import (
    GetFederationTokenRequest,
    GetFederationTokenResponse,
    GetSessionTokenRequest,
    GetSessionTokenResponse,
)

DEFAULT_SESSION_S = 12 * 3600
#: Longest for sessions of the root user.
MAX_ROOT_SESSION_S = 3600


@sts.operation
def get_session_token(context: Context, request: GetSessionTokenRequest) -> GetSessionTokenResponse:
    """Temporary credentials of the calling user itself."""
    principal = _lasting_principal(context, "GetSessionToken")
    refuse_mfa(request)
    duration = _duration(principal, request.get("DurationSeconds"))
    return {"Credentials": open_session(principal, duration, SYSTEM_CLOCK.now()).describe()}


@sts.operation
def get_federation_token(context: Context, request: GetFederationTokenRequest) -> GetFederationTokenResponse:
    """Temporary credentials for a name of the caller's choice: what both the caller and the policies allow."""
    issuer = _lasting_principal(context, "GetFederationToken")
    policies = session_policies(context, request)
    tags = tags_from_list(request.get("Tags"))
    name, account_id = request["Name"], issuer.account_id
    federated = Principal(
        type=PrincipalType.FEDERATED_USER,
        arn=f"arn:aws:sts::{account_id}:federated-user/{name}",
        account_id=account_id,
        user_id=f"{account_id}:{name}",
        session_policies=policies,
        session_tags=tags,
        issuer_id="" if issuer.is_root else issuer.user_id,
    )
    session = open_session(federated, _duration(issuer, request.get("DurationSeconds")), SYSTEM_CLOCK.now())
    response: GetFederationTokenResponse = {
        "Credentials": session.describe(),
        "FederatedUser": {"FederatedUserId": federated.user_id, "Arn": federated.arn},
    }
    if policies or tags:
        response["PackedPolicySize"] = packed_percentage(policies, tags)
    return response


def _lasting_principal(context: Context, operation: str) -> Principal:
    """The caller, who signed with a lasting key. Raises AccessDenied."""
    principal = context.principal
    if principal.type not in (PrincipalType.ROOT, PrincipalType.USER) or principal.access_key_id.startswith(PREFIX):
        raise AccessDeniedException(f"Cannot call {operation} with session credentials")
    return principal


def _duration(principal: Principal, wanted_s: int | None) -> timedelta:
    duration_s = wanted_s or DEFAULT_SESSION_S
    return timedelta(seconds=min(duration_s, MAX_ROOT_SESSION_S) if principal.is_root else duration_s)
