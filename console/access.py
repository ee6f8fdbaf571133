"""What somebody may do: their roles, by account. Found from a session, from a token, or because nobody need log in."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare

from aws_api.core.clock import SYSTEM_CLOCK
from console.models import EVERY_ACCOUNT, ApiToken, Role

_RANKS = {role: rank for rank, role in enumerate(Role)}
_TOKEN_PREFIX = "simfra_"
#: How precise ``last_used_at`` is: a token in use costs a write as seldom.
_USED_EVERY = timedelta(minutes=1)
_BEARER = "Bearer "


@dataclass(frozen=True, kw_only=True)
class Access:
    """Somebody's name and roles. ``roles`` is by account id, or ``*`` for every account."""

    name: str
    roles: Mapping[str, Role]

    def allows(self, role: Role, account_id: str) -> bool:
        """Whether the role, or a higher one, is held in an account, or ``*`` for all of them."""
        held = [self.roles[scope] for scope in {account_id, EVERY_ACCOUNT} if scope in self.roles]
        return any(_RANKS[one] >= _RANKS[role] for one in held)

    @property
    def accounts(self) -> frozenset[str] | None:
        """The accounts that may be looked at; None for all."""
        return None if EVERY_ACCOUNT in self.roles else frozenset(self.roles)


#: Whoever sits at the machine where nobody has to log in.
LOCAL = Access(name="local", roles={EVERY_ACCOUNT: Role.ADMIN})
#: Whoever knows SIMFRA_ADMIN_TOKEN.
OWNER = Access(name="SIMFRA_ADMIN_TOKEN", roles={EVERY_ACCOUNT: Role.ADMIN})


def access_of(user: Any, authorization: str, *, of_api: bool) -> Access | None:
    """A request's access: by its bearer token, else its session's user, else as nobody in particular. None: refused.

    Without SIMFRA_LOGIN the console is open to this machine, and so is the admin API unless SIMFRA_ADMIN_TOKEN is set.
    """
    # A script whose variable is empty sends "Bearer " and nothing: it has no token, rather than a wrong one.
    if authorization.removeprefix(_BEARER.rstrip()).strip():
        return _by_token(authorization)
    if getattr(user, "is_authenticated", False):
        return of_user(user)
    if settings.SIMFRA_LOGIN or (of_api and settings.SIMFRA_ADMIN_TOKEN):
        return None
    return LOCAL


def of_user(user: Any) -> Access:
    """A user's access: superusers administer everything."""
    if user.is_superuser:
        return Access(name=user.get_username(), roles={EVERY_ACCOUNT: Role.ADMIN})
    memberships = user.memberships.all()
    return Access(name=user.get_username(), roles={one.of_account: Role(one.role) for one in memberships})


def make_token(*, name: str, account_id: str, role: Role, made_by: str, expires_at: datetime) -> tuple[ApiToken, str]:
    """A new token's row and its secret, which cannot be found out again."""
    secret = _TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        name=name,
        digest=_digest(secret),
        of_account=account_id,
        role=role,
        made_by=made_by,
        created_at=SYSTEM_CLOCK.now(),
        expires_at=expires_at,
    )
    return row, secret


def _by_token(authorization: str) -> Access | None:
    secret = authorization.removeprefix(_BEARER)
    if settings.SIMFRA_ADMIN_TOKEN and constant_time_compare(authorization, _BEARER + settings.SIMFRA_ADMIN_TOKEN):
        return OWNER
    now = SYSTEM_CLOCK.now()
    token = ApiToken.objects.filter(digest=_digest(secret), expires_at__gt=now).first()
    if token is None:
        return None
    if token.last_used_at is None or token.last_used_at < now - _USED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return Access(name=f"token {token.name}", roles={token.of_account: Role(token.role)})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
