"""``docker login``: the password that GetAuthorizationToken hands out, and who its bearer is."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aws_api.core.context import Principal
from aws_api.core.sealing import BrokenSeal, seal, unseal

USER_NAME = "AWS"
LIFETIME = timedelta(hours=12)
_PURPOSE = "ecr authorization token"


class BadLogin(Exception):
    """The credentials are not ours."""


class LoginExpired(Exception):
    """The password's time is over."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who logged in."""

    account_id: str
    arn: str


def issue_password(principal: Principal, now: datetime) -> tuple[str, datetime]:
    """A password for the principal's registry, and when it ends."""
    expires_at = now.replace(microsecond=0) + LIFETIME
    claim = {"account": principal.account_id, "arn": principal.arn, "expires": int(expires_at.timestamp())}
    return seal(_PURPOSE, claim), expires_at


def read_basic_authorization(header: str, now: datetime) -> Login:
    """The bearer of an ``Authorization: Basic`` header. Raises BadLogin, LoginExpired."""
    scheme, _, encoded = header.partition(" ")
    try:
        user, _, password = base64.b64decode(encoded).decode().partition(":")
        claim = unseal(_PURPOSE, password)
    except (binascii.Error, UnicodeDecodeError, BrokenSeal) as error:
        raise BadLogin from error
    if scheme.lower() != "basic" or user != USER_NAME:
        raise BadLogin
    if now >= datetime.fromtimestamp(claim["expires"], UTC):
        raise LoginExpired
    return Login(account_id=claim["account"], arn=claim["arn"])
