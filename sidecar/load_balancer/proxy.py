"""HAProxy: its files, its process, and its runtime API.

What listeners and rules do is in the configuration and changes by a reload, in which the new process takes over the
sockets of the old one; servers change at once by the runtime API.

https://docs.haproxy.org/2.6/management.html
"""

import asyncio
import csv
import io
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from sidecar.load_balancer.servers import Server, options_of, server_name, with_servers

RUN = Path("/run/simfra")
FILES = RUN / "files"
_CONFIGURATION = RUN / "haproxy.cfg"
_CANDIDATE = RUN / "candidate.cfg"
_SOCKET = RUN / "haproxy.sock"
_MASTER_SOCKET = RUN / "master.sock"
_COMMAND_TIMEOUT_S = 5.0
_RELOAD_TIMEOUT_S = 15.0
_MAX_ANSWER_BYTES = 32 * 1024 * 1024


class ProxyError(Exception):
    """HAProxy refused something; the message is its own."""


class Proxy:
    """One HAProxy with its servers as they were last put in."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._present: dict[str, dict[str, Server]] = {}
        self._leaving: set[tuple[str, str]] = set()
        RUN.mkdir(mode=0o700, parents=True, exist_ok=True)
        FILES.mkdir(mode=0o700, exist_ok=True)

    # All of it --------------------------------------------------------------------------------------------------------

    async def configure(self, text: str, files: Mapping[str, str], servers: Mapping[str, Mapping[str, Server]]) -> None:
        """Put a configuration into force without losing a connection. Raises ProxyError; the old one then stays."""
        before = _read_files()
        _write_files(files)
        _CANDIDATE.write_text(with_servers(text, {key: found.values() for key, found in servers.items()}))
        try:
            await _check(_CANDIDATE)
        except ProxyError:
            _write_files(before)
            raise
        _CANDIDATE.replace(_CONFIGURATION)
        if self._process is None:
            await self._start()
        else:
            await self._reload()
        self._present = {key: dict(found) for key, found in servers.items()}
        self._leaving.clear()

    async def put_servers(self, backend: str, wanted: Mapping[str, Server], cookie_key: str) -> None:
        """Make these the servers of a backend. Raises ProxyError.

        ``cookie_key`` is what cookies that name servers are made of; empty where there are none.
        """
        present = self._present.setdefault(backend, {})
        commands: list[str] = []
        for name, server in wanted.items():
            commands += self._commands(backend, server, present.get(name))
        gone = [name for name in present if name not in wanted]
        commands += [f"set server {backend}/{server_name(name)} state maint" for name in gone]
        if cookie_key and any(command.startswith("add") for command in commands):
            # Servers that are added get their cookies when the key is set, though it is the same.
            commands.append(f"set dynamic-cookie-key backend {backend} {cookie_key}")
        await _run(_SOCKET, commands)
        self._present[backend] = dict(wanted)
        for name in gone:
            self._leaving.add((backend, name))
        # Whether or not they can be told: what is in force is in force.
        with suppress(OSError, TimeoutError):
            await self._tell_old_processes(commands)
        await self.remove_leaving()

    async def remove_leaving(self) -> None:
        """Delete the servers that are no longer wanted; one that still has connections loses them first."""
        for backend, name in sorted(self._leaving):
            place = f"{backend}/{server_name(name)}"
            await _command(_SOCKET, f"shutdown sessions server {place}")
            answer = await _command(_SOCKET, f"del server {place}")
            if "still" not in answer:
                self._leaving.discard((backend, name))

    async def statistics(self) -> list[dict[str, str]]:
        """The rows of ``show stat``."""
        if self._process is None:
            return []
        return _rows(await _command(_SOCKET, "show stat"))

    async def has_old_process(self) -> bool:
        """Whether a process that was replaced still serves connections."""
        return bool(await _old_processes())

    async def ended(self) -> int:
        """Wait for HAProxy's end, which nothing here brings about."""
        while self._process is None:
            await asyncio.sleep(1)
        return await self._process.wait()

    # The parts --------------------------------------------------------------------------------------------------------

    async def _tell_old_processes(self, commands: Iterable[str]) -> None:
        """Processes that were replaced serve one more request of each connection: not by a target that is gone."""
        told = list(commands)
        for process in await _old_processes() if told else ():
            for command in told:
                # One that has ended meanwhile, or never had the backend, has nothing to be told.
                await _command(_MASTER_SOCKET, f"@!{process} {command}")

    def _commands(self, backend: str, server: Server, present: Server | None) -> Iterable[str]:
        place = f"{backend}/{server_name(server.name)}"
        is_new = present is None and (backend, server.name) not in self._leaving
        if is_new:
            yield f"add server {place} {server.name} {options_of(server)}"
        self._leaving.discard((backend, server.name))
        if present is not None and present.weight != server.weight:
            yield f"set server {place} weight {server.weight}"
        # Servers are added in maintenance.
        was_ready = present is not None and present.is_ready
        if server.is_ready != was_ready:
            yield f"set server {place} state {'ready' if server.is_ready else 'maint'}"

    async def _start(self) -> None:
        command = ["haproxy", "-W", "-S", f"{_MASTER_SOCKET},mode,600", "-f", str(_CONFIGURATION)]
        self._process = await asyncio.create_subprocess_exec(*command, stdout=sys.stdout, stderr=sys.stderr)
        await self._await_worker("")

    async def _reload(self) -> None:
        assert self._process is not None
        before = await _worker()
        self._process.send_signal(signal.SIGUSR2)
        await self._await_worker(before)

    async def _await_worker(self, before: str) -> None:
        """Wait until another process answers than did before."""
        try:
            async with asyncio.timeout(_RELOAD_TIMEOUT_S):
                while True:
                    try:
                        if await _worker() != before:
                            return
                    except (OSError, ProxyError):
                        pass
                    await asyncio.sleep(0.005)
        except TimeoutError as error:
            raise ProxyError("HAProxy did not take its configuration in time") from error


