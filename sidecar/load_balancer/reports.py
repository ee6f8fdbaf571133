"""Telling Simfra how targets are and what was carried: at once when something changed, and now and then anyway.

Simfra keeps what it is told; a report that it does not take is told again with the next.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

EVERY_S = 10.0
#: Changes that come together go together.
_TOGETHER_S = 0.01
_AGAIN_AFTER_S = 1.0
_TIMEOUT_S = 10.0
MAX_LOG_LINES = 10_000


class Reporter:
    """Sends reports; ``collect`` says what is to be told, ``told`` is called once that has arrived."""

    def __init__(
        self, *, host: str, port: int, path: str, token: str, collect: Callable[[], Any], told: Callable[[], None]
    ) -> None:
        self._address = (host, port)
        self._path = path
        self._token = token
        self._collect = collect
        self._told = told
        self._news = asyncio.Event()
        self.log_lines: deque[str] = deque(maxlen=MAX_LOG_LINES)

    def wake(self) -> None:
        """Something changed."""
        self._news.set()

    async def run(self) -> None:
        """Report for ever."""
        while True:
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._news.wait()
                await asyncio.sleep(_TOGETHER_S)
            except TimeoutError:
                pass
            self._news.clear()
            await self._report()

    async def _report(self) -> None:
        lines = list(self.log_lines)
        report: Mapping[str, Any] = {**await self._collect(), "access_log": lines}
        try:
            await asyncio.to_thread(self._send, json.dumps(report).encode())
        except (OSError, HTTPException) as error:
            print(f"cannot report: {error}", flush=True)
            await asyncio.sleep(_AGAIN_AFTER_S)
            self._news.set()
            return
        for _ in lines:
            self.log_lines.popleft()
        self._told()

    def _send(self, body: bytes) -> None:
        connection = HTTPConnection(*self._address, timeout=_TIMEOUT_S)
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
            connection.request("POST", self._path, body, headers)
            answer = connection.getresponse()
            answer.read(1024)
            if answer.status >= 300:
                raise HTTPException(f"Simfra answered {answer.status}")
        finally:
            connection.close()


class AccessLog(asyncio.DatagramProtocol):
    """Takes HAProxy's lines, one a datagram."""

    def __init__(self, lines: deque[str]) -> None:
        self._lines = lines

    def datagram_received(self, data: bytes, addr: Any) -> None:
        # <134>Nov 22 16:00:00 haproxy[12]: the line
        self._lines.append(data.decode(errors="replace").partition("]: ")[2].rstrip("\n"))
