"""Telling Simfra how targets are and what was carried: at once when something changed, and now and then anyway.

Simfra keeps what it is told; a report that it does not take is told again with the next.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from typing import Any

EVERY_S = 10.0
#: Changes that come together go together.
_TOGETHER_S = 0.01
_AGAIN_AFTER_S = 1.0
_TIMEOUT_S = 10.0
MAX_LOG_LINES = 10_000
#: Fields of an entry of the access log, counted from 0.
_ANSWERED = 1
_TARGET = 4
_TIMES = slice(5, 8)
_STATUS_OF_TARGET = 9
#: What follows the moment of the request: what was done, where a redirect leads, and the reason of an error.
_AFTER_CREATION = 3


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


def access_log_entry(line: str, now: datetime) -> str:
    """HAProxy's line as an entry of AWS's: moments and seconds, and nothing of a target where none was asked. Pure."""
    before, *after = line.rsplit(" ", _AFTER_CREATION + 1)
    fields = before.split(" ", _STATUS_OF_TARGET + 1)
    if len(fields) <= _STATUS_OF_TARGET + 1 or len(after) <= _AFTER_CREATION:
        return line
    fields[_ANSWERED] = _moment(now)
    after[0] = _moment(datetime.fromtimestamp(float(after[0]), UTC))
    if fields[_TARGET].startswith("-"):
        fields[_TARGET] = fields[_STATUS_OF_TARGET] = "-"
    fields[_TIMES] = [ms if ms.startswith("-") else f"{int(ms) / 1000:.3f}" for ms in fields[_TIMES]]
    return " ".join([*fields, *after, f'"{fields[_TARGET]}"', f'"{fields[_STATUS_OF_TARGET]}"', '"-"', '"-"'])


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


class AccessLog(asyncio.DatagramProtocol):
    """Takes HAProxy's lines, one a datagram."""

    def __init__(self, lines: deque[str]) -> None:
        self._lines = lines

    def datagram_received(self, data: bytes, addr: Any) -> None:
        # <134>Nov 22 16:00:00 haproxy[12]: the line
        line = data.decode(errors="replace").partition("]: ")[2].rstrip("\n")
        self._lines.append(access_log_entry(line, datetime.now(UTC)))
