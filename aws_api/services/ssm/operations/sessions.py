"""ResumeSession: sessions are ECS's; of Session Manager's own there are none.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ResumeSession.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.arns import Arn
from aws_api.core.context import Context
from aws_api.core.service import Access
from aws_api.core.session_resumption import resumed_session
from aws_api.services.ssm.service import ssm
from aws_api.services.ssm.shapes import DoesNotExistException, ResumeSessionRequest, ResumeSessionResponse


def _access(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
    resource = f"session/{request['SessionId']}"
    arn = Arn(service="ssm", region=context.region, account_id=context.account_id, resource=resource)
    return (("ssm:ResumeSession", str(arn)),)


@ssm.operation(access=_access)
def resume_session(context: Context, request: ResumeSessionRequest) -> ResumeSessionResponse:
    """A new token for a session whose connection broke, while it waits for its client."""
    session_id = request["SessionId"]
    session = resumed_session(context, session_id)
    if session is None:
        raise DoesNotExistException(f"Session {session_id} does not exist or is not in a resumable state.")
    return {"SessionId": session_id, "TokenValue": session.token, "StreamUrl": session.stream_url}
