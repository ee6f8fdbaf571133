"""DNS in a VPC: answers per second of the resolver, and how soon a change is seen.

    python -m bench.dns
    python -m bench.dns --url http://localhost:4599 --vpc vpc-0123456789abcdef0

Alone, it measures a resolver in a process of its own on this machine by dnsperf where that is installed, else by a load
generator of asyncio that shares the processors and so says less than the resolver can. With ``--url`` and ``--vpc``, a
running Simfra and a VPC of it that tasks use, it registers and deregisters instances and asks the VPC's resolver, at
its port on this machine, until it answers so.
"""

import argparse
import asyncio
import json
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import dns.message
import dns.query

from bench.load import Endpoint
from sidecar.configuration import VpcConfiguration
from sidecar.resolver import Resolver
from tests.support.vpc_policies import open_policies

HOST = "127.0.0.1"
GOAL_PER_S, GOAL_SEEN_MS = 20_000, 50
NAMES = 1000
_WAIT_S = 5
_CHANGES = 20
_OUTSTANDING = 200


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--url")
    parser.add_argument("--vpc")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(_serve(options.serve))
        return
    with _resolver() as port:
        for title, queries in _QUERIES.items():
            tool, per_second = _load(port, queries, options.seconds)
            print(f"{title:32} {per_second:>9,.0f} answers/s   goal {GOAL_PER_S:,}   ({tool})")
    if options.url and options.vpc:
        delays = _measure_changes(Endpoint(name="simfra", url=options.url), options.vpc)
        median, worst = statistics.median(delays) * 1000, max(delays) * 1000
        print(f"a change is seen after           {median:>9.1f} ms        goal {GOAL_SEEN_MS}   (worst {worst:.1f} ms)")


_QUERIES = {
    "one address": [f"one-{number}.local A" for number in range(NAMES)],
    "eight of twenty addresses": ["web.local A"],
    "a service with ports": ["_http._tcp.web.local SRV"],
    "names that are not there": [f"no-{number}.local A" for number in range(NAMES)],
}


def _records() -> Iterator[dict[str, Any]]:
    for number in range(NAMES):
        yield {
            "name": f"one-{number}.local",
            "type": "A",
            "ttl": 60,
            "values": [f"10.0.{number // 250}.{number % 250}"],
        }
    for number in range(20):
        values = [f"10.1.0.{number}"]
        yield {"name": "web.local", "type": "A", "ttl": 60, "values": values, "policy": "multivalue"}
    target = ["1 1 8080 one-1.local"]
    yield {"name": "_http._tcp.web.local", "type": "SRV", "ttl": 60, "values": target}


async def _serve(port: int) -> None:
    resolver = Resolver((HOST, 1))
    resolver.replace(
        VpcConfiguration.from_json(
            {
                **open_policies("10.0.0.0/8"),
                "cidrs": ["10.0.0.0/8"],
                "dns_address": None,
                "private_domain": "ec2.internal",
                "zones": [{"name": "local", "version": 1, "records": list(_records())}],
            }
        )
    )
    await resolver.serve(HOST, port)
    print("READY", flush=True)
    await asyncio.Event().wait()


@contextmanager
def _resolver() -> Iterator[int]:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "bench.dns", "--serve", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "READY\n", "the resolver did not start"
        yield port
    finally:
        process.terminate()
        process.wait(_WAIT_S)


def _load(port: int, queries: list[str], seconds: int) -> tuple[str, float]:
    if shutil.which("dnsperf") is None:
        return "asyncio", asyncio.run(_hammer(port, queries, seconds))
    with tempfile.NamedTemporaryFile("w", suffix=".queries") as file:
        file.write("\n".join(queries) + "\n")
        file.flush()
        arguments = ["-s", HOST, "-p", str(port), "-d", file.name, "-c", "10", "-l", str(seconds), "-q", "100"]
        done = subprocess.run(["dnsperf", *arguments], capture_output=True, text=True, timeout=seconds + 60, check=True)
    found = re.search(r"Queries per second:\s+([\d.]+)", done.stdout)
    assert found, done.stdout
    return "dnsperf", float(found[1])


async def _hammer(port: int, queries: list[str], seconds: int) -> float:
    asked = (query.split() for query in queries)
    messages = [dns.message.make_query(name, type_).to_wire()[2:] for name, type_ in asked]
    loop = asyncio.get_running_loop()
    answered = 0

    class Client(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport
            for number in range(_OUTSTANDING):
                self.ask(number)

        def ask(self, number: int) -> None:
            self.transport.sendto(struct.pack("!H", number % 65536) + messages[number % len(messages)])

        def datagram_received(self, data: bytes, addr: Any) -> None:
            nonlocal answered
            answered += 1
            self.ask(answered)

    transport, _ = await loop.create_datagram_endpoint(Client, remote_addr=(HOST, port))
    await asyncio.sleep(seconds)
    transport.close()
    return answered / seconds


def _measure_changes(endpoint: Endpoint, vpc_id: str) -> list[float]:
    """How long after each answer of the API the resolver answers so, in seconds."""
    port = _port_of(endpoint, vpc_id)
    client = endpoint.client("servicediscovery")
    name = f"bench-{uuid4().hex[:8]}"
    operation = client.create_private_dns_namespace(Name=name, Vpc=vpc_id)["OperationId"]
    namespace_id = client.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    config = {"DnsRecords": [{"Type": "A", "TTL": 60}]}
    service_id = client.create_service(Name="web", NamespaceId=namespace_id, DnsConfig=config)["Service"]["Id"]
    delays = []
    for number in range(_CHANGES):
        address = f"10.99.0.{number}"
        attributes = {"AWS_INSTANCE_IPV4": address}
        client.register_instance(ServiceId=service_id, InstanceId="one", Attributes=attributes)
        delays.append(_until(port, f"web.{name}", [address]))
        client.deregister_instance(ServiceId=service_id, InstanceId="one")
        delays.append(_until(port, f"web.{name}", []))
    client.delete_service(Id=service_id)
    client.delete_namespace(Id=namespace_id)
    # The zone itself may have come by the reconciler, which is slower.
    return delays[1:]


def _port_of(endpoint: Endpoint, vpc_id: str) -> int:
    with urllib.request.urlopen(f"{endpoint.url}/_simfra/network/dns", timeout=_WAIT_S) as response:
        places = json.load(response)
    return next(int(place["port"]) for place in places if place["vpcId"] == vpc_id)


def _until(port: int, name: str, expected: list[str]) -> float:
    began = time.monotonic()
    query = dns.message.make_query(name, "A")
    while time.monotonic() - began < _WAIT_S:
        answer = dns.query.udp(query, HOST, _WAIT_S, port).answer
        if [str(value) for rrset in answer for value in rrset] == expected:
            return time.monotonic() - began
    sys.exit(f"{name} was not {expected} within {_WAIT_S} s")


if __name__ == "__main__":
    main()
