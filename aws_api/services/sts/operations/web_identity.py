"""Roles for whom an OpenID Connect provider vouches.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

from collections.abc import Mapping
from typing import Any

from aws_api.core.arns import Arn
from aws_api.core.authorization import require_access
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.context import Context, Principal, PrincipalType, internal_context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import invoke
from aws_api.services.sts.operations.roles import (
    DEFAULT_ROLE_SESSION_S,
    check_duration,
    find_role,
    open_role_session,
)
from aws_api.services.sts.service import sts
from aws_api.services.sts.shapes import (
    AssumeRoleWithWebIdentityRequest,
    AssumeRoleWithWebIdentityResponse,
    InvalidIdentityTokenException,
)
from aws_api.services.sts.web_tokens import Claims, read_token, verify_token

ACTION = "sts:AssumeRoleWithWebIdentity"


@sts.operation(is_unsigned=True)
def assume_role_with_web_identity(
    context: Context, request: AssumeRoleWithWebIdentityRequest
) -> AssumeRoleWithWebIdentityResponse:
    """Temporary credentials of a role that trusts the provider which signed the token.

    Raises InvalidIdentityToken, ExpiredToken, IDPCommunicationError, AccessDenied.
    """
    token = read_token(request["WebIdentityToken"])
    role = find_role(context, request["RoleArn"])
    account_id = Arn.parse(role["Arn"]).account_id
    provider_arn, provider = _provider(context, account_id, token.issuer)
    claims = verify_token(token, provider, SYSTEM_CLOCK.now())
    caller = Principal(
        type=PrincipalType.ANONYMOUS,
        arn=provider_arn,
        account_id=account_id,
        user_id=claims.subject,
        provider=provider_arn,
    )
    require_access(context.as_principal(caller), (ACTION, role["Arn"], _keys(provider["Url"], request, claims)))
    duration_s = request.get("DurationSeconds") or DEFAULT_ROLE_SESSION_S
    check_duration(duration_s, role)
    opened = open_role_session(context, request, role, duration_s, provider=provider_arn)
    return {
        "Credentials": opened["Credentials"],
        "AssumedRoleUser": opened["AssumedRoleUser"],
        "SubjectFromWebIdentityToken": claims.subject,
        "Audience": claims.audience,
        "Provider": provider_arn,
    }


def _provider(context: Context, account_id: str, issuer: str) -> tuple[str, Mapping[str, Any]]:
    """The provider that the account has registered for an issuer, by ARN and shape."""
    host = issuer.partition("://")[2].rstrip("/")
    arn = f"arn:aws:iam::{account_id}:oidc-provider/{host}"
    owner = internal_context(account_id, context.region, context.clock)
    try:
        return arn, invoke(owner, "iam", "GetOpenIDConnectProvider", {"OpenIDConnectProviderArn": arn})
    except AwsError as error:
        if error.code != "NoSuchEntityException":
            raise
        raise InvalidIdentityTokenException(f"No OpenIDConnect provider found in your account for {issuer}") from error


def _keys(host: str, request: Mapping[str, Any], claims: Claims) -> dict[str, str]:
    """Condition keys are the claims, behind the provider's name."""
    keys = {f"{host}:{name}": value for name, value in claims.texts.items()}
    return {**keys, "sts:RoleSessionName": request["RoleSessionName"]}
