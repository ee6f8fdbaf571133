"""Logging in."""

import base64

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.context import Context
from aws_api.services.ecr import shapes
from aws_api.services.ecr.login import USER_NAME, issue_password
from aws_api.services.ecr.service import ecr


@ecr.operation
async def get_authorization_token(
    context: Context, request: shapes.GetAuthorizationTokenRequest
) -> shapes.GetAuthorizationTokenResponse:
    """A password for ``docker login``, good for 12 hours at the endpoint that was asked."""
    password, expires_at = issue_password(context.principal, SYSTEM_CLOCK.now())
    token = base64.b64encode(f"{USER_NAME}:{password}".encode()).decode()
    return {
        "authorizationData": [{"authorizationToken": token, "expiresAt": expires_at, "proxyEndpoint": context.endpoint}]
    }
