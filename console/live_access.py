"""Websockets are for those who may look at what they show: as pages, before a consumer hears of it."""

from typing import Any
from urllib.parse import parse_qs

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.execution import run_in_thread
from aws_api.core.service import AsgiApplication
from console.access import access_of
from console.models import AuditEntry, Role
from console.scope import scope_of

#: In the path of sockets through which somebody acts; all others only show.
ACTING = "/terminal/"


def for_the_allowed(application: AsgiApplication) -> AsgiApplication:
    """The application, closed to those who lack the role for its path in their session's account."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if await run_in_thread(_may_connect, scope):
            await application(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 4403})

    return guarded


def _may_connect(scope: Any) -> bool:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    token = query.get("token", [""])[0]
    access = access_of(scope["user"], f"Bearer {token}" if token else "", of_api=False)
    account_id = scope_of(scope["session"]).account_id
    acts = ACTING in scope["path"]
    allowed = access is not None and access.allows(Role.OPERATOR if acts else Role.VIEWER, account_id)
    if acts:
        AuditEntry.objects.create(
            at=SYSTEM_CLOCK.now(),
            who=access.name if access else "nobody",
            address=(scope.get("client") or ("",))[0],
            method="GET",
            path=scope["path"][:1024],
            of_account=account_id,
            status=101 if allowed else 403,
        )
    return allowed
