"""The port through which Session Manager resumes a session whose connection broke; who holds sessions registers it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from aws_api.core.context import Context


@dataclass(frozen=True, kw_only=True)
class ResumedSession:
    """Where a client goes on, and what lets it."""

    stream_url: str
    token: str = field(repr=False)


#: A caller's session by its id; None where it is over, or was never the caller's account's.
FindSession = Callable[[Context, str], ResumedSession | None]

_find: FindSession | None = None


def register_sessions(find: FindSession) -> None:
    """Say how sessions are found; called when the app of who holds them is ready."""
    global _find  # noqa: PLW0603
    _find = find


def resumed_session(context: Context, session_id: str) -> ResumedSession | None:
    """A session that goes on, for a client that lost it; None where there is none."""
    return _find(context, session_id) if _find else None
