"""Keeps processes running: restarts those that die, with growing pauses, shows their errors, bounds their logs."""

import os
import select
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

from rich.markup import escape

from simfra.stack.servers import Server

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
#: A process that ran this long died of something new: its pauses begin anew.
STEADY_AFTER_S = 30.0
LOG_LIMIT_BYTES = 8 * 1024 * 1024
_TICK_S = 1.0


class Supervised(Protocol):
    """Something that runs and may die."""

    name: str
    log_path: Path

    def start(self) -> None: ...

    def poll(self) -> int | None: ...

    def is_ready(self) -> bool: ...


class ServerProcess:
    """An embedded server, as the supervisor sees it."""

    def __init__(self, server: Server) -> None:
        self.name = server.name
        self.log_path = server.log_path
        self._server = server

    def start(self) -> None:
        self._server.start()

    def poll(self) -> int | None:
        return self._server.poll()

    def is_ready(self) -> bool:
        return self._server.answers()


@dataclass
class _Watch:
    """What the supervisor remembers of one process."""

    supervised: Supervised
    started_at: float
    failures: int = 0
    restart_at: float | None = None
    log_offset: int = 0


class Supervisor:
    """Watches started processes until a signal asks to stop. ``say`` is told what people should know."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._watches: list[_Watch] = []
        self.stop_asked = False
        self._wake_end, self._signal_end = socket.socketpair()

    def catch_signals(self) -> None:
        """From now on SIGINT and SIGTERM ask to stop, and the death of a child wakes `watch` at once."""
        self._wake_end.setblocking(False)
        self._signal_end.setblocking(False)
        signal.set_wakeup_fd(self._signal_end.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_asked = True

    def add(self, supervised: Supervised) -> None:
        """Watch a process that was started."""
        size = supervised.log_path.stat().st_size if supervised.log_path.exists() else 0
        self._watches.append(_Watch(supervised, self._clock(), log_offset=size))

    def failures(self, name: str) -> int:
        """How often a process died lately."""
        return sum(watch.failures for watch in self._watches if watch.supervised.name == name)

    def pause(self, timeout_s: float) -> None:
        """Wait until a signal comes, a child ends or the time is over."""
        if select.select([self._wake_end], [], [], timeout_s)[0]:
            self._wake_end.recv(4096)

    def watch(self) -> None:
        """Restart what dies, until somebody asks to stop."""
        while not self.stop_asked:
            self.look()
            self.pause(_TICK_S)

    def look(self) -> None:
        """One round: notice deaths, restart what is due, show errors, keep the logs bounded."""
        now = self._clock()
        for watch in self._watches:
            status = watch.supervised.poll()
            if status is not None and watch.restart_at is None:
                self._note_death(watch, status, now)
            if watch.restart_at is not None and now >= watch.restart_at:
                watch.restart_at, watch.started_at = None, now
                watch.supervised.start()
            self._read_log(watch)

    def _note_death(self, watch: _Watch, status: int, now: float) -> None:
        if now - watch.started_at > STEADY_AFTER_S:
            watch.failures = 0
        pause_s = min(FIRST_PAUSE_S * 2**watch.failures, LONGEST_PAUSE_S)
        watch.failures += 1
        watch.restart_at = now + pause_s
        cause = f"by signal {-status}" if status < 0 else f"with status {status}"
        self._say(
            f"[red]The {watch.supervised.name} ended {cause}[/red]; restarting it in {pause_s:g} s. "
            f"Its log: {escape(str(watch.supervised.log_path))}"
        )

    def _read_log(self, watch: _Watch) -> None:
        """Show what a process logged as an error, and start its log anew when it is too long."""
        path = watch.supervised.log_path
        if not path.exists():
            return
        size = path.stat().st_size
        if size > watch.log_offset:
            with path.open("rb") as log:
                log.seek(max(watch.log_offset, size - LOG_LIMIT_BYTES // 8))
                text = log.read(size - log.tell())
            watch.log_offset = size
            for line in text.splitlines():
                if b" ERROR " in line or b" CRITICAL " in line:
                    self._say(f"[red]{watch.supervised.name}[/red] {escape(line.decode(errors='replace')[:300])}")
        if size > LOG_LIMIT_BYTES:
            # The process holds the file open for appending, so its content moves and the file stays.
            path.with_suffix(".log.1").write_bytes(path.read_bytes())
            os.truncate(path, 0)
            watch.log_offset = 0
