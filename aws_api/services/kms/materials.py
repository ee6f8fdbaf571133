"""Key material: made by spec, encrypted at rest."""

import hashlib
import secrets

from aws_api.core import encryption
from aws_api.services.kms import asymmetric
from aws_api.services.kms.key_specs import SYMMETRIC

_PURPOSE = "kms key material"
_SYMMETRIC_BYTES = 32


def generate(spec: str) -> bytes:
    """New material: random bytes for symmetric and HMAC keys, a private key for the others."""
    if spec == SYMMETRIC:
        return secrets.token_bytes(_SYMMETRIC_BYTES)
    if spec.startswith("HMAC_"):
        return secrets.token_bytes(int(spec.removeprefix("HMAC_")) // 8)
    return asymmetric.generate(spec)


def new_material_id() -> str:
    """KeyMaterialId's form: 64 hexadecimal digits, which tell nothing of the material."""
    return hashlib.sha256(secrets.token_bytes(32)).hexdigest()


def sealed(key_id: str, number: int, material: bytes) -> bytes:
    """Material as its row holds it."""
    return encryption.encrypt(_PURPOSE, f"{key_id}/{number}", material)


def opened(key_id: str, number: int, stored: bytes) -> bytes:
    """A row's material."""
    return encryption.decrypt(_PURPOSE, f"{key_id}/{number}", stored)
