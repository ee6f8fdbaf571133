"""A program in a container with a terminal: Docker's exec, held over a connection of its own on the event loop.

Docker lets a program run on when its terminal is let go of, and offers no way to end it. It is ended by its process id
then, from a short-lived container that sees the host's processes.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from docker.errors import APIError, NotFound

from aws_api.core.containers import LABEL_INSTANCE, LABEL_ROLE, RuntimeFailure, RuntimeUnreachable
from workers.docker import connection, engine
from workers.docker.failures import engine_failures

ROLE_ENDER = "terminal-ender"
_ENVIRONMENT = {"TERM": "xterm-256color"}
_READ_BYTES = 65536
#: A program that reads nothing does not keep whoever types for ever.
_WRITE_TIMEOUT_S = 60
_ENDER_MEMORY_BYTES = 32 * 1024 * 1024
#: Hang up, as a terminal does that goes away; kill what does not listen. Never another process that took the number.
_END = """
pid=$1 container=$2
is_ours() { grep -q "$container" "/proc/$pid/cgroup" 2>/dev/null; }
is_ours && kill -HUP "$pid"
for _ in 1 2 3 4 5 6 7 8 9 10; do is_ours || exit 0; sleep 0.1; done
is_ours && kill -KILL "$pid"
"""


class DockerTerminal:
    """A started program. Made by :meth:`open`."""

    def __init__(self, exec_id: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._exec_id = exec_id
        self._reader = reader
        self._writer = writer
        self._is_closed = False

    @classmethod
    async def open(cls, container: str, command: Sequence[str]) -> "DockerTerminal":
        """Start a command as root. One that is not in the container says so in its output. Raises RuntimeFailure."""
        exec_id = await asyncio.to_thread(_create, container, command)
        body = json.dumps({"Detach": False, "Tty": True}).encode()
        status, reader, writer = await connection.request(
            f"POST /exec/{exec_id}/start HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n",
            body,
        )
        if status != 101:
            writer.close()
            raise RuntimeFailure(f"The engine does not start {command[0]} in {container}: {status}")
        return cls(exec_id, reader, writer)

    @property
    def program(self) -> str:
        return self._exec_id

    async def read(self) -> bytes:
        try:
            return await self._reader.read(_READ_BYTES)
        except OSError as error:
            raise RuntimeUnreachable(f"The Docker engine went away: {error}") from error

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            async with asyncio.timeout(_WRITE_TIMEOUT_S):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise RuntimeUnreachable(f"The program takes no input: {error}") from error

    async def resize(self, rows: int, columns: int) -> None:
        await asyncio.to_thread(_resize, self._exec_id, rows, columns)

    async def exit_code(self) -> int | None:
        inspected = await asyncio.to_thread(_inspect, self._exec_id)
        return None if inspected is None or inspected["Running"] else int(inspected["ExitCode"])

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._writer.close()
        await asyncio.to_thread(end_program, self._exec_id)


def _create(container: str, command: Sequence[str]) -> str:
    with engine_failures():
        created = engine.client().exec_create(
            container, list(command), stdin=True, tty=True, user="0", environment=_ENVIRONMENT
        )
    return str(created["Id"])


def _resize(exec_id: str, rows: int, columns: int) -> None:
    with engine_failures():
        try:
            engine.client().exec_resize(exec_id, height=rows, width=columns)
        except APIError as error:
            # It has ended, or has not begun.
            if error.status_code not in (404, 409, 500):
                raise


def _inspect(exec_id: str) -> dict[str, Any] | None:
    with engine_failures():
        try:
            return dict(engine.client().exec_inspect(exec_id))
        except NotFound:
            return None  # the container was removed


def end_program(exec_id: str) -> None:
    """End a program where it runs. Raises RuntimeFailure."""
    inspected = _inspect(exec_id)
    if inspected is None or not inspected["Running"] or not inspected["Pid"]:
        return
    with engine_failures():
        client = engine.client()
        created = client.create_container_from_config(
            {
                "Image": settings.SIMFRA_SIDECAR_IMAGE,
                "Entrypoint": ["sh", "-c", _END, "end"],
                "Cmd": [str(inspected["Pid"]), inspected["ContainerID"]],
                "Labels": {LABEL_INSTANCE: settings.SIMFRA_INSTANCE, LABEL_ROLE: ROLE_ENDER},
                "HostConfig": {
                    "AutoRemove": True,
                    "PidMode": "host",
                    "NetworkMode": "none",
                    "CapDrop": ["ALL"],
                    "CapAdd": ["KILL"],
                    "Memory": _ENDER_MEMORY_BYTES,
                },
            }
        )
        client.start(created["Id"])
