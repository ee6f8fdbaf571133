"""What browsers that follow live logs cost the AWS API: SendMessage at eight connections, with and without them.

    python -m bench.live_logs http://localhost:4599 http://localhost:4600 [--browsers 200] [--lines 10] [--rounds 3]

A running product, whose log group gets some lines a second throughout; rounds with and without browsers take turns, and
the ratio of their medians is printed with how late lines arrived. Goal: at least 80% of the throughput.
"""

import argparse
import asyncio
import re
import statistics
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import connect

from bench.load import Endpoint, hammer, presign

STREAM = "one"
#: Of this run alone: one that was interrupted leaves its own behind.
GROUP = QUEUE = f"bench-live-logs-{uuid.uuid4().hex[:8]}"
GOAL = 0.8
#: Browsers that connect at a time.
TOGETHER = 20
SECONDS = 5.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("endpoint")
    parser.add_argument("console")
    parser.add_argument("--browsers", type=int, default=200)
    parser.add_argument("--lines", type=int, default=10, help="a second")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(_measure(Endpoint(name="simfra", url=options.endpoint), options))


async def _measure(endpoint: Endpoint, options: argparse.Namespace) -> None:
    logs, sqs = endpoint.client("logs"), endpoint.client("sqs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    requests = presign(sqs, [("send_message", {"QueueUrl": url, "MessageBody": f"{n}"}) for n in range(500)])
    late_ms: list[float] = []
    rates: dict[bool, list[float]] = {False: [], True: []}
    writing = asyncio.create_task(_write(logs, options.lines))
    try:
        for _ in range(options.rounds):
            for is_followed in (False, True):
                async with _browsers(options.console, options.browsers if is_followed else 0, late_ms):
                    measured = await asyncio.to_thread(hammer, endpoint, requests, concurrency=8, seconds=SECONDS)
                rates[is_followed].append(measured.per_second)
    finally:
        writing.cancel()
        logs.delete_log_group(logGroupName=GROUP)
        sqs.delete_queue(QueueUrl=url)
    alone, followed = (statistics.median(rates[is_followed]) for is_followed in (False, True))
    print(f"SendMessage, 8 connections, alone          {alone:8.0f} a second")
    print(f"with {options.browsers} browsers that follow a log      {followed:8.0f} a second")
    print(f"ratio {followed / alone:.2f} (goal {GOAL}); {len(late_ms)} messages arrived, ", end="")
    print(f"median {statistics.median(late_ms):.0f} ms after their newest line")


async def _write(logs: Any, lines_a_second: int) -> None:
    """Log lines that say when they were written."""
    while True:
        now_ms = int(time.time() * 1000)
        event = {"timestamp": now_ms, "message": f"GET /orders 200 at={now_ms}"}
        await asyncio.to_thread(logs.put_log_events, logGroupName=GROUP, logStreamName=STREAM, logEvents=[event])
        await asyncio.sleep(1 / lines_a_second)


@asynccontextmanager
async def _browsers(console: str, count: int, late_ms: list[float]) -> AsyncIterator[None]:
    """So many pages that follow the group."""
    address = f"{console.replace('http', 'ws', 1)}/_simfra/live/logs?name={quote(GROUP)}"
    async with AsyncExitStack() as stack:
        readers = []
        for first in range(0, count, TOGETHER):
            opening = [_opened(address, console) for _ in range(first, min(first + TOGETHER, count))]
            for socket in await asyncio.gather(*opening):
                stack.push_async_callback(socket.close)
                readers.append(asyncio.create_task(_read(socket, late_ms)))
        try:
            yield
        finally:
            for reader in readers:
                reader.cancel()


async def _opened(address: str, console: str) -> Any:
    """A connection that has what came lately."""
    socket = await connect(address, origin=console, compression=None)  # type: ignore[arg-type]
    await socket.recv()
    return socket


async def _read(socket: Any, late_ms: list[float]) -> None:
    async for message in socket:
        written = re.findall(r"at=(\d+)", message)
        if written:
            late_ms.append(time.time() * 1000 - int(written[-1]))


if __name__ == "__main__":
    main()
