"""Sends signed requests as fast as a server answers them: sign once with boto3, replay the bytes.

Signing costs a client more than answering costs the server, so requests are signed beforehand (``presign``) and
replayed raw: ``hammer`` repeats them for some seconds through wrk where it is installed, ``replay`` sends each of
them once and keeps the answers. Both keep ``concurrency`` connections with one request under way on each.
"""

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httptools
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config

#: Longest that one answer may take before a replay gives up.
ANSWER_TIMEOUT_S = 60
CONCURRENCIES = (1, 8, 32)

_WRK_SCRIPT = """\
local requests, index = {}, 0
for line in io.lines("%s") do
  requests[#requests + 1] = (line:gsub("%%x%%x", function(pair) return string.char(tonumber(pair, 16)) end))
end
request = function()
  index = index %% #requests + 1
  return requests[index]
end
done = function(summary, latency, _)
  local errors = summary.errors
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50),
    latency:percentile(99)))
end
"""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A server that speaks AWS, keys that it accepts, and its processes, whose children are its own as well."""

    name: str
    url: str
    access_key_id: str = "AKIAIOSFODNN7EXAMPLE"
    secret_access_key: str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    region: str = "us-east-1"
    processes: Sequence[int] = ()

    def client(self, service: str) -> Any:
        """A boto3 client of it that neither retries nor waits long."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=ANSWER_TIMEOUT_S),
        )


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a run found. ``failures`` are answers other than 2xx and broken connections.

    ``slow_ms`` is what one answer in a hundred took longer than, ``cpu_s`` what all of the server's processes used.
    """

    requests: int
    seconds: float
    failures: int
    median_ms: float | None = None
    slow_ms: float | None = None
    cpu_s: float | None = None
    bodies: Sequence[bytes] = field(default=(), repr=False)

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def presign(client: Any, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> list[bytes]:
    """The raw HTTP/1.1 requests of calls (``("send_message", {...})``) as the client signs them; nothing is sent."""
    captured: list[bytes] = []

    def capture(request: AWSRequest, **_: Any) -> AWSResponse:
        captured.append(raw_request(request.method, request.url, request.headers, request.body))
        raise _Captured

    client.meta.events.register_first("before-send", capture)
    try:
        for method, parameters in calls:
            try:
                getattr(client, method)(**parameters)
            except _Captured:
                continue
    finally:
        client.meta.events.unregister("before-send", capture)
    return captured


class _Captured(Exception):
    """Stops a client once its request is signed."""


def raw_request(method: str, url: str, headers: Mapping[str, Any], body: bytes | str | None) -> bytes:
    """A request as it goes over the wire."""
    parts = urlsplit(url)
    content = body.encode() if isinstance(body, str) else bytes(body or b"")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
    for name, value in headers.items():
        if name.lower() not in {"host", "content-length", "connection"}:
            lines.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
    lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def hammer(endpoint: Endpoint, requests: Sequence[bytes], *, concurrency: int, seconds: float = 3) -> Measurement:
    """Repeat the requests in turn for some seconds."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return asyncio.run(_replay(endpoint, requests, concurrency, deadline=time.monotonic() + seconds))
    with tempfile.TemporaryDirectory() as directory:
        data, script = Path(directory, "requests.hex"), Path(directory, "replay.lua")
        data.write_text("\n".join(request.hex() for request in requests) + "\n")
        script.write_text(_WRK_SCRIPT % data)
        command = [wrk, "-t1", f"-c{concurrency}", f"-d{max(1, round(seconds))}s", "--timeout", f"{ANSWER_TIMEOUT_S}s"]
        output = subprocess.run(
            [*command, "-s", script, endpoint.url], check=True, capture_output=True, text=True, timeout=seconds + 120
        ).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", output)
    assert found is not None, output
    count, duration_us, failures, median_us, slow_us = map(int, found.groups())
    return Measurement(
        requests=count,
        seconds=duration_us / 1e6,
        failures=failures,
        median_ms=median_us / 1000,
        slow_ms=slow_us / 1000,
    )


def replay(endpoint: Endpoint, requests: Sequence[bytes], *, concurrency: int) -> Measurement:
    """Send each request once and keep the bodies of the answers, in the order in which they came."""
    return asyncio.run(_replay(endpoint, requests, concurrency))


async def _replay(
    endpoint: Endpoint, requests: Sequence[bytes], concurrency: int, deadline: float | None = None
) -> Measurement:
    parts = urlsplit(endpoint.url)
    run = _Run(requests=requests, deadline=deadline, done=asyncio.get_running_loop().create_future())
    connect = asyncio.get_running_loop().create_connection
    started = time.perf_counter()
    run.open_connections = concurrency
    for _ in range(concurrency):
        await connect(lambda: _Connection(run), parts.hostname or "", parts.port or 80)
    await run.done
    return Measurement(
        requests=run.answered, seconds=time.perf_counter() - started, failures=run.failures, bodies=run.bodies
    )


@dataclass
class _Run:
    requests: Sequence[bytes]
    deadline: float | None
    done: "asyncio.Future[None]"
    sent: int = 0
    answered: int = 0
    failures: int = 0
    open_connections: int = 0
    bodies: list[bytes] = field(default_factory=list)

    def next_request(self) -> bytes | None:
        if self.deadline is None and self.sent == len(self.requests):
            return None
        if self.deadline is not None and time.monotonic() > self.deadline:
            return None
        self.sent += 1
        return self.requests[(self.sent - 1) % len(self.requests)]

    def closed(self) -> None:
        self.open_connections -= 1
        if not self.open_connections and not self.done.done():
            self.done.set_result(None)


class _Connection(asyncio.Protocol):
    """One connection: sends the run's next request when the last one is answered."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._body = bytearray()
        self._waits = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._parser = httptools.HttpResponseParser(self)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        run = self._run
        run.answered += 1
        self._waits = False
        if self._parser.get_status_code() // 100 != 2:
            run.failures += 1
        if run.deadline is None:
            run.bodies.append(bytes(self._body))
        self._body.clear()
        if self._parser.should_keep_alive():
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        run = self._run
        if self._waits:
            run.failures += 1
        more = run.deadline is None and run.sent < len(run.requests)
        if more or (run.deadline is not None and time.monotonic() < run.deadline):
            parts = (self._transport.get_extra_info("peername") or ("127.0.0.1", 0))[:2]
            loop = asyncio.get_running_loop()
            opening = loop.create_task(loop.create_connection(lambda: _Connection(run), *parts))
            opening.add_done_callback(lambda task: run.closed() if task.exception() else None)
        else:
            run.closed()

    def _send(self) -> None:
        request = self._run.next_request()
        if request is None:
            self._transport.close()
            return
        self._waits = True
        self._transport.write(request)


def wait_until(condition: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Wait for a condition; raises TimeoutError naming it."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.05)
