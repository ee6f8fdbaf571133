"""One check of one target: a connection, or a request over HTTP/1.1, HTTP/2 or gRPC."""

import asyncio
import ssl
from contextlib import suppress
from ipaddress import IPv4Address

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from sidecar.load_balancer.configuration import Check
from sidecar.load_balancer.health import PASSED, Outcome

USER_AGENT = "ELB-HealthChecker/2.0"
_MAX_HEADER_BYTES = 64 * 1024
_TIMED_OUT = Outcome(passed=False, reason="Target.Timeout", description="Request timed out")
_FAILED = Outcome(passed=False, reason="Target.FailedHealthChecks", description="Health checks failed")
#: A gRPC message without content.
_EMPTY_MESSAGE = bytes(5)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _NoAnswer(Exception):
    """What came back is no answer of the protocol."""


async def probe(check: Check, address: IPv4Address, traffic_port: int) -> Outcome:
    """Check a target once, within the timeout."""
    try:
        async with asyncio.timeout(check.timeout_s):
            return await _probe(check, str(address), check.port or traffic_port)
    except TimeoutError:
        return _TIMED_OUT
    except (OSError, EOFError, ValueError, _NoAnswer, h2.exceptions.ProtocolError):
        return _FAILED


async def _probe(check: Check, address: str, port: int) -> Outcome:
    is_h2 = check.version != "HTTP1"
    context = _tls(is_h2) if check.protocol == "HTTPS" else None
    streams = await asyncio.open_connection(address, port, ssl=context)
    try:
        if check.protocol == "TCP":
            return PASSED
        code = await (_ask_h2 if is_h2 else _ask)(streams, check, f"{address}:{port}")
    finally:
        streams[1].close()
        # A target that ends the connection in its own way has answered nevertheless.
        with suppress(OSError):
            await streams[1].wait_closed()
    if code in check.codes:
        return PASSED
    description = f"Health checks failed with these codes: [{code}]"
    return Outcome(passed=False, reason="Target.ResponseCodeMismatch", description=description)


def _tls(is_h2: bool) -> ssl.SSLContext:
    """Targets' certificates are not checked, as ELB does not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if is_h2:
        context.set_alpn_protocols(["h2"])
    return context


async def _ask(streams: Streams, check: Check, host: str) -> int:
    reader, writer = streams
    lines = [
        f"GET {check.path} HTTP/1.1",
        f"Host: {host}",
        "Connection: close",
        f"User-Agent: {USER_AGENT}",
        "Accept-Encoding: gzip, compressed",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    words = (await reader.readline()).decode("latin-1").split(None, 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1."):
        raise _NoAnswer
    return int(words[1])


async def _ask_h2(streams: Streams, check: Check, host: str) -> int:
    reader, writer = streams
    is_grpc = check.version == "GRPC"
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.initiate_connection()
    headers = [
        (":method", "POST" if is_grpc else "GET"),
        (":path", check.path),
        (":authority", host),
        (":scheme", "https" if check.protocol == "HTTPS" else "http"),
        ("user-agent", USER_AGENT),
    ]
    if is_grpc:
        headers += [("content-type", "application/grpc"), ("te", "trailers")]
    connection.send_headers(1, headers, end_stream=not is_grpc)
    if is_grpc:
        connection.send_data(1, _EMPTY_MESSAGE, end_stream=True)
    wanted = "grpc-status" if is_grpc else ":status"
    size = 0
    while size < _MAX_HEADER_BYTES:
        writer.write(connection.data_to_send())
        data = await reader.read(16 * 1024)
        if not data:
            break
        size += len(data)
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                found = dict(event.headers).get(wanted)
                if found is not None:
                    return int(found)
            elif isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
                raise _NoAnswer
    raise _NoAnswer
