"""Stacks of a test's own: data directories that leave nothing behind, and control planes on free ports."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from simfra.stack.servers import EmbeddedServers

ROOT = Path(__file__).resolve().parent.parent.parent
START_TIMEOUT_S = 120


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A control plane of a test's own, driven through manage.py as a person would."""

    data_dir: Path
    port: int
    console_port: int

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py to its end."""
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """The test run's own servers and instance are not this stack's."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("SIMFRA_") and name not in ("DATABASE_URL", "REDIS_URL")
        }
        return {
            **inherited,
            "SIMFRA_DATA_DIR": str(self.data_dir),
            "SIMFRA_PORT": str(self.port),
            "SIMFRA_CONSOLE_PORT": str(self.console_port),
            "SIMFRA_DOCKER": "false",
            "SIMFRA_DURABILITY": "process",
        }

    @property
    def supervisor_pid(self) -> int:
        return int((self.data_dir / "running.lock").read_text())

    def child_pids(self) -> dict[str, int]:
        """The supervisor's processes by name."""
        pids = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:
                continue  # it ended while we looked
            name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
            if int(rest[1]) == self.supervisor_pid and rest[0] != "Z":
                pids[name.removeprefix("simfra-")] = int(stat.parent.name)
        return pids


@pytest.fixture
def new_stack(tmp_path: Path) -> Iterator[Callable[[str], Stack]]:
    """Makes stacks that are not started yet; whatever happens, they are gone after the test."""
    stacks: list[Stack] = []

    def make(name: str) -> Stack:
        stack = _stack_in(tmp_path / name)
        stacks.append(stack)
        return stack

    yield make
    for stack in stacks:
        _remove(stack)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that runs, for all tests of a module that leave it running."""
    stack = _stack_in(tmp_path_factory.mktemp("stack") / "running")
    started = stack.manage("up", "--detach")
    assert started.returncode == 0, started.stdout + started.stderr
    yield stack
    _remove(stack)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[EmbeddedServers]:
    """Servers of the test's own, not started yet."""
    servers = EmbeddedServers(tmp_path / "data", durability="process")
    yield servers
    servers.remove()


def _stack_in(data_dir: Path) -> Stack:
    return Stack(data_dir=data_dir, port=_free_port(), console_port=_free_port())


def _remove(stack: Stack) -> None:
    if stack.data_dir.exists():
        stopped = stack.manage("reset", "--yes")
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
