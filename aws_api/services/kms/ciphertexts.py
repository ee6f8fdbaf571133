"""The ciphertext that symmetric keys make: it says which key and material opens it. Pure.

``01 | length | key ARN | material number (2 bytes) | nonce (12 bytes) | AES-256-GCM ciphertext and tag``. All that
stands before the nonce is authenticated, and the encryption context with it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORMAT = 1
_NONCE_BYTES = 12
_NUMBER_BYTES = 2


class Unreadable(ValueError):
    """Not a ciphertext of ours, or changed since, or made under another encryption context."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ciphertext:
    """A ciphertext blob taken apart."""

    key_arn: str
    material_number: int
    header: bytes
    nonce: bytes
    sealed: bytes


def encrypt(
    key_arn: str, material_number: int, material: bytes, plaintext: bytes, context: Mapping[str, str] | None
) -> bytes:
    """A ciphertext blob."""
    name = key_arn.encode("ascii")
    header = bytes((_FORMAT, len(name))) + name + material_number.to_bytes(_NUMBER_BYTES, "big")
    nonce = os.urandom(_NONCE_BYTES)
    return header + nonce + AESGCM(material).encrypt(nonce, plaintext, _authenticated(header, context))


def parse(blob: bytes) -> Ciphertext:
    """Take a blob apart, without opening it. Raises Unreadable."""
    if len(blob) < 2 or blob[0] != _FORMAT:
        raise Unreadable
    name_end = 2 + blob[1]
    header_end = name_end + _NUMBER_BYTES
    if len(blob) < header_end + _NONCE_BYTES:
        raise Unreadable
    try:
        key_arn = blob[2:name_end].decode("ascii")
    except UnicodeDecodeError as error:
        raise Unreadable from error
    return Ciphertext(
        key_arn=key_arn,
        material_number=int.from_bytes(blob[name_end:header_end], "big"),
        header=blob[:header_end],
        nonce=blob[header_end : header_end + _NONCE_BYTES],
        sealed=blob[header_end + _NONCE_BYTES :],
    )


def decrypt(ciphertext: Ciphertext, material: bytes, context: Mapping[str, str] | None) -> bytes:
    """The plaintext. Raises Unreadable."""
    try:
        return AESGCM(material).decrypt(ciphertext.nonce, ciphertext.sealed, _authenticated(ciphertext.header, context))
    except InvalidTag as error:
        raise Unreadable from error


def _authenticated(header: bytes, context: Mapping[str, str] | None) -> bytes:
    # Sorted: an encryption context is the same in any order.
    return header + orjson.dumps(context or {}, option=orjson.OPT_SORT_KEYS)
