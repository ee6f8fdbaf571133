"""kill -9 of the gateway and of Postgres, again and again under load: what was acknowledged is there, in order."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from simfra.stack.private_files import kept_secret
from simfra.stack.servers import EmbeddedServers, ServerError
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]
KILLS = 20
#: Messages that each producer sends between two kills, at least.
SENT_BETWEEN = 15
READY_WITHIN_S = 30


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

    def client(self) -> Any:
        """An SQS client that does not repeat what failed."""
        return boto3.client(
            "sqs",
            endpoint_url=f"http://127.0.0.1:{self._port}",
            region_name="us-east-1",
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10),
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
    """Sends numbers until it is stopped; ``acknowledged`` are those that the gateway said it has."""

    def __init__(self, send: Callable[[int], Any], *, repeats: bool) -> None:
        super().__init__(daemon=True)
        self._send = send
        self._repeats = repeats
        self._is_stopped = threading.Event()
        self.acknowledged: list[int] = []

    def run(self) -> None:
        number = 0
        while not self._is_stopped.is_set():
            try:
                self._send(number)
            except (BotoCoreError, ClientError):
                if self._repeats:
                    self._is_stopped.wait(0.05)
                    continue
            else:
                self.acknowledged.append(number)
            number += 1

    def wait_for_more(self) -> None:
        """Return once it has sent some more."""
        enough = len(self.acknowledged) + SENT_BETWEEN
        wait_for(lambda: len(self.acknowledged) >= enough, timeout_s=READY_WITHIN_S, what="messages to be taken again")

    def stop(self) -> None:
        self._is_stopped.set()
        self.join(READY_WITHIN_S)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    started = Instance(tmp_path)
    yield started
    started.close()


def test_every_acknowledged_message_survives_twenty_kills_and_fifo_order_holds(instance: Instance) -> None:
    client = instance.client()
    standard = client.create_queue(QueueName="survivors")["QueueUrl"]
    fifo = client.create_queue(QueueName="survivors.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    plain, ordered = instance.client(), instance.client()
    producers = [
        Producer(lambda number: plain.send_message(QueueUrl=standard, MessageBody=str(number)), repeats=False),
        Producer(
            lambda number: ordered.send_message(
                QueueUrl=fifo, MessageBody=str(number), MessageGroupId="one", MessageDeduplicationId=str(number)
            ),
            repeats=True,
        ),
    ]
    for producer in producers:
        producer.start()
    for kill in range(KILLS):
        for producer in producers:
            producer.wait_for_more()
        (instance.kill_postgres if kill % 2 else instance.kill_gateway)()
    for producer in producers:
        producer.wait_for_more()
        producer.stop()
    at_least_once, exactly_once = producers
    assert set(at_least_once.acknowledged) <= set(_drain(client, standard))
    # The last one may have been kept without its answer being waited for.
    received = _drain(client, fifo)
    assert received[: len(exactly_once.acknowledged)] == exactly_once.acknowledged
    assert received == list(range(len(received)))
    assert len(received) <= len(exactly_once.acknowledged) + 1


def _drain(client: Any, url: str) -> list[int]:
    """The bodies of all messages, in the order in which they are handed out."""
    bodies: list[int] = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        bodies += [int(message["Body"]) for message in messages]
        entries = [
            {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]} for place, message in enumerate(messages)
        ]
        client.delete_message_batch(QueueUrl=url, Entries=entries)
    return bodies
