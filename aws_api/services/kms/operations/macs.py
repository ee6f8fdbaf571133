"""GenerateMac, VerifyMac. https://docs.aws.amazon.com/kms/latest/developerguide/hmac.html"""

import hmac

from aws_api.core.context import Context
from aws_api.services.kms.access import on_key
from aws_api.services.kms.key_specs import GENERATE_VERIFY_MAC
from aws_api.services.kms.keys import UsableKey, check_algorithm, find_key
from aws_api.services.kms.requests import end_dry_run
from aws_api.services.kms.service import kms
from aws_api.services.kms.shapes import (
    GenerateMacRequest,
    GenerateMacResponse,
    KMSInvalidMacException,
    VerifyMacRequest,
    VerifyMacResponse,
)


@kms.operation(access=on_key("kms:GenerateMac"))
async def generate_mac(context: Context, request: GenerateMacRequest) -> GenerateMacResponse:
    """The HMAC of a message."""
    key = await find_key(context, request["KeyId"], operation="GenerateMac", usage=GENERATE_VERIFY_MAC)
    mac = _mac(key, request["MacAlgorithm"], request["Message"])
    end_dry_run(request)
    return {"Mac": mac, "MacAlgorithm": request["MacAlgorithm"], "KeyId": key.arn}


@kms.operation(access=on_key("kms:VerifyMac"))
async def verify_mac(context: Context, request: VerifyMacRequest) -> VerifyMacResponse:
    """Say that an HMAC is of a message and key. Raises KMSInvalidMacException where it is not."""
    key = await find_key(context, request["KeyId"], operation="VerifyMac", usage=GENERATE_VERIFY_MAC)
    if not hmac.compare_digest(_mac(key, request["MacAlgorithm"], request["Message"]), request["Mac"]):
        raise KMSInvalidMacException
    end_dry_run(request)
    return {"KeyId": key.arn, "MacValid": True, "MacAlgorithm": request["MacAlgorithm"]}


def _mac(key: UsableKey, algorithm: str, message: bytes) -> bytes:
    check_algorithm(key, algorithm)
    return hmac.digest(key.material, message, algorithm.removeprefix("HMAC_").replace("_", "").lower())
