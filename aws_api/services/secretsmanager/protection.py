"""Secret values: encrypted under a data key of KMS, bound to the secret's ARN and the version's id.

Under a customer's key the caller needs its permission; under AWS's own, who may read the secret may decrypt it, unless
it is another account's.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aws_api.core.context import Context, internal_context
from aws_api.core.errors import AccessDeniedException, AwsError
from aws_api.core.invoke import find_operation, invoke, invoke_async
from aws_api.services.secretsmanager.shapes import DecryptionFailure, EncryptionFailure

DEFAULT_KEY_ID = "alias/aws/secretsmanager"
_NONCE_BYTES = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Protected:
    """A value as its row holds it."""

    encrypted_key: bytes
    encrypted_value: bytes
    key_id: str
    has_managed_key: bool


def encrypt(context: Context, secret_arn: str, version_id: str, key_id: str, plaintext: bytes) -> Protected:
    """Encrypt a value under a key, AWS's own where none is named. Raises EncryptionFailure, AccessDenied."""
    failure = EncryptionFailure(
        "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is "
        "available, enabled, and not in an invalid state."
    )
    with _as_failure(failure):
        owner = _owner(context)
        key = invoke(owner, "kms", "DescribeKey", {"KeyId": key_id or DEFAULT_KEY_ID})["KeyMetadata"]
        has_managed_key = key["KeyManager"] == "AWS"
        data_key = invoke(
            owner if has_managed_key else context.via("secretsmanager"),
            "kms",
            "GenerateDataKey",
            {
                "KeyId": key["Arn"],
                "KeySpec": "AES_256",
                "EncryptionContext": _encryption_context(secret_arn, version_id),
            },
        )
    return Protected(
        encrypted_key=data_key["CiphertextBlob"],
        encrypted_value=_sealed(data_key["Plaintext"], plaintext),
        key_id=key_id or DEFAULT_KEY_ID,
        has_managed_key=has_managed_key,
    )


def encrypt_for_another(
    context: Context, secret_arn: str, version_id: str, plaintext: bytes, *, owner: str, key_id: str
) -> Protected:
    """Encrypt a value for the secret of another account, ``owner``, under its key: the caller needs ``kms:Encrypt``."""
    data_key = AESGCM.generate_key(bit_length=256)
    failure = EncryptionFailure(
        "Secrets Manager can't encrypt the protected secret text using the replica secret's KMS key."
    )
    with _as_failure(failure):
        key = invoke(_owner(context.in_account(owner)), "kms", "DescribeKey", {"KeyId": key_id})["KeyMetadata"]
        encrypted_key = invoke(
            context.via("secretsmanager"),
            "kms",
            "Encrypt",
            {
                "KeyId": key["Arn"],
                "Plaintext": data_key,
                "EncryptionContext": _encryption_context(secret_arn, version_id),
            },
        )["CiphertextBlob"]
    return Protected(
        encrypted_key=encrypted_key,
        encrypted_value=_sealed(data_key, plaintext),
        key_id=key_id,
        has_managed_key=False,
    )


def is_managed(context: Context, key_id: str) -> bool:
    """Whether a key is AWS's own. Raises EncryptionFailure where there is no such key."""
    failure = EncryptionFailure("Secrets Manager can't find the specified KMS key.")
    with _as_failure(failure):
        key = invoke(_owner(context), "kms", "DescribeKey", {"KeyId": key_id})["KeyMetadata"]
    return bool(key["KeyManager"] == "AWS")


async def decrypt(
    context: Context,
    secret_arn: str,
    version_id: str,
    *,
    encrypted_key: bytes,
    encrypted_value: bytes,
    has_managed_key: bool,
) -> bytes:
    """The plaintext of a value. Raises DecryptionFailure, AccessDenied."""
    request = {"CiphertextBlob": encrypted_key, "EncryptionContext": _encryption_context(secret_arn, version_id)}
    is_own = context.account_id == context.principal.account_id
    caller = _owner(context) if has_managed_key and is_own else context.via("secretsmanager")
    failure = DecryptionFailure("Secrets Manager can't decrypt the protected secret text using the provided KMS key.")
    with _as_failure(failure):
        data_key = (await invoke_async(caller, find_operation("kms", "Decrypt"), request))["Plaintext"]
    nonce, sealed = encrypted_value[:_NONCE_BYTES], encrypted_value[_NONCE_BYTES:]
    return AESGCM(data_key).decrypt(nonce, sealed, None)


def _sealed(data_key: bytes, plaintext: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(data_key).encrypt(nonce, plaintext, None)


def _owner(context: Context) -> Context:
    return internal_context(context.account_id, context.region, context.clock)


def _encryption_context(secret_arn: str, version_id: str) -> dict[str, str]:
    return {"SecretARN": secret_arn, "SecretVersionId": version_id}


@contextmanager
def _as_failure(failure: AwsError) -> Iterator[None]:
    try:
        yield
    except AccessDeniedException as error:
        raise AccessDeniedException("Access to KMS is not allowed") from error
    except AwsError as error:
        raise failure from error
