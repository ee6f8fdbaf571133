"""Encryption at rest: what a row must not show is encrypted with the key in SIMFRA_ENCRYPTION_KEY_FILE.

The key lies in the data directory, the rows in Postgres: a dump of the database alone gives no secret away.
"""

import os
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_NONCE_BYTES = 12


class WrongKey(Exception):
    """What is stored was encrypted with another key than this instance has, or for another row."""


def encrypt(purpose: str, owner: str, plaintext: bytes) -> bytes:
    """Encrypt for a row. ``owner`` names it: copied into another row, the ciphertext does not open."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(purpose).encrypt(nonce, plaintext, owner.encode())


def decrypt(purpose: str, owner: str, ciphertext: bytes) -> bytes:
    """What ``encrypt`` was given for the same purpose and owner. Raises WrongKey."""
    try:
        return _cipher(purpose).decrypt(ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:], owner.encode())
    except InvalidTag as error:
        raise WrongKey(
            f"{purpose} of {owner} was not encrypted with the key in {settings.SIMFRA_ENCRYPTION_KEY_FILE}"
        ) from error


@cache
def key_fingerprint() -> str:
    """Names the key without telling it: what was encrypted under another name cannot be opened here."""
    return HKDF(algorithm=SHA256(), length=16, salt=None, info=b"fingerprint").derive(_key()).hex()


@cache
def _cipher(purpose: str) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(_key()))


def _key() -> bytes:
    if not settings.SIMFRA_ENCRYPTION_KEY_FILE:
        # No key to fall back to: rows encrypted with one that is known to all would only look safe.
        raise ImproperlyConfigured("SIMFRA_ENCRYPTION_KEY_FILE names no file; `manage.py up` makes one.")
    return Path(settings.SIMFRA_ENCRYPTION_KEY_FILE).read_bytes().strip()
