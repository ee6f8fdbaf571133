"""Sign, Verify, GetPublicKey. https://docs.aws.amazon.com/kms/latest/developerguide/symmetric-asymmetric.html"""

import asyncio

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.kms import asymmetric, materials
from aws_api.services.kms.access import on_key
from aws_api.services.kms.key_specs import ALGORITHMS_MEMBER, KEY_SPECS, SIGN_VERIFY, is_asymmetric
from aws_api.services.kms.keys import check_algorithm, check_state, find_key, find_row
from aws_api.services.kms.requests import end_dry_run
from aws_api.services.kms.service import kms
from aws_api.services.kms.shapes import (
    GetPublicKeyRequest,
    GetPublicKeyResponse,
    KMSInvalidSignatureException,
    SignRequest,
    SignResponse,
    UnsupportedOperationException,
    VerifyRequest,
    VerifyResponse,
)


@kms.operation(access=on_key("kms:Sign"))
async def sign(context: Context, request: SignRequest) -> SignResponse:
    """Sign a message of up to 4096 bytes, or a digest."""
    key = await find_key(context, request["KeyId"], operation="Sign", usage=SIGN_VERIFY)
    algorithm = request["SigningAlgorithm"]
    check_algorithm(key, algorithm)
    is_digest = _is_digest(request)
    try:
        signature = await asyncio.to_thread(
            asymmetric.sign, key.material, algorithm, request["Message"], is_digest=is_digest
        )
    except asymmetric.Unusable as error:
        raise ValidationException(str(error)) from error
    end_dry_run(request)
    return {"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm}


@kms.operation(access=on_key("kms:Verify"))
async def verify(context: Context, request: VerifyRequest) -> VerifyResponse:
    """Say that a signature is of a message and key. Raises KMSInvalidSignatureException where it is not."""
    key = await find_key(context, request["KeyId"], operation="Verify", usage=SIGN_VERIFY)
    algorithm = request["SigningAlgorithm"]
    check_algorithm(key, algorithm)
    is_digest = _is_digest(request)
    try:
        is_valid = await asyncio.to_thread(
            asymmetric.verify, key.material, algorithm, request["Message"], request["Signature"], is_digest=is_digest
        )
    except asymmetric.Unusable as error:
        raise ValidationException(str(error)) from error
    if not is_valid:
        raise KMSInvalidSignatureException
    end_dry_run(request)
    return {"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm}


@kms.operation(access=on_key("kms:GetPublicKey"))
def get_public_key(context: Context, request: GetPublicKeyRequest) -> GetPublicKeyResponse:
    """The public half of an asymmetric key, as DER."""
    row = find_row(context, request["KeyId"])
    if not is_asymmetric(row.spec):
        raise UnsupportedOperationException(f"{row.arn} is not an asymmetric KMS key.")
    check_state(row.arn, row.state)
    material = row.materials.get()
    private = materials.opened(row.key_id, material.number, bytes(material.encrypted))
    answer: GetPublicKeyResponse = {
        "KeyId": row.arn,
        "PublicKey": asymmetric.public_key(private),
        "CustomerMasterKeySpec": row.spec,  # type: ignore[typeddict-item]
        "KeySpec": row.spec,  # type: ignore[typeddict-item]
        "KeyUsage": row.usage,  # type: ignore[typeddict-item]
    }
    algorithms = list(KEY_SPECS[row.spec].algorithms[row.usage])
    answer[ALGORITHMS_MEMBER[row.usage]] = algorithms  # type: ignore[literal-required]
    return answer


def _is_digest(request: SignRequest | VerifyRequest) -> bool:
    message_type = request.get("MessageType") or "RAW"
    if message_type == "EXTERNAL_MU":
        raise ValidationException("MessageType EXTERNAL_MU is only for ML-DSA keys.")
    return message_type == "DIGEST"
