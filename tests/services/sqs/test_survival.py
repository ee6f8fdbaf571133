"""kill -9 of the gateway and of Postgres, again and again under load: what was acknowledged is there, in order."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.survival import Instance, Producer, kill_under_load


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    started = Instance(tmp_path)
    yield started
    started.close()


def test_every_acknowledged_message_survives_twenty_kills_and_fifo_order_holds(instance: Instance) -> None:
    client = instance.client("sqs")
    standard = client.create_queue(QueueName="survivors")["QueueUrl"]
    fifo = client.create_queue(QueueName="survivors.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    plain, ordered = instance.client("sqs"), instance.client("sqs")
    producers = [
        Producer(lambda number: plain.send_message(QueueUrl=standard, MessageBody=str(number)), repeats=False),
        Producer(
            lambda number: ordered.send_message(
                QueueUrl=fifo, MessageBody=str(number), MessageGroupId="one", MessageDeduplicationId=str(number)
            ),
            repeats=True,
        ),
    ]
    kill_under_load(instance, producers)
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
