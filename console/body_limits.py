"""Bodies of requests to Simfra's own pages and API, cut off where they are too long.

Django puts a whole body on disk before it asks any view; what nobody would take is refused while it comes.
"""

from typing import Any

import orjson
from django.conf import settings

from aws_api.core.service import AsgiApplication

#: Archives of images, by the paths that take them.
ARCHIVE_BYTES = {"/_simfra/images/import": 32 * 1024**3, "/images/import": 4 * 1024**3}


class _TooLong(Exception):
    """The body has more bytes than its path takes."""


def with_bounded_bodies(application: AsgiApplication) -> AsgiApplication:
    """The application, which never sees the rest of a body that is too long: its sender is answered 413."""

    async def bounded(scope: Any, receive: Any, send: Any) -> None:
        limit = ARCHIVE_BYTES.get(scope["path"], settings.SIMFRA_MAX_BODY_BYTES)
        received = 0

        async def receive_within() -> Any:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _TooLong
            return message

        try:
            if _said_length(scope) > limit:
                raise _TooLong
            await application(scope, receive_within, send)
        except _TooLong:
            await _refuse(send, limit)

    return bounded


def _said_length(scope: Any) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


async def _refuse(send: Any, limit: int) -> None:
    body = orjson.dumps({"detail": f"The body exceeds {limit} bytes."})
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