async def _worker() -> str:
    """The process that answers the runtime API."""
    for line in (await _command(_SOCKET, "show info")).splitlines():
        if line.startswith("Pid:"):
            return line
    raise ProxyError("HAProxy does not say who it is")


async def _old_processes() -> list[str]:
    """The numbers of processes that were replaced and still serve connections."""
    answer = await _command(_MASTER_SOCKET, "show proc")
    lines = answer.partition("# old workers")[2].partition("# programs")[0].strip().splitlines()
    return [line.split()[0] for line in lines]


def _rows(answer: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.strip().removeprefix("# "))))


async def _check(path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        "haproxy",
        "-c",
        "-q",
        "-f",
        str(path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        alerts = [line for line in said.decode(errors="replace").splitlines() if "ALERT" in line]
        raise ProxyError(" / ".join(alerts)[:1000] or f"HAProxy refuses its configuration ({process.returncode})")


async def _run(socket: Path, commands: Iterable[str]) -> None:
    """Run commands whose answers are empty, or tell of success."""
    for command in commands:
        answer = (await _command(socket, command)).strip()
        if answer and not answer.startswith(("New server registered", "dynamic-cookie-key set")):
            raise ProxyError(f"{command}: {answer}")


async def _command(socket: Path, command: str) -> str:
    async with asyncio.timeout(_COMMAND_TIMEOUT_S):
        reader, writer = await asyncio.open_unix_connection(str(socket), limit=_MAX_ANSWER_BYTES)
        try:
            writer.write(command.encode() + b"\n")
            # The master would wait for more.
            writer.write_eof()
            answer = await reader.read(-1)
        finally:
            writer.close()
    return answer.decode(errors="replace")


def _read_files() -> dict[str, str]:
    return {path.name: path.read_text() for path in FILES.iterdir()}


def _write_files(files: Mapping[str, str]) -> None:
    """Make these the files. Only HAProxy and who runs it may read them: private keys are among them."""
    for path in FILES.iterdir():
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        descriptor = os.open(FILES / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
