"""SQS operations per second: Simfra's gateway beside ministack and moto, in the same run.

    python -m bench.sqs --url http://localhost:4599 --peers PEERS

``--url`` is a running gateway; its durability is whatever it was started with. Requests are signed beforehand and
replayed (bench/load.py); each figure is the median of the rounds. Receive + delete are timed apart, each message once.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.load import CONCURRENCIES, Endpoint, Measurement, presign, replay
from bench.peers import running_peers
from bench.table import Table
from bench.usage import cpu_s

BODY = "x" * 200
#: Messages that receive + delete take, where a server is slow.
PAIRS = {"moto": 50, "ministack": 500}
DEFAULT_PAIRS = 2000


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://localhost:4599")
    parser.add_argument("--peers", type=Path, help="virtual environment with requirements-bench.txt")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with running_peers(options.peers) as peers:
        endpoints = [Endpoint(name="simfra", url=options.url), *peers]
        table = Table([endpoint.name for endpoint in endpoints])
        for _ in range(options.rounds):
            for endpoint in endpoints:
                measure(endpoint, table, options.seconds)
    print(table.markdown())
    if options.json:
        options.json.write_text(table.json())


def measure(endpoint: Endpoint, table: Table, seconds: float) -> None:
    """All figures of one server, on a queue of its own."""
    client = endpoint.client("sqs")
    url = client.create_queue(QueueName=f"bench-{uuid4().hex[:8]}")["QueueUrl"]
    send = presign(client, [("send_message", {"QueueUrl": url, "MessageBody": BODY})] * 50)
    entries = [{"Id": str(number), "MessageBody": BODY} for number in range(10)]
    send_batch = presign(client, [("send_message_batch", {"QueueUrl": url, "Entries": entries})] * 20)
    for concurrency in CONCURRENCIES:
        for call, requests in (("SendMessage", send), ("SendMessageBatch(10)", send_batch)):
            table.measure(endpoint, call, requests, concurrency=concurrency, seconds=seconds)
    client.delete_queue(QueueUrl=url)
    for concurrency in CONCURRENCIES:
        pairs = _receive_and_delete(endpoint, client, concurrency)
        table.add("ReceiveMessage + DeleteMessage", concurrency, endpoint.name, pairs)


def _receive_and_delete(endpoint: Endpoint, client: Any, concurrency: int) -> Measurement:
    """Pairs: receive each of some messages, then delete each."""
    count = PAIRS.get(endpoint.name, DEFAULT_PAIRS)
    url = client.create_queue(QueueName=f"bench-{uuid4().hex[:8]}")["QueueUrl"]
    entries = [{"Id": str(number), "MessageBody": BODY} for number in range(10)]
    for _ in range(count // 10):
        client.send_message_batch(QueueUrl=url, Entries=entries)
    receive = presign(client, [("receive_message", {"QueueUrl": url, "VisibilityTimeout": 600})])
    before = cpu_s(endpoint.processes)
    received = replay(endpoint, receive * count, concurrency=concurrency)
    handles = list(_handles(received.bodies))
    delete = presign(client, (("delete_message", {"QueueUrl": url, "ReceiptHandle": handle}) for handle in handles))
    deleted = replay(endpoint, delete, concurrency=concurrency)
    used_s = cpu_s(endpoint.processes) - before
    client.delete_queue(QueueUrl=url)
    return Measurement(
        requests=len(handles),
        seconds=received.seconds + deleted.seconds,
        failures=received.failures + deleted.failures,
        cpu_s=used_s,
    )


def _handles(bodies: Iterable[bytes]) -> Iterable[str]:
    for body in bodies:
        for message in json.loads(body or b"{}").get("Messages", []):
            yield message["ReceiptHandle"]


if __name__ == "__main__":
    main()
