"""A gateway with servers of its own that may be killed at any time, and those who write to it meanwhile."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from simfra.stack.private_files import kept_secret
from simfra.stack.servers import EmbeddedServers, ServerError
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
KILLS = 20
#: Writes that each producer makes between two kills, at least.
SENT_BETWEEN = 15
READY_WITHIN_S = 60


class Instance:
    """A gateway process with servers of its own, any of which may be killed and started again."""

    def __init__(self, directory: Path) -> None:
        self._servers = EmbeddedServers(directory, durability="process")
        self._servers.start()
        key_file = directory / "encryption-key"
        kept_secret(key_file)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "simfra.settings",
            "DATABASE_URL": self._servers.database_url,
            "REDIS_URL": self._servers.redis_url,
            "SIMFRA_DATA_DIR": str(directory),
            "SIMFRA_INSTANCE": f"survival-{os.getpid()}",
            "SIMFRA_PORT": str(self._port),
            "SIMFRA_ENCRYPTION_KEY_FILE": str(key_file),
            "SIMFRA_LOG_LEVEL": "CRITICAL",
        }
        migrate = [sys.executable, "-m", "django", "migrate", "-v0"]
        subprocess.run(migrate, cwd=ROOT, env=self._environment, check=True)
        self._start_gateway()

    def client(self, service: str) -> Any:
        """A client that does not repeat what failed."""
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self._port}",
            region_name="us-east-1",
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=30),
        )

    def kill_gateway(self) -> None:
        """End the gateway at once and start another."""
        self._gateway.kill()
        self._gateway.wait()
        self._start_gateway()

    def kill_postgres(self) -> None:
        """End Postgres at once and start it on what it left."""
        process = self._servers.postgres.process
        assert process is not None
        process.kill()
        process.wait()

        def has_started() -> bool:
            # Its backends notice a moment later, and until then hold the shared memory.
            with suppress(ServerError):
                self._servers.postgres.start()
                self._servers.postgres.wait_until_ready()
                return True
            return False

        wait_for(has_started, timeout_s=READY_WITHIN_S, what="Postgres after a kill")

    def close(self) -> None:
        """End everything."""
        self._gateway.kill()
        self._gateway.wait()
        self._servers.remove()

    def _start_gateway(self) -> None:
        command = [sys.executable, "-m", "simfra.stack.processes", "gateway"]
        self._gateway = subprocess.Popen(command, cwd=ROOT, env=self._environment)
        wait_for(self._accepts, timeout_s=READY_WITHIN_S, what="the gateway's port")

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


class Producer(threading.Thread):
    """Sends numbers until it is stopped; ``acknowledged`` are those that the gateway said it has.

    With ``repeats`` a number that was not acknowledged is sent again, else the next one is.
    """

    def __init__(self, send: Callable[[int], Any], *, repeats: bool) -> None:
        super().__init__(daemon=True)
        self._send = send
        self._repeats = repeats
        self._is_stopped = threading.Event()
        self.acknowledged: list[int] = []
        self.unanswered = 0
        self._refusal: Exception | None = None

    def run(self) -> None:
        number = 0
        while not self._is_stopped.is_set():
            try:
                self._send(number)
            except (BotoCoreError, ClientError) as error:
                self.unanswered += 1
                self._refusal = error
                if self._repeats:
                    self._is_stopped.wait(0.05)
                    continue
            else:
                self.acknowledged.append(number)
            number += 1

    def wait_for_more(self) -> None:
        """Return once it has sent some more."""
        enough = len(self.acknowledged) + SENT_BETWEEN
        try:
            wait_for(lambda: len(self.acknowledged) >= enough, timeout_s=READY_WITHIN_S, what="writes to be taken")
        except AssertionError:
            raise AssertionError(f"writes are not taken again, at last because of: {self._refusal!r}") from None

    def stop(self) -> None:
        self._is_stopped.set()
        self.join(READY_WITHIN_S)


def kill_under_load(instance: Instance, producers: list[Producer]) -> None:
    """Kill gateway and Postgres in turn, twenty times, while the producers write; then stop them."""
    for producer in producers:
        producer.start()
    for kill in range(KILLS):
        for producer in producers:
            producer.wait_for_more()
        (instance.kill_postgres if kill % 2 else instance.kill_gateway)()
    for producer in producers:
        producer.wait_for_more()
        producer.stop()
