"""Identifiers of AWS's forms. Every random id of the product is made here.

While a call runs that draws on its account's seed (aws_api/core/seeds.py), ids come from the call's sequence: the same
calls in the same order make the same ids. What guards something (secret access keys, request ids) is always random.
"""

import hashlib
import secrets
import string
import uuid
from contextvars import ContextVar

_UPPER_ALNUM = string.ascii_uppercase + string.digits
_BASE32 = string.ascii_uppercase + "234567"


class IdSequence:
    """The bytes that ids are made of: each draw is a hash of the seed, of what they are for, and of its place."""

    def __init__(self, seed: str, purpose: str) -> None:
        self._key = f"{seed}\0{purpose}".encode()
        self._drawn = 0

    def draw(self, size: int) -> bytes:
        """The next bytes; never the same twice."""
        self._drawn += 1
        return hashlib.shake_256(self._key + b"\0%d" % self._drawn).digest(size)


#: The sequence of the call that runs; None: ids are random.
id_sequence: ContextVar[IdSequence | None] = ContextVar("id_sequence", default=None)


def new_request_id() -> str:
    """A request id: a version 4 UUID."""
    return str(uuid.uuid4())


def new_uuid() -> str:
    """A version 4 UUID with dashes, as in task definition and receipt ids."""
    sequence = id_sequence.get()
    return str(uuid.uuid4() if sequence is None else uuid.UUID(bytes=sequence.draw(16), version=4))


def new_hex_id(prefix: str = "", digits: int = 17) -> str:
    """``vpc-0a1b2c3d4e5f67890``: EC2's long form is a prefix and 17 hexadecimal digits starting with 0.

    ECS ids are 32 digits without a prefix: ``new_hex_id(digits=32)``.
    """
    body = _random_bytes((digits + 1) // 2).hex()[:digits]
    return f"{prefix}0{body[1:]}" if prefix else body


def new_iam_id(prefix: str) -> str:
    """An IAM unique id: a four letter prefix (AIDA user, AROA role, ANPA policy, AKIA key) and 17 characters.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    return prefix + _characters(_BASE32, 17)


def new_access_key_id(*, temporary: bool = False) -> str:
    """An access key id of 20 characters: AKIA for lasting, ASIA for temporary keys."""
    return ("ASIA" if temporary else "AKIA") + _characters(_BASE32, 16)


def new_secret_access_key() -> str:
    """A secret access key: 40 characters."""
    return secrets.token_urlsafe(30)


def new_suffix(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Random characters, as at the end of a secret's ARN."""
    return _characters(alphabet, length)


def new_account_id() -> str:
    """A 12-digit account id that does not start with zero."""
    return str(secrets.randbelow(900_000_000_000) + 100_000_000_000)


def new_upper_id(length: int) -> str:
    """Upper-case letters and digits, as in Route 53 and Cloud Map ids."""
    return _characters(_UPPER_ALNUM, length)


def _random_bytes(size: int) -> bytes:
    sequence = id_sequence.get()
    return secrets.token_bytes(size) if sequence is None else sequence.draw(size)


def _characters(alphabet: str, length: int) -> str:
    sequence = id_sequence.get()
    if sequence is None:
        return "".join(secrets.choice(alphabet) for _ in range(length))
    # Two bytes a character: the alphabets are so short that the remainder's bias is nothing.
    drawn = sequence.draw(2 * length)
    return "".join(alphabet[int.from_bytes(drawn[at : at + 2]) % len(alphabet)] for at in range(0, 2 * length, 2))
