"""Bodies that are too long are cut off while they come, before anything of Django has them."""

import asyncio
from typing import Any

import orjson
import pytest

from console.body_limits import ARCHIVE_BYTES, with_bounded_bodies
from simfra.asgi import django_application

PATH = "/_simfra/images/import"
CHUNK = b"x" * 1000


def answer(headers: list[tuple[bytes, bytes]], chunks: int) -> tuple[list[dict[str, Any]], int]:
    """What is answered to a body of so many chunks, and how many of them were taken."""
    sent: list[dict[str, Any]] = []
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": CHUNK, "more_body": taken < chunks}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b"", "headers": headers}
    asyncio.run(with_bounded_bodies(django_application)(scope, receive, send))
    return sent, taken


def test_a_body_without_a_length_is_taken_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHIVE_BYTES, PATH, 5 * len(CHUNK))
    (start, body), taken = answer([], chunks=1000)
    assert (start["status"], taken) == (413, 6)
    assert orjson.loads(body["body"]) == {"detail": "The body exceeds 5000 bytes."}


def test_a_body_that_says_its_length_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHIVE_BYTES, PATH, 5 * len(CHUNK))
    (start, _), taken = answer([(b"content-length", b"6000")], chunks=6)
    assert (start["status"], taken) == (413, 0)
