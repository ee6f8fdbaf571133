"""Encrypt, Decrypt, ReEncrypt. https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.kms import asymmetric, ciphertexts
from aws_api.services.kms.access import ciphertext_key, on_ciphertext, on_key, re_encrypt_access
from aws_api.services.kms.ciphertexts import Unreadable
from aws_api.services.kms.identifiers import in_keys_account, parse_key_name
from aws_api.services.kms.key_specs import ENCRYPT_DECRYPT, SYMMETRIC
from aws_api.services.kms.keys import UsableKey, arn_of, check_algorithm, find_key
from aws_api.services.kms.requests import end_dry_run, refuse_enclaves
from aws_api.services.kms.service import kms
from aws_api.services.kms.shapes import (
    DecryptRequest,
    DecryptResponse,
    EncryptRequest,
    EncryptResponse,
    IncorrectKeyException,
    InvalidCiphertextException,
    ReEncryptRequest,
    ReEncryptResponse,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opened:
    """A decrypted ciphertext: with which key, and which material of it."""

    plaintext: bytes
    key: UsableKey
    material_id: str | None


@kms.operation(access=on_key("kms:Encrypt"))
async def encrypt(context: Context, request: EncryptRequest) -> EncryptResponse:
    """Encrypt up to 4096 bytes under a key."""
    algorithm = request.get("EncryptionAlgorithm") or SYMMETRIC
    key = await find_key(context, request["KeyId"], operation="Encrypt", usage=ENCRYPT_DECRYPT)
    blob = await _seal(key, algorithm, request["Plaintext"], request.get("EncryptionContext"))
    end_dry_run(request)
    return {"CiphertextBlob": blob, "KeyId": key.arn, "EncryptionAlgorithm": algorithm}


@kms.operation(access=on_ciphertext("kms:Decrypt"))
async def decrypt(context: Context, request: DecryptRequest) -> DecryptResponse:
    """Decrypt what Encrypt or a data key operation made; a symmetric ciphertext knows its own key."""
    refuse_enclaves(request)
    algorithm = request.get("EncryptionAlgorithm") or SYMMETRIC
    opened = await _open(
        context,
        request.get("CiphertextBlob") or b"",
        request.get("KeyId"),
        algorithm,
        request.get("EncryptionContext"),
        operation="Decrypt",
    )
    end_dry_run(request)
    answer: DecryptResponse = {
        "KeyId": opened.key.arn,
        "Plaintext": opened.plaintext,
        "EncryptionAlgorithm": algorithm,
    }
    if opened.material_id is not None:
        answer["KeyMaterialId"] = opened.material_id
    return answer


@kms.operation(access=re_encrypt_access)
async def re_encrypt(context: Context, request: ReEncryptRequest) -> ReEncryptResponse:
    """Move a ciphertext under another key or encryption context; its plaintext is never handed out."""
    source_algorithm = request.get("SourceEncryptionAlgorithm") or SYMMETRIC
    algorithm = request.get("DestinationEncryptionAlgorithm") or SYMMETRIC
    # Either key may be another account's.
    destination = in_keys_account(context, request["DestinationKeyId"])
    opened = await _open(
        in_keys_account(context, ciphertext_key(request, "SourceKeyId")),
        request.get("CiphertextBlob") or b"",
        request.get("SourceKeyId"),
        source_algorithm,
        request.get("SourceEncryptionContext"),
        operation="ReEncryptFrom",
    )
    key = await find_key(destination, request["DestinationKeyId"], operation="ReEncryptTo", usage=ENCRYPT_DECRYPT)
    blob = await _seal(key, algorithm, opened.plaintext, request.get("DestinationEncryptionContext"))
    end_dry_run(request)
    answer: ReEncryptResponse = {
        "CiphertextBlob": blob,
        "SourceKeyId": opened.key.arn,
        "KeyId": key.arn,
        "SourceEncryptionAlgorithm": source_algorithm,
        "DestinationEncryptionAlgorithm": algorithm,
    }
    if opened.material_id is not None:
        answer["SourceKeyMaterialId"] = opened.material_id
    if key.spec == SYMMETRIC:
        answer["DestinationKeyMaterialId"] = key.material_ids[key.current_number]
    return answer


async def _seal(key: UsableKey, algorithm: str, plaintext: bytes, context: Mapping[str, str] | None) -> bytes:
    check_algorithm(key, algorithm)
    if key.spec == SYMMETRIC:
        return ciphertexts.encrypt(key.arn, key.current_number, key.material, plaintext, context)
    _refuse_context(context, algorithm)
    try:
        return await asyncio.to_thread(asymmetric.encrypt, key.material, algorithm, plaintext)
    except asymmetric.Unusable as error:
        raise ValidationException(str(error)) from error


async def _open(
    context: Context,
    blob: bytes,
    key_name: str | None,
    algorithm: str,
    encryption_context: Mapping[str, str] | None,
    *,
    operation: str,
) -> _Opened:
    if algorithm == SYMMETRIC:
        return await _open_symmetric(context, blob, key_name, encryption_context, operation=operation)
    if key_name is None:
        raise ValidationException("KeyId is required for asymmetric KMS keys.")
    key = await find_key(context, key_name, operation=operation, usage=ENCRYPT_DECRYPT)
    check_algorithm(key, algorithm)
    _refuse_context(encryption_context, algorithm)
    try:
        plaintext = await asyncio.to_thread(asymmetric.decrypt, key.material, algorithm, blob)
    except asymmetric.Unusable as error:
        raise InvalidCiphertextException from error
    return _Opened(plaintext=plaintext, key=key, material_id=None)


async def _open_symmetric(
    context: Context,
    blob: bytes,
    key_name: str | None,
    encryption_context: Mapping[str, str] | None,
    *,
    operation: str,
) -> _Opened:
    try:
        ciphertext = ciphertexts.parse(blob)
        # A blob is a client's: what it says of its key is read as carefully as a KeyId.
        parse_key_name(context, ciphertext.key_arn)
    except Unreadable as error:
        raise InvalidCiphertextException from error
    if key_name is not None and await arn_of(context, key_name) != ciphertext.key_arn:
        raise IncorrectKeyException(
            "The key ID in the request does not identify a CMK that can perform this operation."
        )
    key = await find_key(context, ciphertext.key_arn, operation=operation, usage=ENCRYPT_DECRYPT)
    material = key.materials.get(ciphertext.material_number)
    if key.spec != SYMMETRIC or material is None:
        raise InvalidCiphertextException
    try:
        plaintext = ciphertexts.decrypt(ciphertext, material, encryption_context)
    except Unreadable as error:
        raise InvalidCiphertextException from error
    return _Opened(plaintext=plaintext, key=key, material_id=key.material_ids[ciphertext.material_number])


def _refuse_context(context: Mapping[str, str] | None, algorithm: str) -> None:
    if context:
        raise ValidationException(f"Algorithm {algorithm} does not support an encryption context.")
