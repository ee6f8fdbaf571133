"""Seals: values handed to clients that only this instance can read again, and that break when touched.

A sealed value needs no row: session tokens and registry passwords are checked by any gateway process.
"""

import base64
import binascii
import os
import zlib
from functools import cache
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_NONCE_BYTES = 12


class BrokenSeal(ValueError):
    """The text was not sealed by this instance for this purpose, or was changed since."""


def seal(purpose: str, value: Any) -> str:
    """A JSON-like value as URL-safe text. Each purpose has its own key, so that one seal never opens as another."""
    nonce = os.urandom(_NONCE_BYTES)
    # Packed first: session tokens carry policies and travel in a header.
    packed = zlib.compress(orjson.dumps(value))
    return base64.urlsafe_b64encode(nonce + _cipher(purpose).encrypt(nonce, packed, None)).decode()


def unseal(purpose: str, text: str) -> Any:
    """The value in a sealed text. Raises BrokenSeal."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii"))
        packed = _cipher(purpose).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise BrokenSeal("not sealed here") from error
    return orjson.loads(zlib.decompress(packed))


@cache
def _cipher(purpose: str) -> AESGCM:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode())
    return AESGCM(derivation.derive(settings.SECRET_KEY.encode()))
