"""The gateway on a port of its own, in this process: for what only a real websocket shows."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from aws_api.core.execution import process_loop
from simfra.stack.joined_writes import JoinedWritesProtocol
from tests.support.waiting import wait_for


@contextmanager
def served(application: Callable[..., Any]) -> Iterator[str]:
    """The URL of an ASGI application while the block runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        http=JoinedWritesProtocol,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    serving = asyncio.run_coroutine_threadsafe(server.serve(sockets=[listener]), process_loop())
    try:
        wait_for(lambda: server.started, what="the gateway's port")
        yield f"http://localhost:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        serving.result(20)
