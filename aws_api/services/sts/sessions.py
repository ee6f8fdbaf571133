"""Temporary credentials: made once, kept nowhere, read back from their own session token.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aws_api.core.authorization import Credential
from aws_api.core.clock import SYSTEM_CLOCK, Clock
from aws_api.core.context import Principal, PrincipalType
from aws_api.core.errors import AwsError
from aws_api.core.ids import new_secret_access_key
from aws_api.core.sealing import BrokenSeal, seal, unseal
from aws_api.services.sts.shapes import Credentials

PREFIX = "ASIA"
_PURPOSE = "sts session token"
_ACCOUNT_SHIFT = 7


class ExpiredToken(AwsError):
    """The session token's time is over."""

    code = "ExpiredTokenException"
    query_code = "ExpiredToken"
    status = 403


@dataclass(frozen=True, kw_only=True)
class Session:
    """Temporary credentials and the caller they stand for."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: datetime
    principal: Principal

    def describe(self) -> Credentials:
        """AWS's Credentials shape."""
        return {
            "AccessKeyId": self.access_key_id,
            "SecretAccessKey": self.secret_access_key,
            "SessionToken": self.session_token,
            "Expiration": self.expiration,
        }


def open_session(principal: Principal, duration: timedelta, now: datetime) -> Session:
    """Make temporary credentials for a caller; ``principal.access_key_id`` is replaced by the new key's."""
    access_key_id = new_temporary_key_id(principal.account_id)
    secret_access_key = new_secret_access_key()
    expiration = now.replace(microsecond=0) + duration
    token = seal(
        _PURPOSE,
        {
            "key": access_key_id,
            "secret": secret_access_key,
            "expires": int(expiration.timestamp()),
            "type": principal.type,
            "arn": principal.arn,
            "account": principal.account_id,
            "user": principal.user_id,
            "policies": principal.session_policies,
            "tags": dict(principal.session_tags),
            "transitive": principal.transitive_tag_keys,
            "source": principal.source_identity,
            "issuer": principal.issuer_id,
            "provider": principal.provider,
            "issued": int(now.timestamp()),
        },
    )
    return Session(
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
        session_token=token,
        expiration=expiration,
        principal=principal,
    )


class SessionStore:
    """The credential store of temporary keys; it asks nobody but the token."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock

    async def find(self, access_key_id: str, session_token: str | None) -> Credential | None:
        """The credential of a temporary key whose token is its own. Raises ExpiredToken."""
        if not session_token or not access_key_id.startswith(PREFIX):
            return None
        try:
            session = unseal(_PURPOSE, session_token)
        except BrokenSeal:
            return None
        if session["key"] != access_key_id:
            return None
        if self._clock.now() >= datetime.fromtimestamp(session["expires"], UTC):
            raise ExpiredToken("The security token included in the request is expired")
        return Credential(
            secret_access_key=session["secret"],
            principal=Principal(
                type=PrincipalType(session["type"]),
                arn=session["arn"],
                account_id=session["account"],
                user_id=session["user"],
                access_key_id=access_key_id,
                session_policies=tuple(session["policies"]),
                session_tags=session["tags"],
                transitive_tag_keys=tuple(session["transitive"]),
                source_identity=session["source"],
                issuer_id=session["issuer"],
                provider=session["provider"],
                issued_at_s=session["issued"],
            ),
        )


def new_temporary_key_id(account_id: str) -> str:
    """``ASIA`` and 16 characters that carry the account, as AWS's own do: GetAccessKeyInfo needs no row."""
    high = (int(account_id) << _ACCOUNT_SHIFT) | secrets.randbelow(1 << _ACCOUNT_SHIFT) | (1 << 47)
    return PREFIX + base64.b32encode(high.to_bytes(6, "big") + secrets.token_bytes(4)).decode()


def account_of_key_id(access_key_id: str) -> str:
    """The account in a temporary key id. Raises ValueError where it carries none."""
    high = int.from_bytes(base64.b32decode(access_key_id[len(PREFIX) :])[:6], "big")
    account = (high & 0x7FFFFFFFFF80) >> _ACCOUNT_SHIFT
    if account >= 10**12:
        raise ValueError(f"no account in {access_key_id}")
    return f"{account:012d}"
