"""Who stops reading a live page makes nobody else wait."""

import base64
import os
import socket
import time
from urllib.parse import quote, urlsplit

from websockets.sync.client import connect

from simfra.testing import Account, Simfra
from tests.end_to_end.stack import Stack

GROUP = "/slow"
PATH = f"/_simfra/live/logs?name={quote(GROUP)}"
DEAF = 3
#: Far more than the buffers of a connection hold.
LINE, LINES_A_CALL, CALLS = "x" * 2000, 400, 12
PATIENCE_S = 60


def test_a_page_that_stops_reading_does_not_slow_others(product: Stack) -> None:
    simfra = Simfra(product.endpoint)
    account = simfra.account("000000000000")  # whose pages a browser without a session shows
    logs = account.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="one")
    deaf = [follow_without_reading(product.console) for _ in range(DEAF)]
    try:
        address = product.console.replace("http", "ws", 1) + PATH
        with connect(address, origin=product.console, max_size=None) as reader:  # type: ignore[arg-type]
            reader.recv(PATIENCE_S)
            for number in range(CALLS):
                put_lines(account, number)
            until = time.monotonic() + PATIENCE_S
            while f"the last of {CALLS - 1}" not in str(reader.recv(until - time.monotonic())):
                pass
    finally:
        for connection in deaf:
            connection.close()


def put_lines(account: Account, number: int) -> None:
    now_ms = int(time.time() * 1000)
    # A page is sent the latest of many, by their times: the last line is the latest of all.
    events = [{"timestamp": now_ms - 1, "message": LINE}] * LINES_A_CALL
    events.append({"timestamp": now_ms, "message": f"the last of {number}"})
    account.client("logs").put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=events)


def follow_without_reading(console: str) -> socket.socket:
    """A websocket to the tail that is opened, and of which nothing is read but that it is open."""
    host = urlsplit(console)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(PATIENCE_S)
    connection.connect((host.hostname, host.port))
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET {PATH} HTTP/1.1\r\nHost: {host.netloc}\r\nOrigin: {console}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    assert connection.recv(12) == b"HTTP/1.1 101"
    return connection
