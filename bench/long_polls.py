"""What waiting costs: a thousand concurrent long polls on a hundred queues, and how soon each wakes.

    python -m bench.long_polls

Two gateways of its own on one database: the receivers wait at one, the messages are sent at the other, so every
wake-up crosses processes. Said are the memory that the waiting took, the processor time of the idle gateway, and the
milliseconds from a message's acknowledgement to its receiver's answer.
"""

import argparse
import asyncio
import statistics
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from bench.gateway import running_gateway
from bench.load import Endpoint, presign
from bench.usage import cpu_s, memory_mb

IDLE_S = 8
#: The longest that AWS lets a receiver wait; idling and waking must fit in.
WAIT_S = 20
SETTLE_S = 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queues", type=int, default=100)
    parser.add_argument("--polls", type=int, default=10, help="receivers of each queue")
    options = parser.parse_args()
    with running_gateway("process", count=2) as gateway:
        waits = replace(gateway.endpoint, processes=(gateway.gateways[0].pid,))
        sends = replace(gateway.endpoint, url=f"http://127.0.0.1:{gateway.ports[1]}")
        asyncio.run(_measure(waits, sends, options.queues, options.polls))


async def _measure(waits: Endpoint, sends: Endpoint, queues: int, polls: int) -> None:
    here, there = waits.client("sqs"), sends.client("sqs")
    urls = [here.create_queue(QueueName=f"poll-{number}")["QueueUrl"] for number in range(queues)]
    # Warm, so that what is measured is waiting.
    for url in urls:
        here.receive_message(QueueUrl=url)
        there.receive_message(QueueUrl=url)
    receives = presign(here, [("receive_message", {"QueueUrl": url, "WaitTimeSeconds": WAIT_S}) for url in urls])
    memory_before = memory_mb(waits.processes)
    waiting = [asyncio.create_task(_answered_at(waits, receive)) for receive in receives for _ in range(polls)]
    await asyncio.sleep(SETTLE_S)
    memory_waiting, cpu_before, started = memory_mb(waits.processes), cpu_s(waits.processes), time.perf_counter()
    await asyncio.sleep(IDLE_S)
    idle_share = (cpu_s(waits.processes) - cpu_before) / (time.perf_counter() - started)
    woken_ms = []
    for place, url in enumerate(urls):
        receivers = waiting[place * polls : (place + 1) * polls]
        await asyncio.to_thread(there.send_message, QueueUrl=url, MessageBody="now")
        sent_at = time.perf_counter()
        done, _ = await asyncio.wait(receivers, timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED)
        assert done, "nobody woke"
        woken_ms.append((next(iter(done)).result() - sent_at) * 1000)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    print(f"{len(waiting)} long polls on {queues} queues")
    print(f"memory      {memory_waiting - memory_before:.1f} MB more than {memory_before:.0f} MB")
    print(f"idle        {idle_share * 100:.1f} % of a core")
    slowest = sorted(woken_ms)[int(len(woken_ms) * 0.99)]
    print(f"wake-up     p50 {statistics.median(woken_ms):.1f} ms, p99 {slowest:.1f} ms after the acknowledgement")


async def _answered_at(endpoint: Endpoint, request: bytes) -> float:
    """Send a request and tell when its answer came."""
    parts: Any = urlsplit(endpoint.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        answer = await reader.read(65536)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        return time.perf_counter()
    finally:
        writer.close()


if __name__ == "__main__":
    main()
