"""The control plane's processes as children of the supervisor.

On Linux they are forked from it once it has loaded the application, so that they share its memory and start in
milliseconds; elsewhere, where forking is not safe, they are started afresh.
"""

import contextlib
import ctypes
import gc
import importlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from simfra.stack import processes

FORKS = sys.platform == "linux"
STOP_TIMEOUT_S = 4.0
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_HIGHEST_FD = 4096
_PROJECT = Path(__file__).resolve().parent.parent.parent

#: What several processes need: loaded before forking, it is in memory once.
_SHARED_MODULES = (
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.concurrency.thread",
    "celery.worker.consumer",
    "kombu.transport.redis",
    "psycopg_pool",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "simfra.asgi",
    "workers.jobs",
    "workers.relay.process",
    "workers.watcher",
)


def preload() -> None:
    """Load the application, so that children start at once and share its memory."""
    if not FORKS:
        return
    gc.disable()
    import django

    django.setup()
    for module in _SHARED_MODULES:
        # A process that needs what cannot be imported says so in its own log; the others run.
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    app = importlib.import_module("simfra.celery").app
    app.loader.import_default_modules()
    app.finalize()
    gc.collect()
    gc.freeze()  # a collection in a child would otherwise write to, and so copy, every shared object
    gc.enable()


class ControlProcess:
    """One process of the control plane (simfra.stack.processes), with its log."""

    def __init__(self, name: str, log_path: Path, listeners: Sequence[socket.socket] = ()) -> None:
        self.name = name
        self.log_path = log_path
        self.pid: int | None = None
        self._listeners = listeners
        self._status: int | None = None
        self._ready_fd: int | None = None
        self._was_ready = False
        self._spawned: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process. It keeps the listening sockets of its predecessor, so no client is refused."""
        self._forget_ready_pipe()
        self._status, self._was_ready = None, False
        self._ready_fd, ready_end = os.pipe()
        self.pid = self._fork(ready_end) if FORKS else self._spawn(ready_end)
        os.close(ready_end)

    def poll(self) -> int | None:
        """The exit status of an ended process, else None."""
        if self._status is None and self.pid is not None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def is_ready(self) -> bool:
        """Whether the process said that it serves."""
        if not self._was_ready and self._ready_fd is not None and select.select([self._ready_fd], [], [], 0)[0]:
            self._was_ready = os.read(self._ready_fd, 1) == b"\n"
            self._forget_ready_pipe()
        return self._was_ready

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        if self.pid is not None and self.poll() is None:
            os.kill(self.pid, number)

    def _forget_ready_pipe(self) -> None:
        if self._ready_fd is not None:
            os.close(self._ready_fd)
            self._ready_fd = None

    def _fork(self, ready_end: int) -> int:
        fds = [listener.fileno() for listener in self._listeners]
        return _fork(
            lambda: processes.run(self.name, fds, ready_end), self.name, self.log_path, kept_fds=[ready_end, *fds]
        )

    def _spawn(self, ready_end: int) -> int:
        fds = [listener.fileno() for listener in self._listeners]
        command = [sys.executable, "-m", "simfra.stack.processes", self.name, "--ready", str(ready_end)]
        with self.log_path.open("ab") as log:
            # Kept: a forgotten Popen would take the exit status that `poll` waits for.
            self._spawned = subprocess.Popen(
                [*command, *(f"--listener={fd}" for fd in fds)],
                cwd=_PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[ready_end, *fds],
            )
        return self._spawned.pid


def stop_all(children: Sequence[ControlProcess], timeout_s: float = STOP_TIMEOUT_S) -> list[str]:
    """Stop processes together; returns the names of those that had to be killed."""
    for child in children:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + timeout_s
    while any(child.pid is not None and child.poll() is None for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    killed = [child for child in children if child.pid is not None and child.poll() is None]
    for child in killed:
        child.signal(signal.SIGKILL)
        while child.poll() is None:
            time.sleep(0.01)
    return [child.name for child in killed]


def run_in_child(work: Callable[[], None], name: str, log_path: Path) -> int:
    """Run something that must not leave threads or connections in this process; returns its exit status."""
    return os.waitstatus_to_exitcode(os.waitpid(_fork(work, name, log_path), 0)[1])


def _fork(work: Callable[[], None], name: str, log_path: Path, kept_fds: Sequence[int] = ()) -> int:
    """Run something in a forked process; its errors go to the log. Returns the process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _become_child(name, log_path, kept_fds)
        work()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        logging.getLogger("simfra.stack").exception("The %s ended.", name)
    finally:
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)


def _become_child(name: str, log_path: Path, kept_fds: Sequence[int]) -> None:
    """Detach a forked process from its parent: signals, terminal, standard streams, open files."""
    os.setsid()  # Ctrl-C in the terminal is for the supervisor alone
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))  # however the supervisor ends
    libc.prctl(_PR_SET_NAME, f"simfra-{name}".encode()[:15])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    lowest = 3
    for kept in (*sorted(kept_fds), _HIGHEST_FD):
        os.closerange(lowest, kept)
        lowest = kept + 1
