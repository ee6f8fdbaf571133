"""Runs in a task's network namespace: answers who knocks, and knocks where it is told to. Standard library alone.

Says READY, then takes one line of JSON at a time, ``{"address": "10.0.1.5", "protocol": "tcp", "port": 80,
"timeout_s": 1, "count": 1}``, and answers with the names of those who answered, ``["server"]``. Its own name is its
first argument; the second, if any, the address that it calls from. Asked for the protocol ``resolve`` it answers with
the addresses of a name, for ``received`` with who has sent it datagrams, and how many.
"""

import json
import os
import select
import socket
import struct
import sys
import threading
import time
from collections import Counter

TCP_PORTS = (22, 80, 81, 90, 443, 5432, 8080, 65535)
UDP_PORTS = (500, 5000, 5353)
#: For experiments (RFC 3692): no program has a use for it.
OTHER_PROTOCOL = 253
NAME = sys.argv[1].encode()
SOURCE = sys.argv[2] if len(sys.argv) > 2 else "0.0.0.0"
received: Counter[str] = Counter()


def serve_tcp(port):
    listener = socket.create_server(("0.0.0.0", port), backlog=128)
    while True:
        connection, _ = listener.accept()
        connection.sendall(NAME)
        connection.close()


def serve_udp(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("0.0.0.0", port))
    while True:
        data, peer = listener.recvfrom(2048)
        received[data.decode()] += 1
        listener.sendto(NAME, peer)


def serve_other():
    listener = socket.socket(socket.AF_INET, socket.SOCK_RAW, OTHER_PROTOCOL)
    while True:
        packet, peer = listener.recvfrom(2048)
        if packet[20:21] == b"?":
            listener.sendto(b"!" + NAME, peer)


def knock_tcp(address, port, timeout_s):
    with socket.socket() as caller:
        caller.bind((SOURCE, 0))
        caller.settimeout(timeout_s)
        caller.connect((address, port))
        return caller.recv(100).decode()


def knock_udp(address, port, timeout_s, count):
    answers = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.bind((SOURCE, 0))
        caller.settimeout(timeout_s)
        caller.connect((address, port))
        for _ in range(count):
            caller.send(NAME)
            answers.append(caller.recv(100).decode())
    return answers


def knock_raw(address, protocol, message, timeout_s, is_answer):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol) as caller:
        caller.bind((SOURCE, 0))
        caller.sendto(message, (address, 0))
        ends = time.monotonic() + timeout_s
        while (left := ends - time.monotonic()) > 0 and select.select([caller], [], [], left)[0]:
            packet, peer = caller.recvfrom(2048)
            if peer[0] == address and is_answer(packet[20:]):
                return packet[21:].decode(errors="replace") if protocol != socket.IPPROTO_ICMP else address
    raise TimeoutError


def echo_request(number):
    total = sum(struct.unpack("!4H", struct.pack("!BBH", 8, 0, 0) + number + b"\0\1"))
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBH", 8, 0, ~total & 0xFFFF) + number + b"\0\1"


def knock(address, protocol, port, timeout_s, count):
    if protocol == "tcp":
        return [knock_tcp(address, port, timeout_s) for _ in range(count)]
    if protocol == "resolve":
        return sorted({place[4][0] for place in socket.getaddrinfo(address, None, socket.AF_INET)})
    if protocol == "udp":
        return knock_udp(address, port, timeout_s, count)
    if protocol == "icmp":
        # Another one each time: an answer to one that was let in before would pass as its.
        number = os.urandom(2)

        def is_echo(body):
            return body[:1] == b"\0" and body[4:6] == number

        return [knock_raw(address, socket.IPPROTO_ICMP, echo_request(number), timeout_s, is_echo)]
    return [knock_raw(address, int(protocol), b"?", timeout_s, lambda body: body[:1] == b"!")]


def main():
    for port in TCP_PORTS:
        threading.Thread(target=serve_tcp, args=(port,), daemon=True).start()
    for port in UDP_PORTS:
        threading.Thread(target=serve_udp, args=(port,), daemon=True).start()
    threading.Thread(target=serve_other, daemon=True).start()
    print("READY", flush=True)
    for line in sys.stdin:
        wish = json.loads(line)
        if wish["protocol"] == "received":
            print(json.dumps(dict(received)), flush=True)
            continue
        try:
            answer = knock(wish["address"], wish["protocol"], wish["port"], wish["timeout_s"], wish["count"])
        except OSError:
            answer = []
        print(json.dumps(answer), flush=True)


main()
