"""The floor at one connection: what a committed write costs at least, however little a server does beside it.

An ASGI callable under the gateway's own uvicorn that reads a body, inserts one row by one prepared statement into the
same Postgres, and answers; beside it the same without the insert. No signature, no parsing, no checks.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg

from bench.gateway import PROJECT, RunningGateway, free_port, wait_until_ready
from bench.load import Endpoint
from bench.table import Table

WRITING, ANSWERING = "floor: answer + insert", "floor: answer"
_REQUEST = b"POST /%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200\r\n\r\n" + b"x" * 200
_CREATE = "CREATE TABLE IF NOT EXISTS bench_floor (id bigserial PRIMARY KEY, queue_id bigint, body text)"
_INSERT = "INSERT INTO bench_floor (queue_id, body) VALUES ($1, $2) RETURNING id"


def measure(gateway: RunningGateway, table: Table, seconds: float) -> None:
    """Both floors, on the gateway's Postgres."""
    with _running(gateway) as endpoint:
        for call, path in ((ANSWERING, b"answer"), (WRITING, b"insert")):
            requests: Sequence[bytes] = [_REQUEST % path]
            table.measure(endpoint, call, requests, concurrency=1, seconds=seconds)


@contextmanager
def _running(gateway: RunningGateway) -> Iterator[Endpoint]:
    port = free_port()
    environment = {**gateway.environment, "BENCH_FLOOR_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "bench.floor"], cwd=PROJECT, env=environment)
    try:
        wait_until_ready(process, port)
        processes = [process.pid, *gateway.endpoint.processes[1:]]
        yield Endpoint(name=gateway.endpoint.name, url=f"http://127.0.0.1:{port}", processes=processes)
    finally:
        process.terminate()
        process.wait(10)


async def _serve() -> None:
    import uvicorn

    from simfra.stack.joined_writes import JoinedWritesProtocol

    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute(_CREATE)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        if scope["path"] == "/insert":
            await connection.fetch(_INSERT, 1, body.decode())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    config = uvicorn.Config(
        application,
        http=JoinedWritesProtocol,
        port=int(os.environ["BENCH_FLOOR_PORT"]),
        lifespan="off",
        access_log=False,
        log_config=None,
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve())
