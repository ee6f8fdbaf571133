"""Sessions of ECS Exec over a real websocket, of a program that needs no engine."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from aws_api.core import terminals
from tests.services.ecs.conftest import Register
from tests.services.ecs.stage import Stage
from tests.support.websocket_gateway import served

__all__ = ["Echo", "endpoint", "programs", "session", "task"]


class Echo:
    """A program that says what it is told, and ends at ``exit``."""

    program = "echo"

    def __init__(self) -> None:
        self._said: asyncio.Queue[bytes] = asyncio.Queue()
        self.is_closed = False

    async def read(self) -> bytes:
        return await self._said.get()

    async def write(self, data: bytes) -> None:
        await self._said.put(b"" if data == b"exit" else data)

    async def resize(self, rows: int, columns: int) -> None: ...

    async def exit_code(self) -> int | None:
        return 0

    async def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def programs() -> Iterator[list[Echo]]:
    """The programs that sessions started."""
    started: list[Echo] = []

    async def start(container: str, command: Sequence[str]) -> Echo:
        started.append(Echo())
        return started[-1]

    before = terminals._open, terminals._end
    terminals.register_terminals(start)
    yield started
    terminals.register_terminals(*before)


@pytest.fixture
def endpoint(gateway: Any) -> Iterator[str]:
    with served(gateway) as url:
        yield url


@pytest.fixture
def task(stage: Stage, register: Register) -> str:
    """The ARN of a task that takes commands."""
    register("app")
    return stage.run("app", enableExecuteCommand=True)


@pytest.fixture
def session(aws: Callable[..., Any], endpoint: str, task: str) -> dict[str, str]:
    answer = aws("ecs", endpoint_url=endpoint).execute_command(task=task, command="echo", interactive=True)
    opened: dict[str, str] = answer["session"]
    return opened
