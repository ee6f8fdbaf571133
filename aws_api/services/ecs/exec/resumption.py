"""Sessions for Session Manager's ResumeSession: those that were opened and are not over."""

from aws_api.core.context import Context
from aws_api.core.session_resumption import ResumedSession
from aws_api.services.ecs.exec.sessions import resume_token_of
from aws_api.services.ecs.models import ExecuteCommandSession

DATA_CHANNEL_PATH = "/v1/data-channel/"


def find_session(context: Context, session_id: str) -> ResumedSession | None:
    """A session of the caller's account that its client may go on with."""
    now = context.clock.now()
    rows = ExecuteCommandSession.objects.filter(account_id=context.account_id, region=context.region)
    is_open = rows.filter(session_id=session_id, opened_at__isnull=False, ended_at=None, alive_until__gt=now).exists()
    if not is_open:
        return None
    return ResumedSession(stream_url=stream_url(context, session_id), token=resume_token_of(session_id, now))


def stream_url(context: Context, session_id: str) -> str:
    """Where a client opens a session: by the name under which it reached Simfra."""
    endpoint = context.endpoint.replace("http", "ws", 1).rstrip("/")
    return f"{endpoint}{DATA_CHANNEL_PATH}{session_id}?role=publish_subscribe"
