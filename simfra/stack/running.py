"""Whether a control plane runs on a data directory: one lock, the process that holds it, and whether it is ready."""

import fcntl
import os
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from simfra.stack.private_files import write_private

STOP_TIMEOUT_S = 30.0
_POLL_S = 0.05


class AlreadyRunning(Exception):
    """Another control plane holds this data directory."""


class Running:
    """The lock of a data directory, held as long as its control plane runs."""

    def __init__(self, data_dir: Path) -> None:
        self._lock_path = data_dir / "running.lock"
        self._ready_path = data_dir / "ready"
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunning(f"Simfra runs already on {self._lock_path.parent} (process {self.pid()}).") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor
        self._ready_path.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._descriptor is not None
        self._ready_path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None

    def note_ready(self) -> None:
        """Tell whoever asks that this control plane serves."""
        write_private(self._ready_path, str(os.getpid()))

    def is_ready(self) -> bool:
        """Whether the control plane that runs said that it serves."""
        return self.pid() is not None and self._ready_path.exists()

    def pid(self) -> int | None:
        """The process id of the control plane, None where none runs."""
        try:
            descriptor = os.open(self._lock_path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.read(descriptor, 32) or b"0")
        else:
            return None
        finally:
            os.close(descriptor)

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Ask a running control plane to stop and wait until it has; False where none ran. Raises TimeoutError."""
        pid = self.pid()
        if not pid:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while self.pid() is not None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"The control plane (process {pid}) did not stop within {timeout_s:.0f} s.")
            time.sleep(_POLL_S)
        return True
