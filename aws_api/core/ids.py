"""Identifiers of AWS's forms. Every random id of the product is made here."""

import secrets
import string
import uuid

_UPPER_ALNUM = string.ascii_uppercase + string.digits
_BASE32 = string.ascii_uppercase + "234567"


def new_request_id() -> str:
    """A request id: a version 4 UUID."""
    return str(uuid.uuid4())


def new_uuid() -> str:
    """A version 4 UUID with dashes, as in task definition and receipt ids."""
    return str(uuid.uuid4())


def new_hex_id(prefix: str = "", digits: int = 17) -> str:
    """``vpc-0a1b2c3d4e5f67890``: EC2's long form is a prefix and 17 hexadecimal digits starting with 0.

    ECS ids are 32 digits without a prefix: ``new_hex_id(digits=32)``.
    """
    body = secrets.token_hex((digits + 1) // 2)[:digits]
    return f"{prefix}0{body[1:]}" if prefix else body


def new_iam_id(prefix: str) -> str:
    """An IAM unique id: a four letter prefix (AIDA user, AROA role, ANPA policy, AKIA key) and 17 characters.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    return prefix + "".join(secrets.choice(_BASE32) for _ in range(17))


def new_access_key_id(*, temporary: bool = False) -> str:
    """An access key id of 20 characters: AKIA for lasting, ASIA for temporary keys."""
    return ("ASIA" if temporary else "AKIA") + "".join(secrets.choice(_BASE32) for _ in range(16))


def new_secret_access_key() -> str:
    """A secret access key: 40 characters."""
    return secrets.token_urlsafe(30)


def new_suffix(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Random characters, as at the end of a secret's ARN."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


def new_account_id() -> str:
    """A 12-digit account id that does not start with zero."""
    return str(secrets.randbelow(900_000_000_000) + 100_000_000_000)


def new_upper_id(length: int) -> str:
    """Upper-case letters and digits, as in Route 53 and Cloud Map ids."""
    return "".join(secrets.choice(_UPPER_ALNUM) for _ in range(length))
