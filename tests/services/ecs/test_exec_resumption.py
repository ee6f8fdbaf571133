"""Sessions whose connection broke: who comes back finds them as they were, and who does not is not waited for."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.services.ecs.exec import sessions
from aws_api.services.ecs.exec.messages import PayloadType
from aws_api.services.ecs.models import ExecuteCommandSession
from tests.services.ecs.exec_stage import Echo, endpoint, programs, session, task
from tests.support.data_channel import ExecClient
from tests.support.threads import in_thread
from tests.support.waiting import wait_for

__all__ = ["endpoint", "programs", "session", "task"]


async def test_a_client_whose_connection_broke_goes_on_where_it_was(
    session: dict[str, str], programs: list[Echo], aws: Callable[..., Any], endpoint: str
) -> None:
    ssm = aws("ssm", endpoint_url=endpoint)
    async with ExecClient.open(session) as client:
        await client.ready()
        await client.type("before.")
        await client.shows("before.")
        await client.lose_connection()
        await programs[0].write(b"meanwhile.")
        resumed = await in_thread(ssm.resume_session, SessionId=session["sessionId"])
        await client.resume(resumed["StreamUrl"], resumed["TokenValue"])
        await client.type("after.")
        assert await client.shows("after.") == "before.meanwhile.after."
        await client.send(PayloadType.OUTPUT, b"exit")
        assert await client.end() == ""
    assert (len(programs), programs[0].is_closed) == (1, True), "it is the program that it was"
    with pytest.raises(ClientError, match="is not in a resumable state"):
        await in_thread(ssm.resume_session, SessionId=session["sessionId"])


async def test_who_comes_back_is_let_in_before_the_loss_is_noticed(
    session: dict[str, str], programs: list[Echo], aws: Callable[..., Any], endpoint: str
) -> None:
    ssm = aws("ssm", endpoint_url=endpoint)
    async with ExecClient.open(session) as client:
        await client.ready()
        lost = client._socket
        resumed = await in_thread(ssm.resume_session, SessionId=session["sessionId"])
        await client.resume(resumed["StreamUrl"], resumed["TokenValue"])
        await lost.wait_closed()
        await client.type("still here")
        await client.shows("still here")
    assert len(programs) == 1


async def test_who_does_not_come_back_is_not_waited_for(
    session: dict[str, str], programs: list[Echo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "RESUME_WITHIN_S", 0.1)
    async with ExecClient.open(session) as client:
        await client.ready()
        await client.lose_connection()
        await in_thread(wait_for, lambda: programs[0].is_closed, timeout_s=60, what="the program's end")
    rows = ExecuteCommandSession.objects.filter(session_id=session["sessionId"])
    await in_thread(wait_for, lambda: rows.exclude(ended_at=None).exists(), timeout_s=60, what="the session's end")


def test_only_sessions_of_the_account_are_resumed(aws: Callable[..., Any], session: dict[str, str]) -> None:
    for name in (session["sessionId"], "nobody-0123456789"):
        with pytest.raises(ClientError) as refused:
            aws("ssm").resume_session(SessionId=name)
        assert refused.value.response["Error"]["Code"] == "DoesNotExistException", "it was never opened"
