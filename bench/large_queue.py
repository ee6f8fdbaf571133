"""Whether a full queue is as fast as an empty one: sends, receives and deletes on a queue of a million messages.

    python -m bench.large_queue [--messages 1000000]

Both queues are on one gateway of its own; the large one is filled by SQL, and each call is measured on both in turn.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import asyncpg

from bench.gateway import running_gateway
from bench.load import Endpoint, Measurement, hammer, presign, replay

BODY = "x" * 200
#: Messages that are received and deleted in each round.
TAKEN = 3000
CONCURRENCY = 8
GOAL = 0.7

_FILL = """
    INSERT INTO sqs_message (queue_id, visible_at_ms, sent_at_ms, receive_count, message_id, sender_id, body)
    SELECT sqs_queue.id, sent_at_ms, sent_at_ms, 0, gen_random_uuid(), 'bench', repeat('x', 200)
    FROM sqs_queue, generate_series(1, $3) AS number, LATERAL (SELECT $2::bigint + number / 100 AS sent_at_ms) AS sent
    WHERE sqs_queue.name = $1
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with running_gateway("process") as gateway:
        client = gateway.endpoint.client("sqs")
        small, large = (client.create_queue(QueueName=name)["QueueUrl"] for name in ("small", "large"))
        asyncio.run(_fill(gateway.environment["DATABASE_URL"], "large", options.messages))
        rounds = [
            {name: _measure(gateway.endpoint, client, url) for name, url in (("small", small), ("large", large))}
            for _ in range(options.rounds)
        ]
    print(f"{'call':<16}{'empty':>10}{f'{options.messages:,} messages':>22}{'ratio':>8}   goal {GOAL}")
    for call in rounds[0]["small"]:
        empty = median(found["small"][call].per_second for found in rounds)
        full = median(found["large"][call].per_second for found in rounds)
        print(f"{call:<16}{empty:>10.0f}{full:>22.0f}{full / empty:>8.2f}")


async def _fill(database_url: str, queue: str, messages: int) -> None:
    connection = await asyncpg.connect(database_url)
    # Sent during the last hours, so that nothing has expired.
    first_ms = int(time.time() * 1000) - messages // 100 - 1000
    await connection.execute(_FILL, queue, first_ms, messages)
    await connection.execute("VACUUM ANALYZE sqs_message")
    await connection.close()


def _measure(endpoint: Endpoint, client: Any, url: str) -> dict[str, Measurement]:
    send = presign(client, [("send_message", {"QueueUrl": url, "MessageBody": BODY})] * 50)
    sent = hammer(endpoint, send, concurrency=CONCURRENCY)
    receive = presign(client, [("receive_message", {"QueueUrl": url, "VisibilityTimeout": 600})])
    received = replay(endpoint, receive * TAKEN, concurrency=CONCURRENCY)
    delete = presign(
        client, [("delete_message", {"QueueUrl": url, "ReceiptHandle": one}) for one in _handles(received)]
    )
    deleted = replay(endpoint, delete, concurrency=CONCURRENCY)
    return {"SendMessage": sent, "ReceiveMessage": received, "DeleteMessage": deleted}


def _handles(received: Measurement) -> Sequence[str]:
    return [
        message["ReceiptHandle"]
        for body in received.bodies
        for message in json.loads(body or b"{}").get("Messages", [])
    ]


if __name__ == "__main__":
    main()
