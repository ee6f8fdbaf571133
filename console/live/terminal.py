"""A shell in a container, for the person in front of the console: its websocket is the shell's terminal.

Bytes are what is typed and printed, text is the terminal's size as JSON, and at the end why it is over. Whoever may
look into the console of their own machine may also type into its containers; from other machines nobody may, since the
console asks nobody who they are: they have ExecuteCommand.
"""

import asyncio
import json
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import path

from aws_api.core.callers import is_local
from aws_api.core.containers import RuntimeFailure
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_in_thread
from aws_api.core.terminals import Terminal, open_terminal
from console.live.consumers import REFUSED
from console.middleware import comes_from_a_task
from console.pages.tasks import find_task
from console.scope import Scope, scope_of

#: Whichever of the two the image has, the better one.
SHELL = ("sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash; exec sh")
_MAX_CHARACTERS = 10_000
_EXIT_CODE_WITHIN_S = 2


class TerminalConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One shell, as long as the connection lasts."""

    async def connect(self) -> None:
        self._terminal: Terminal | None = None
        self._showing: asyncio.Task[None] | None = None
        await self.accept()
        client_host = (self.scope.get("client") or ("",))[0]
        if comes_from_a_task(client_host):
            await self.close(REFUSED)
            return
        if not is_local(client_host, self._host()):
            await self._end("Terminals open for people on the machine that Simfra runs on.", REFUSED)
            return
        try:
            container = await run_in_thread(self._engine_container, scope_of(self.scope["session"]))
            self._terminal = await open_terminal(container, SHELL)
        except (AwsError, RuntimeFailure) as failure:
            await self._end(str(failure))
            return
        self._showing = asyncio.create_task(self._show(self._terminal))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._terminal is None:
            return
        try:
            if bytes_data:
                await self._terminal.write(bytes_data)
            elif text_data:
                await self._resize(text_data)
        except (RuntimeFailure, ValueError, KeyError, TypeError) as failure:
            await self._end(str(failure))

    async def disconnect(self, code: int) -> None:
        if self._showing is not None:
            self._showing.cancel()
        if self._terminal is not None:
            await self._terminal.close()

    def _host(self) -> str:
        return str(dict(self.scope["headers"]).get(b"host", b"").decode("latin-1"))

    def _engine_container(self, scope: Scope) -> str:
        """The engine's name of the container that the path names. Raises RuntimeFailure, AwsError."""
        names = self.scope["url_route"]["kwargs"]
        page = find_task(scope, names["cluster"], names["task_id"])
        name = page.log_names.get(names["container"]) if page else None
        if name is None:
            raise RuntimeFailure("There is no such container.")
        return name

    async def _resize(self, text: str) -> None:
        size: Any = json.loads(text)
        rows, columns = int(size["rows"]), int(size["columns"])
        if self._terminal is not None and 0 < rows < _MAX_CHARACTERS and 0 < columns < _MAX_CHARACTERS:
            await self._terminal.resize(rows, columns)

    async def _show(self, terminal: Terminal) -> None:
        """Send what the shell prints, until it ends."""
        try:
            while data := await terminal.read():
                await self.send(bytes_data=data)
            async with asyncio.timeout(_EXIT_CODE_WITHIN_S):
                while (code := await terminal.exit_code()) is None:
                    await asyncio.sleep(0.02)
            await self._end(f"The shell exited with code {code}.")
        except TimeoutError:
            await self._end("The shell exited.")
        except RuntimeFailure as failure:
            await self._end(str(failure))

    async def _end(self, why: str, code: int | None = None) -> None:
        await self.send(text_data=json.dumps({"end": why}))
        await self.close(code)


websocket_urlpatterns = [
    path(
        "_simfra/live/clusters/<str:cluster>/tasks/<str:task_id>/terminal/<str:container>", TerminalConsumer.as_asgi()
    ),
]
