"""Data keys and data key pairs, and random bytes.

https://docs.aws.amazon.com/kms/latest/developerguide/data-keys.html
"""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.kms import asymmetric, ciphertexts
from aws_api.services.kms.access import on_key
from aws_api.services.kms.key_specs import ENCRYPT_DECRYPT, KEY_SPECS, SYMMETRIC
from aws_api.services.kms.keys import UsableKey, check_algorithm, find_key
from aws_api.services.kms.requests import end_dry_run, refuse_enclaves
from aws_api.services.kms.service import kms
from aws_api.services.kms.shapes import (
    CustomKeyStoreNotFoundException,
    GenerateDataKeyPairRequest,
    GenerateDataKeyPairResponse,
    GenerateDataKeyPairWithoutPlaintextRequest,
    GenerateDataKeyPairWithoutPlaintextResponse,
    GenerateDataKeyRequest,
    GenerateDataKeyResponse,
    GenerateDataKeyWithoutPlaintextRequest,
    GenerateDataKeyWithoutPlaintextResponse,
    GenerateRandomRequest,
    GenerateRandomResponse,
    UnsupportedOperationException,
)

_BYTES_OF_SPEC = {"AES_128": 16, "AES_256": 32}


@kms.operation(access=on_key("kms:GenerateDataKey"))
async def generate_data_key(context: Context, request: GenerateDataKeyRequest) -> GenerateDataKeyResponse:
    """A fresh data key, in plain and encrypted under a key."""
    refuse_enclaves(request)
    key, plaintext, blob = await _new_data_key(context, request, "GenerateDataKey")
    return {
        "CiphertextBlob": blob,
        "Plaintext": plaintext,
        "KeyId": key.arn,
        "KeyMaterialId": key.material_ids[key.current_number],
    }


@kms.operation(access=on_key("kms:GenerateDataKeyWithoutPlaintext"))
async def generate_data_key_without_plaintext(
    context: Context, request: GenerateDataKeyWithoutPlaintextRequest
) -> GenerateDataKeyWithoutPlaintextResponse:
    """A fresh data key, encrypted under a key, for later."""
    key, _, blob = await _new_data_key(context, request, "GenerateDataKeyWithoutPlaintext")
    return {"CiphertextBlob": blob, "KeyId": key.arn, "KeyMaterialId": key.material_ids[key.current_number]}


@kms.operation(access=on_key("kms:GenerateDataKeyPair"))
async def generate_data_key_pair(context: Context, request: GenerateDataKeyPairRequest) -> GenerateDataKeyPairResponse:
    """A fresh key pair, its private half in plain and encrypted under a key."""
    refuse_enclaves(request)
    private, answer = await _new_data_key_pair(context, request, "GenerateDataKeyPair")
    return {"PrivateKeyPlaintext": private, **answer}  # type: ignore[typeddict-item]


@kms.operation(access=on_key("kms:GenerateDataKeyPairWithoutPlaintext"))
async def generate_data_key_pair_without_plaintext(
    context: Context, request: GenerateDataKeyPairWithoutPlaintextRequest
) -> GenerateDataKeyPairWithoutPlaintextResponse:
    """A fresh key pair, its private half encrypted under a key, for later."""
    _, answer = await _new_data_key_pair(context, request, "GenerateDataKeyPairWithoutPlaintext")
    return answer


@kms.operation
async def generate_random(context: Context, request: GenerateRandomRequest) -> GenerateRandomResponse:
    """Up to 1024 random bytes."""
    refuse_enclaves(request)
    if request.get("CustomKeyStoreId"):
        raise CustomKeyStoreNotFoundException
    number_of_bytes = request.get("NumberOfBytes")
    if number_of_bytes is None:
        raise ValidationException("NumberOfBytes is required.")
    return {"Plaintext": secrets.token_bytes(number_of_bytes)}


async def _new_data_key(context: Context, request: Mapping[str, Any], operation: str) -> tuple[UsableKey, bytes, bytes]:
    """The key, and the data key in plain and encrypted."""
    if ("KeySpec" in request) == ("NumberOfBytes" in request):
        raise ValidationException("Please specify either number of bytes or key spec.")
    key = await _symmetric_key(context, request["KeyId"], operation)
    plaintext = secrets.token_bytes(request.get("NumberOfBytes") or _BYTES_OF_SPEC[request["KeySpec"]])
    blob = _encrypted(key, plaintext, request)
    end_dry_run(request)
    return key, plaintext, blob


async def _new_data_key_pair(
    context: Context, request: Mapping[str, Any], operation: str
) -> tuple[bytes, GenerateDataKeyPairWithoutPlaintextResponse]:
    spec = request["KeyPairSpec"]
    if spec not in KEY_SPECS:
        raise UnsupportedOperationException(f"Simfra does not emulate key pairs of spec {spec}.")
    key = await _symmetric_key(context, request["KeyId"], operation)
    end_dry_run(request)
    private = await asyncio.to_thread(asymmetric.generate, spec)
    return private, {
        "PrivateKeyCiphertextBlob": _encrypted(key, private, request),
        "PublicKey": asymmetric.public_key(private),
        "KeyId": key.arn,
        "KeyPairSpec": spec,
        "KeyMaterialId": key.material_ids[key.current_number],
    }


async def _symmetric_key(context: Context, name: str, operation: str) -> UsableKey:
    key = await find_key(context, name, operation=operation, usage=ENCRYPT_DECRYPT)
    check_algorithm(key, SYMMETRIC)
    return key


def _encrypted(key: UsableKey, plaintext: bytes, request: Mapping[str, Any]) -> bytes:
    return ciphertexts.encrypt(key.arn, key.current_number, key.material, plaintext, request.get("EncryptionContext"))
