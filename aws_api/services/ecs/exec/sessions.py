"""The rows of sessions: opened once by their token, alive while somebody renews them, ended once.

Statements of their own, since a channel lives on the event loop.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aws_api.core import database
from aws_api.core.sealing import BrokenSeal, seal, unseal

#: How long a token waits to be used.
TOKEN_LIFETIME = timedelta(minutes=5)
#: An open session says so at least this often.
RENEW_EVERY_S = 60
ALIVE_FOR = timedelta(minutes=3)
#: AWS's quota. https://docs.aws.amazon.com/general/latest/gr/ecs-service.html
MAX_SESSIONS_PER_CONTAINER = 20
#: How long ended sessions are remembered.
RETENTION = timedelta(hours=1)
#: How long a session whose connection broke waits for its client.
RESUME_WITHIN_S = 60
_SEAL = "ecs execute command"
_RESUME_SEAL = "ecs execute command resumed"

# One statement decides which of two that have the same token is first.
_OPEN = """
    UPDATE ecs_executecommandsession s SET opened_at = $2, alive_until = $3
    FROM ecs_task t
    WHERE t.id = s.task_id AND s.session_id = $1 AND s.opened_at IS NULL AND s.expires_at > $2
      AND t.last_status = 'RUNNING' AND t.desired_status = 'RUNNING'
    RETURNING s.session_id, s.account_id, s.region, s.container, s.engine_container, s.command, s.role_arn,
              s.log_group, s.log_region, s.kms_key_id, s.target_id, t.arn AS task_arn, t.task_id
"""
_RUN = "UPDATE ecs_executecommandsession SET program = $2 WHERE session_id = $1"
_RENEW = "UPDATE ecs_executecommandsession SET alive_until = $2 WHERE session_id = $1"
_END = """
    UPDATE ecs_executecommandsession SET ended_at = $2, exit_code = $3 WHERE session_id = $1 AND ended_at IS NULL
"""


@dataclass(frozen=True, kw_only=True)
class Session:
    """An opened session: whose program runs where, where its output is logged, and what encrypts it.

    ``target_id`` is what Session Manager calls the container.
    """

    session_id: str
    account_id: str
    region: str
    task_arn: str
    task_id: str
    container: str
    engine_container: str
    command: str
    role_arn: str
    log_group: str
    log_region: str
    kms_key_id: str
    target_id: str


def token_of(session_id: str) -> str:
    """The token that opens a session: nothing but this instance makes one."""
    return seal(_SEAL, session_id)


def resume_token_of(session_id: str, now: datetime) -> str:
    """The token by which the client of an opened session goes on with it, for as long as it waits."""
    return seal(_RESUME_SEAL, [session_id, now.timestamp() + RESUME_WITHIN_S])


def may_resume(session_id: str, token: str, now: datetime) -> bool:
    """Whether a token lets its bearer go on with a session."""
    try:
        resumed_id, expires_at = unseal(_RESUME_SEAL, token)
    except BrokenSeal:
        return False
    return bool(resumed_id == session_id and now.timestamp() < expires_at)


async def open_session(session_id: str, token: str, now: datetime) -> Session | None:
    """The session of a token, which opens nothing after that; None where it never did, or has expired."""
    try:
        if unseal(_SEAL, token) != session_id:
            return None
    except BrokenSeal:
        return None
    row = await database.fetch_row(_OPEN, session_id, now, now + ALIVE_FOR)
    return Session(**row) if row else None


async def note_program(session_id: str, program: str) -> None:
    """Write down what runs in a session: whoever holds it may be killed, and it is ended by others then."""
    await database.fetch(_RUN, session_id, program)


async def renew(session_id: str, now: datetime) -> None:
    """Say that a session goes on."""
    await database.fetch(_RENEW, session_id, now + ALIVE_FOR)


async def end_session(session_id: str, exit_code: int | None, now: datetime) -> None:
    """Write down that a session is over."""
    await database.fetch(_END, session_id, now, exit_code)
