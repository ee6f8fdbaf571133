"""What a session printed, in CloudWatch Logs: a stream named after the session, written as the task's role.

A log that cannot be written ends no session, as with AWS's agent; what it misses is said in it where it can be.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import find_operation, invoke_async
from aws_api.services.ecs.exec.agents import agent_context
from aws_api.services.ecs.exec.sessions import Session

#: What waits to be written; a program that prints faster than that is not kept waiting.
MAX_PENDING_BYTES = 512 * 1024
MAX_EVENTS = 10_000
MAX_MESSAGE_BYTES = 200 * 1024
_WRITE_EVERY_S = 1.0
_ALREADY_THERE = "ResourceAlreadyExistsException"

_log = logging.getLogger(__name__)


class Transcript:
    """The log of one session; without a log group it takes what it is given and keeps nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_kept = bool(session.log_group)
        self._pending = bytearray()
        self._dropped_bytes = 0
        self._context: Context | None = None
        self._writing: asyncio.Task[None] | None = None
        self._is_over = asyncio.Event()

    def start(self) -> None:
        """Write now and then, until finished."""
        if self._is_kept:
            self._writing = asyncio.create_task(self._write_now_and_then(), name="transcript")

    def add(self, data: bytes) -> None:
        """Take what the program printed."""
        if not self._is_kept:
            return
        room = MAX_PENDING_BYTES - len(self._pending)
        self._pending += data[:room]
        self._dropped_bytes += max(0, len(data) - room)

    async def finish(self) -> None:
        """Write what is left."""
        if self._writing is not None:
            self._is_over.set()
            await self._writing

    async def _write_now_and_then(self) -> None:
        while not self._is_over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_over.wait(), _WRITE_EVERY_S)
            await self._write(is_end=self._is_over.is_set())

    async def _write(self, *, is_end: bool) -> None:
        lines = self._take_lines(is_end=is_end)
        if not lines or not self._is_kept:
            return
        try:
            context = await self._ready()
            at_ms = SYSTEM_CLOCK.epoch_ms()
            for first in range(0, len(lines), MAX_EVENTS):
                events = [{"timestamp": at_ms, "message": line} for line in lines[first : first + MAX_EVENTS]]
                await _call(context, "PutLogEvents", {**self._stream, "logEvents": events})
        except AwsError as error:
            _log.warning("the log of %s is not written: %s: %s", self._session.session_id, error.code, error.message)
            self._is_kept = False

    def _take_lines(self, *, is_end: bool) -> list[str]:
        """The lines that are whole; at the end, all. None is empty: CloudWatch Logs takes no empty events."""
        whole = len(self._pending) if is_end else self._pending.rfind(b"\n") + 1
        if not whole and len(self._pending) > MAX_MESSAGE_BYTES:
            whole = MAX_MESSAGE_BYTES
        taken = bytes(self._pending[:whole])
        del self._pending[:whole]
        lines = []
        for line in taken.split(b"\n"):
            rest = line.rstrip(b"\r")
            while rest:
                lines.append(rest[:MAX_MESSAGE_BYTES].decode(errors="replace"))
                rest = rest[MAX_MESSAGE_BYTES:]
        if self._dropped_bytes:
            lines.append(f"[{self._dropped_bytes} bytes of output are not in this log]")
            self._dropped_bytes = 0
        return lines

    async def _ready(self) -> Context:
        """The role's context, once its stream is there."""
        if self._context is None:
            context = replace(await agent_context(self._session), region=self._session.log_region)
            try:
                await _call(context, "CreateLogStream", self._stream)
            except AwsError as error:
                if error.code != _ALREADY_THERE:
                    raise
            self._context = context
        return self._context

    @property
    def _stream(self) -> dict[str, str]:
        return {"logGroupName": self._session.log_group, "logStreamName": self._session.session_id}


async def _call(context: Context, operation: str, request: dict[str, Any]) -> None:
    await invoke_async(context, find_operation("logs", operation), request)
