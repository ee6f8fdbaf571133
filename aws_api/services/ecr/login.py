"""``docker login``: the password that GetAuthorizationToken hands out, and who its bearer is."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_api.core.context import Principal, PrincipalType
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
    """Who logged in: the caller of GetAuthorizationToken, with what was said of its session."""

    principal: Principal

    @property
    def account_id(self) -> str:
        return self.principal.account_id

    @property
    def arn(self) -> str:
        return self.principal.arn


def issue_password(principal: Principal, now: datetime) -> tuple[str, datetime]:
    """A password for the principal's registry, and when it ends."""
    expires_at = now.replace(microsecond=0) + LIFETIME
    said = {name: value for name, value in asdict(principal).items() if value}
    claim = {"principal": said, "expires": int(expires_at.timestamp())}
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
    return Login(principal=_principal(claim["principal"]))


def _principal(said: Mapping[str, Any]) -> Principal:
    lists = {name: tuple(said.get(name, ())) for name in ("session_policies", "transitive_tag_keys")}
    return Principal(**{**said, **lists, "type": PrincipalType(said["type"])})
