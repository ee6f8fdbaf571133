"""Who am I, and whose is this key?"""

from aws_api.core.authorization import find_credential
from aws_api.core.context import Context
from aws_api.services.sts.errors import ValidationError
from aws_api.services.sts.service import sts
from aws_api.services.sts.sessions import PREFIX, account_of_key_id
from aws_api.services.sts.shapes import (
    GetAccessKeyInfoRequest,
    GetAccessKeyInfoResponse,
    GetCallerIdentityRequest,
    GetCallerIdentityResponse,
)


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
