"""What the encoded message of a denial says."""

import orjson

from aws_api.core.authorization import AUTHORIZATION_MESSAGE
from aws_api.core.context import Context
from aws_api.core.sealing import BrokenSeal, unseal
from aws_api.services.sts.service import sts
from aws_api.services.sts.shapes import (
    DecodeAuthorizationMessageRequest,
    DecodeAuthorizationMessageResponse,
    InvalidAuthorizationMessageException,
)


@sts.operation
def decode_authorization_message(
    context: Context, request: DecodeAuthorizationMessageRequest
) -> DecodeAuthorizationMessageResponse:
    """Open what EC2 sealed into UnauthorizedOperation: who was refused what, and by which statement."""
    try:
        message = unseal(AUTHORIZATION_MESSAGE, request["EncodedMessage"])
    except BrokenSeal:
        raise InvalidAuthorizationMessageException("Message is invalid") from None
    return {"DecodedMessage": orjson.dumps(message).decode()}
