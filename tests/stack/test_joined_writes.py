"""What a client sees of the gateway's joined writes: whole answers, in as few pieces as can be."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httptools
import pytest
import uvicorn

from simfra.stack.joined_writes import MAX_WAITING_BYTES, JoinedWritesProtocol
from simfra.stack.processes import listen

CHUNK = b"x" * 10_000
CHUNKS = MAX_WAITING_BYTES // len(CHUNK) * 5


async def _application(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    length = len(CHUNK) * CHUNKS if scope["path"] == "/stream" else 2
    headers = [(b"content-length", b"%d" % length)]
    if scope["path"] == "/close":
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/stream":
        for number in range(CHUNKS):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": number < CHUNKS - 1})
    else:
        await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(_application, http=JoinedWritesProtocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(10)


def test_a_small_answer_comes_in_one_piece(port):
    pieces, body = asyncio.run(_get(port, "/small"))
    assert body == b"ok"
    assert pieces == 1


def test_an_answer_is_whole_when_the_connection_closes_after_it(port):
    assert asyncio.run(_get(port, "/close"))[1] == b"ok"


def test_a_stream_comes_whole_and_in_order(port):
    assert asyncio.run(_get(port, "/stream"))[1] == CHUNK * CHUNKS


async def _get(port: int, path: str) -> tuple[int, bytes]:
    """How many pieces an answer came in, and its body."""

    class Answer:
        body = b""
        is_complete = False

        def on_body(self, body: bytes) -> None:
            self.body += body

        def on_message_complete(self) -> None:
            self.is_complete = True

    answer = Answer()
    parser = httptools.HttpResponseParser(answer)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    pieces = 0
    while not answer.is_complete:
        data = await asyncio.wait_for(reader.read(1 << 20), 10)
        assert data, "the connection ended early"
        pieces += 1
        parser.feed_data(data)
    writer.close()
    return pieces, answer.body
