"""The end of a task's credentials: sessions that were made for a task are refused once it has stopped.

Sessions are named after their task, as ECS names them; their tokens are kept nowhere, so this is asked at each call.
The answer is kept per process and dropped everywhere when the task stops.
"""

from collections.abc import Mapping
from typing import Any

from aws_api.core import database
from aws_api.core.caching import MetadataCache
from aws_api.core.changes import StateChange, subscribe
from aws_api.core.context import Context, Principal, PrincipalType
from aws_api.core.errors import AwsError
from aws_api.core.service import Access, Operation
from aws_api.services.ecs.lifecycle import TaskStatus
from aws_api.services.ecs.specifications import KIND

#: Whether tasks of an id are there and all of them have stopped; a session of no task is somebody's own.
_HAS_STOPPED = "SELECT bool_and(last_status = 'STOPPED') FROM ecs_task WHERE account_id = $1 AND task_id = $2"
_LIVE = "live"
_STOPPED = "stopped"


class ExpiredToken(AwsError):
    """The session was a task's, and the task has stopped."""

    code = "ExpiredTokenException"
    query_code = "ExpiredToken"
    status = 403


class TaskSessions:
    """Refuses the sessions of stopped tasks, whatever their role allows."""

    def __init__(self) -> None:
        self._states: MetadataCache[tuple[str, str], str] = MetadataCache(
            "ecs.task_sessions", _load_state, key_text="/".join
        )

    async def authorize(self, context: Context, operation: Operation, request: Mapping[str, Any]) -> None:
        """Raise ExpiredToken for a call with a stopped task's session."""
        await self._require_live(context.principal)

    async def authorize_access(self, context: Context, access: Access) -> None:
        """The same for one permission."""
        await self._require_live(context.principal)

    def forget(self, account_id: str, task_id: str) -> None:
        """Ask again about a task's sessions, in every process."""
        self._states.invalidate((account_id, task_id))

    async def _require_live(self, principal: Principal) -> None:
        if principal.type is not PrincipalType.ASSUMED_ROLE:
            return
        session_name = principal.arn.rpartition("/")[2]
        if await self._states.get((principal.account_id, session_name)) == _STOPPED:
            raise ExpiredToken("The security token included in the request is expired")


async def _load_state(key: tuple[str, str]) -> str:
    row = await database.fetch_row(_HAS_STOPPED, *key)
    return _STOPPED if row and row[0] else _LIVE


task_sessions = TaskSessions()


@subscribe
def end_sessions(change: StateChange) -> None:
    """A task has stopped: its sessions hold no longer."""
    if change.kind == KIND and change.after == TaskStatus.STOPPED:
        task_sessions.forget(change.account_id, change.key.rpartition("/")[2])
