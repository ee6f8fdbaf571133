"""Starts a gateway with servers of its own, in a temporary directory, as the product starts them."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import Endpoint, wait_until
from simfra.stack.private_files import kept_secret
from simfra.stack.servers import EmbeddedServers

READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 10
PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class RunningGateway:
    """A gateway and its servers' processes; ``start_s`` is from nothing to the first answer, schema included."""

    endpoint: Endpoint
    gateways: Sequence[subprocess.Popen[bytes]]
    ports: Sequence[int]
    servers: EmbeddedServers
    environment: dict[str, str]
    start_s: float


@contextmanager
def running_gateway(durability: str, count: int = 1) -> Iterator[RunningGateway]:
    """A gateway while the block runs; the further ones of ``count`` are on ports of their own, on the same servers."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="simfra-bench-", ignore_cleanup_errors=True) as directory:
        servers = EmbeddedServers(Path(directory), durability)
        key_file = Path(directory) / "encryption-key"
        kept_secret(key_file)
        gateways: list[subprocess.Popen[bytes]] = []
        try:
            servers.start()
            environment = {
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "simfra.settings",
                "DATABASE_URL": servers.database_url,
                "REDIS_URL": servers.redis_url,
                "SIMFRA_DATA_DIR": directory,
                "SIMFRA_INSTANCE": f"bench-{os.getpid()}",
                "SIMFRA_DURABILITY": durability,
                "SIMFRA_ENCRYPTION_KEY_FILE": str(key_file),
                "SIMFRA_LOG_LEVEL": "WARNING",
            }
            migrate = [sys.executable, "-m", "django", "migrate", "-v0"]
            subprocess.run(migrate, cwd=PROJECT, env=environment, check=True)
            ports = [free_port() for _ in range(count)]
            gateways += [start_gateway(environment, port) for port in ports]
            for gateway, port in zip(gateways, ports, strict=True):
                wait_until_ready(gateway, port)
            processes = [gateways[0].pid, *server_processes(servers)]
            yield RunningGateway(
                endpoint=Endpoint(name="simfra", url=f"http://127.0.0.1:{ports[0]}", processes=processes),
                gateways=gateways,
                ports=ports,
                servers=servers,
                environment={**environment, "SIMFRA_PORT": str(ports[0])},
                start_s=time.monotonic() - started,
            )
        finally:
            for gateway in gateways:
                gateway.send_signal(signal.SIGTERM)
            for gateway in gateways:
                gateway.wait(STOP_TIMEOUT_S)
            servers.remove()


def start_gateway(environment: dict[str, str], port: int) -> subprocess.Popen[bytes]:
    """One gateway process on a port, as `manage.py up` serves it; it may not serve yet."""
    command = [sys.executable, "-m", "simfra.stack.processes", "gateway"]
    return subprocess.Popen(command, cwd=PROJECT, env={**environment, "SIMFRA_PORT": str(port)})


def wait_until_ready(gateway: subprocess.Popen[bytes], port: int) -> None:
    """Wait for its first answer. Raises RuntimeError where the process ends instead."""
    wait_until(lambda: answers(port) or gateway.poll() is not None, timeout_s=READY_TIMEOUT_S, what="the gateway")
    if gateway.poll() is not None:
        raise RuntimeError("the gateway ended at once")


def server_processes(servers: EmbeddedServers) -> list[int]:
    """The process ids of Postgres and Valkey."""
    return [server.process.pid for server in (servers.postgres, servers.valkey) if server.process is not None]


def answers(port: int) -> bool:
    """Whether a web server answers there; a port that is open may be that of a process which still starts."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
            return bool(client.recv(1))
    except OSError:
        return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
