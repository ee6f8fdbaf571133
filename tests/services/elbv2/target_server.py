"""What load balancers in tests send to: one program with many ports, each a target that says which one it is.

Arguments: HTTP/1.1 ports, TCP ports, UDP ports and HTTP/2 ports, each as 8001,8002. Runs in the sidecar image.

Over HTTP: ``/health/...`` answers what ``/set-health?200`` of the same port said last, ``/status/418`` a status,
``/slow?1.5`` after so many seconds, ``/cookie`` sets one, an upgrade to a WebSocket echoes, all else is described.
"""

import asyncio
import base64
import hashlib
import json
import socket
import sys
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events

_health = {}


async def http(port, reader, writer):
    try:
        while await exchange(port, reader, writer):
            pass
    except (OSError, EOFError, ValueError):
        pass
    writer.close()


async def exchange(port, reader, writer):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = [line.split(": ", 1) for line in head[1:] if line]
    found = {name.lower(): value for name, value in headers}
    body = await reader.readexactly(int(found.get("content-length", "0")))
    url = urlsplit(target)
    if found.get("upgrade", "").lower() == "websocket":
        await web_socket(found["sec-websocket-key"], reader, writer)
        return False
    status, more = 200, []
    if url.path.startswith("/health"):
        status = _health.get(port, 200)
    elif url.path == "/set-health":
        _health[port] = int(url.query)
    elif url.path.startswith("/status/"):
        status = int(url.path.rpartition("/")[2])
    elif url.path == "/slow":
        await asyncio.sleep(float(url.query))
    elif url.path == "/cookie":
        more = ["Set-Cookie: session=abc; Path=/"]
    answer = json.dumps(
        {
            "port": port,
            "host": socket.gethostname(),
            "method": method,
            "target": target,
            "headers": headers,
            "body": body.decode("latin-1"),
            "peer": writer.get_extra_info("peername")[0],
        }
    ).encode()
    lines = [f"HTTP/1.1 {status} Said", "Content-Type: application/json", f"Content-Length: {len(answer)}", *more]
    writer.write("\r\n".join([*lines, "", ""]).encode() + answer)
    await writer.drain()
    return found.get("connection") != "close"


async def web_socket(key, reader, writer):
    accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    writer.write("\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept}", "", ""]).encode())
    while True:
        first, length = await reader.readexactly(2)
        length &= 127
        mask = await reader.readexactly(4)
        data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(await reader.readexactly(length)))
        writer.write(bytes([first, length]) + data)


async def tcp(port, reader, writer):
    writer.write(f"{port} ".encode() + await reader.read(1024))
    await writer.drain()
    writer.close()


class Echo(asyncio.DatagramProtocol):
    def __init__(self, port):
        self.port = port

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(f"{self.port} ".encode() + data, address)


async def http2(port, reader, writer):
    """Answers requests with their path; those of gRPC with status 0, or 12 for the path of health checks."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    while data := await reader.read(65536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                answer(connection, event.stream_id, dict(event.headers), port)
        writer.write(connection.data_to_send())
    writer.close()


def answer(connection, stream, headers, port):
    if headers.get("content-type") == "application/grpc":
        start = [(":status", "200"), ("content-type", "application/grpc")]
        if headers[":path"].startswith("/AWS.ALB"):
            connection.send_headers(stream, [*start, ("grpc-status", "12")], end_stream=True)
            return
        connection.send_headers(stream, start)
        connection.send_data(stream, b"\0\0\0\0\2ok")
        connection.send_headers(stream, [("grpc-status", "0")], end_stream=True)
        return
    connection.send_headers(stream, [(":status", "200"), ("content-type", "text/plain")])
    connection.send_data(stream, f"h2 {port} {headers[':path']}".encode(), end_stream=True)


async def serve(http_ports, tcp_ports, udp_ports, http2_ports):
    for ports, handle in ((http_ports, http), (tcp_ports, tcp), (http2_ports, http2)):
        for port in ports:
            await asyncio.start_server(lambda r, w, h=handle, p=port: h(p, r, w), "0.0.0.0", port, backlog=1024)
    for port in udp_ports:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda p=port: Echo(p), local_addr=("0.0.0.0", port))
    print("READY", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(*([int(port) for port in ports.split(",")] for ports in sys.argv[1:5])))
