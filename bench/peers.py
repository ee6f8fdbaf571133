"""Starts and stops the emulators that Simfra is measured against, from a virtual environment of their own.

Each is left out, and said so, where it is not installed:

    python3 -m venv PEERS && PEERS/bin/pip install -r requirements-bench.txt
"""

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.load import Endpoint, wait_until

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 10


@contextmanager
def running_peers(environment: Path | None) -> Iterator[list[Endpoint]]:
    """The endpoints of every installed peer, while the block runs."""
    with ExitStack() as stack:
        endpoints: list[Endpoint] = []
        if environment is not None:
            for start in (_ministack, _moto):
                endpoint = stack.enter_context(start(environment / "bin"))
                if endpoint is not None:
                    endpoints.append(endpoint)
        yield endpoints


@contextmanager
def _ministack(bin_dir: Path) -> Iterator[Endpoint | None]:
    with _process("ministack", [bin_dir / "ministack"], port_variable="GATEWAY_PORT") as running:
        yield _endpoint("ministack", running)


@contextmanager
def _moto(bin_dir: Path) -> Iterator[Endpoint | None]:
    with _process("moto", [bin_dir / "moto_server", "-H", "127.0.0.1", "-p", "{port}"]) as running:
        yield _endpoint("moto", running)


def _endpoint(name: str, running: tuple[int, int] | None) -> Endpoint | None:
    if running is None:
        return None
    port, process = running
    return Endpoint(name=name, url=f"http://127.0.0.1:{port}", access_key_id="test", processes=(process,))


@contextmanager
def _process(name: str, command: list[Path | str], port_variable: str = "") -> Iterator[tuple[int, int] | None]:
    """The port and the id of a server process; None where its program is not there."""
    if not Path(command[0]).exists():
        print(f"{name} is not installed in {Path(command[0]).parent.parent}: left out")
        yield None
        return
    port = _free_port()
    environment = {**os.environ, port_variable: str(port)} if port_variable else None
    arguments = [str(part).format(port=port) for part in command]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            arguments, stdout=log, stderr=log, env=environment, cwd=tempfile.gettempdir(), start_new_session=True
        )
        try:
            wait_until(lambda: _answers(port) or process.poll() is not None, timeout_s=START_TIMEOUT_S, what=name)
            if process.poll() is not None:
                log.seek(0)
                raise RuntimeError(f"{name} did not start:\n{log.read().decode(errors='replace')[-2000:]}")
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(0.2)
        return client.connect_ex(("127.0.0.1", port)) == 0
