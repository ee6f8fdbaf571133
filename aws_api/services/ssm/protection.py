"""SecureStrings: encrypted through KMS, with the parameter's ARN as encryption context.

As on AWS, a standard parameter's value is encrypted by the key itself and an advanced one's by a data key. Under a
customer's key the caller needs its permission; under AWS's own, who may read the parameter may decrypt it.

https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
"""

import base64
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aws_api.core.context import Context, internal_context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import find_operation, invoke, invoke_async
from aws_api.services.ssm.models import ParameterVersion
from aws_api.services.ssm.shapes import InvalidKeyId
from aws_api.services.ssm.store import FoundVersion

DEFAULT_KEY_ID = "alias/aws/ssm"
_NONCE_BYTES = 12
_LENGTH_BYTES = 2
#: What KMS says of a key that cannot be used; the Parameter Store has one word for all of them.
_KEY_PROBLEMS = frozenset(
    {
        "NotFoundException",
        "DisabledException",
        "KMSInvalidStateException",
        "InvalidKeyUsageException",
        "InvalidArnException",
        "InvalidCiphertextException",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Protected:
    """An encrypted value as its row holds it."""

    value: str
    has_managed_key: bool


def encrypt(context: Context, parameter_arn: str, key_id: str, tier: str, plaintext: str) -> Protected:
    """Encrypt a value under a key. Raises InvalidKeyId, or AccessDenied where the caller may not use the key."""
    with _as_invalid_key_id():
        key = invoke(_owner(context), "kms", "DescribeKey", {"KeyId": key_id})["KeyMetadata"]
        has_managed_key = key["KeyManager"] == "AWS"
        caller = _owner(context) if has_managed_key else context.via("ssm")
        request = {"KeyId": key["Arn"], "EncryptionContext": _encryption_context(parameter_arn)}
        if tier == ParameterVersion.Tier.ADVANCED:
            data_key = invoke(caller, "kms", "GenerateDataKey", {**request, "KeySpec": "AES_256"})
            blob = _enveloped(data_key, plaintext.encode())
        else:
            blob = invoke(caller, "kms", "Encrypt", {**request, "Plaintext": plaintext.encode()})["CiphertextBlob"]
    return Protected(value=base64.b64encode(blob).decode(), has_managed_key=has_managed_key)


async def decrypt(context: Context, version: FoundVersion) -> str:
    """The plaintext of a SecureString. Raises InvalidKeyId, or AccessDenied where the caller may not use the key."""
    blob = base64.b64decode(version.value)
    if version.tier != ParameterVersion.Tier.ADVANCED:
        return (await _kms_decrypt(context, version, blob)).decode()
    length = int.from_bytes(blob[:_LENGTH_BYTES], "big")
    data_key, sealed = blob[_LENGTH_BYTES : _LENGTH_BYTES + length], blob[_LENGTH_BYTES + length :]
    plain_key = await _kms_decrypt(context, version, data_key)
    return AESGCM(plain_key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()


async def _kms_decrypt(context: Context, version: FoundVersion, blob: bytes) -> bytes:
    caller = _owner(context) if version.has_managed_key else context.via("ssm")
    request = {"CiphertextBlob": blob, "EncryptionContext": _encryption_context(version.arn)}
    with _as_invalid_key_id():
        answer = await invoke_async(caller, find_operation("kms", "Decrypt"), request)
    return bytes(answer["Plaintext"])


def _enveloped(data_key: Mapping[str, Any], plaintext: bytes) -> bytes:
    encrypted_key = data_key["CiphertextBlob"]
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(data_key["Plaintext"]).encrypt(nonce, plaintext, None)
    return len(encrypted_key).to_bytes(_LENGTH_BYTES, "big") + bytes(encrypted_key) + sealed


def _owner(context: Context) -> Context:
    return internal_context(context.account_id, context.region, context.clock)


def _encryption_context(parameter_arn: str) -> dict[str, str]:
    return {"PARAMETER_ARN": parameter_arn}


@contextmanager
def _as_invalid_key_id() -> Iterator[None]:
    try:
        yield
    except AwsError as error:
        if error.code not in _KEY_PROBLEMS:
            raise
        raise InvalidKeyId(error.message) from error
