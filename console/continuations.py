"""Answers that come later: Django checks a request and lets go of its thread; the rest runs on the event loop.

Everything that Django does to a request (middleware, authentication, permissions, parsing, errors) happens to these as
to any other. The view then leaves a continuation; the answer that Django makes meanwhile is held back, and only its
headers are used.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from aws_api.core.execution import run_on_loop
from aws_api.core.service import AsgiApplication

_PLACE = "simfra.continuation"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a continuation comes to: data for JSON."""

    status: int
    data: Any


@dataclass(frozen=True, kw_only=True)
class Stream:
    """An answer without an end: bytes as they come, until who reads goes."""

    content_type: str
    chunks: AsyncIterator[bytes]


Continuation = Callable[[], Awaitable[Answer | Stream]]


def answer_later(request: Request, continuation: Callable[[], Any]) -> Response:
    """What a view returns so that ``continuation()`` makes the answer. It is cancelled when the client hangs up.

    Where nothing but Django is there (its test client), an Answer is waited for here.
    """
    place = getattr(request._request, "scope", {}).get(_PLACE)
    if place is None:
        answer = run_on_loop(continuation())
        assert isinstance(answer, Answer), "streams need the ASGI application"
        return Response(answer.data, answer.status)
    place.append(continuation)
    return Response(status=202)


def with_continuations(django_application: AsgiApplication) -> AsgiApplication:
    """Django's application, which lets continuations make the answers."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        left: list[Continuation] = []
        held: dict[str, Any] = {}

        async def send_or_hold(message: Any) -> None:
            if not left:
                await send(message)
            elif message["type"] == "http.response.start":
                held.update(message)

        await django_application({**scope, _PLACE: left}, receive, send_or_hold)
        if left:
            await _until_gone(_continue(left[0], held["headers"], send), receive)

    return application


async def _continue(continuation: Continuation, headers: list[tuple[bytes, bytes]], send: Any) -> None:
    answer = await continuation()
    kept = [(name, value) for name, value in headers if name.lower() not in (b"content-length", b"content-type")]
    if isinstance(answer, Stream):
        kept.append((b"content-type", answer.content_type.encode()))
        await send({"type": "http.response.start", "status": 200, "headers": kept})
        async for chunk in answer.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})
        return
    body = JSONRenderer().render(answer.data)
    kept += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": kept})
    await send({"type": "http.response.body", "body": body})


async def _until_gone(answering: Any, receive: Any) -> None:
    """Run the answer until it is made, or nobody wants it any more."""
    work = asyncio.ensure_future(answering)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
    finally:
        for task in (work, gone):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
