"""Following containers' output on the event loop: one connection each, no thread, so that hundreds cost little.

Spoken as HTTP/1.0: the engine then sends the output as it is, until the container ends.
"""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlencode

from docker.errors import NotFound

from aws_api.core.containers import LogLine, RuntimeFailure, RuntimeUnreachable
from workers.docker import connection, engine
from workers.docker.failures import engine_failures
from workers.docker.output import OutputDecoder, timestamp

_READ_BYTES = 65536


def follow(container_id: str, since_ns: int) -> AsyncIterator[list[LogLine]]:
    """A container's lines from a moment on, as they come, until it ends or is removed. Raises RuntimeFailure.

    Without a last line that no line feed ends: the engine withholds it, or some of it, from those who follow.
    """
    return _lines(container_id, since_ns, is_followed=True)


def read(container_id: str, since_ns: int) -> AsyncIterator[list[LogLine]]:
    """All of a container's lines from a moment on that there are now. Raises RuntimeFailure."""
    return _lines(container_id, since_ns, is_followed=False)


async def _lines(container_id: str, since_ns: int, *, is_followed: bool) -> AsyncIterator[list[LogLine]]:
    has_terminal = await asyncio.to_thread(_has_terminal, container_id)
    if has_terminal is None:
        return
    since = timestamp(since_ns)
    parameters = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": int(is_followed), "since": since}
    request = f"GET /containers/{container_id}/logs?{urlencode(parameters)} HTTP/1.0\r\nHost: docker\r\n"
    status, reader, writer = await connection.request(request)
    try:
        if status == 404:
            return
        if status != 200:
            raise RuntimeFailure(f"The engine does not show the output of {container_id}: {status}")
        decoder = OutputDecoder(has_terminal=has_terminal)
        while data := await reader.read(_READ_BYTES):
            lines = decoder.feed(data)
            if lines:
                yield lines
        lines = [] if is_followed else decoder.finish()
        if lines:
            yield lines
    except OSError as error:
        raise RuntimeUnreachable(f"The Docker engine went away: {error}") from error
    finally:
        writer.close()


def _has_terminal(container_id: str) -> bool | None:
    """Whether its output is one raw stream; None where the container is gone."""
    with engine_failures():
        try:
            return bool(engine.client().inspect_container(container_id)["Config"].get("Tty"))
        except NotFound:
            return None
