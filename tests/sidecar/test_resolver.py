"""The VPC's resolver over real sockets, asked by dnspython, by dig and by noise."""

import asyncio
import random
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.resolver
import pytest

from sidecar.configuration import VpcConfiguration, ZoneChange
from sidecar.resolver import Resolver
from tests.support.vpc_policies import open_policies

HOST = "127.0.0.1"
TIMEOUT_S = 5
MALFORMED = 10_000


def record(name: str, type_: str, *values: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, "ttl": 60, "values": list(values), **members}


def configuration(version: int = 7, *records: dict[str, Any]) -> VpcConfiguration:
    return VpcConfiguration.from_json(
        {
            **open_policies("10.0.0.0/16", ["10.0.1.0/24"]),
            "cidrs": ["10.0.0.0/16"],
            "dns_address": "10.0.0.2",
            "private_domain": "ec2.internal",
            "services": ["sqs", "ecr", "servicediscovery"],
            "zones": [{"name": "local", "version": version, "records": list(records or RECORDS)}],
        }
    )


RECORDS = (
    record("local", "SOA", "ns.local. hostmaster.local. 1 7200 900 1209600 15"),
    *(record("web.local", "A", f"10.0.1.{number}", policy="multivalue") for number in range(5, 25)),
    record("_http._tcp.web.local", "SRV", "1 1 8080 i-1.web.local"),
    record("i-1.web.local", "A", "10.0.1.5"),
    record("www.local", "CNAME", "web.local"),
    record("text.local", "TXT", '"one two" "three"'),
    record("large.local", "TXT", *(f'"{number}{"x" * 200}"' for number in range(6))),
    record("alias.local", "A", alias="i-1.web.local"),
    record("heavy.local", "A", "10.0.0.8", policy="weighted", weight=9),
    record("heavy.local", "A", "10.0.0.9", policy="weighted", weight=1),
    record("never.local", "A", "10.0.0.8", policy="weighted", weight=0),
    record("never.local", "A", "10.0.0.9", policy="weighted", weight=1),
    record("*.wild.local", "A", "10.9.9.9"),
    record("mail.local", "MX", "10 web.local"),
    record("long.local", "AAAA", "2001:db8::1"),
)


class Upstream:
    """A resolver behind the resolver: counts what it is asked, and answers from a table of made-up names."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.is_silent = False

    def answer(self, message: bytes, over_tcp: bool) -> bytes | None:
        question = dns.message.from_wire(message)
        name = str(question.question[0].name)
        self.asked[name] += 1
        if self.is_silent:
            return None
        response = dns.message.make_response(question, recursion_available=True)
        if name == "missing.example.":
            response.set_rcode(dns.rcode.NXDOMAIN)
            soa = "ns.example. hostmaster.example. 1 2 3 4 20"
            response.authority.append(dns.rrset.from_text("example.", 20, "IN", "SOA", soa))
        elif name == "large.example." and not over_tcp:
            response.flags |= dns.flags.TC
        else:
            response.answer.append(dns.rrset.from_text(name, 100, "IN", "A", "192.0.2.7"))
        return response.to_wire()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = self._upstream.answer(data, over_tcp=False)
        if answer is not None:
            self._transport.sendto(answer, addr)


class Server:
    """A resolver on a loop of its own, and its upstream."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.upstream = Upstream()
        self.port, self._upstream_port = _free_port(), _free_port()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.resolver: Resolver = self.run(self._start)

    async def _start(self) -> Resolver:
        address = (HOST, self._upstream_port)
        self._upstream_datagrams, _ = await self.loop.create_datagram_endpoint(
            lambda: _Datagrams(self.upstream), local_addr=address
        )

        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            answer = self.upstream.answer(await reader.readexactly(length), over_tcp=True) or b""
            writer.write(struct.pack("!H", len(answer)) + answer)
            writer.close()

        self._upstream_server = await asyncio.start_server(converse, *address)
        resolver = Resolver(address)
        resolver.replace(configuration())
        self._listener = await resolver.serve(HOST, self.port)
        return resolver

    def run(self, function: Callable[[], Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(function(), self.loop).result(TIMEOUT_S)

    def apply(self, function: Callable[[], None]) -> None:
        async def call() -> None:
            function()

        self.run(call)

    def ask(self, name: str, type_: str = "A", *, tcp: bool = False, **options: Any) -> dns.message.Message:
        query = dns.message.make_query(name, type_, **options)
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, HOST, TIMEOUT_S, self.port, ignore_trailing=False)

    def values(self, name: str, type_: str = "A") -> list[str]:
        """What the last record set of the answer says, sorted."""
        answer = self.ask(name, type_).answer
        return sorted(str(value) for value in answer[-1]) if answer else []

    def stop(self) -> None:
        self.run(self._end)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(TIMEOUT_S)
        self.loop.close()

    async def _end(self) -> None:
        self._listener.close()
        self._upstream_datagrams.close()
        self._upstream_server.close()
        self.resolver.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _free_port() -> int:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind((HOST, 0))
        port = int(tcp.getsockname()[1])
        udp.bind((HOST, port))
        return port


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


def test_a_multivalue_answer_has_eight_of_all_values_and_others_the_next_time(server: Server) -> None:
    seen: set[str] = set()
    for _ in range(200):
        answer = server.values("web.local")
        assert len(set(answer)) == 8
        seen.update(answer)
    assert len(seen) == 20


def test_weighted_sets_are_answered_by_their_weight(server: Server) -> None:
    answers = Counter(server.values("heavy.local")[0] for _ in range(1000))
    assert 700 < answers["10.0.0.8"] < 1000
    assert {server.values("never.local")[0] for _ in range(100)} == {"10.0.0.9"}


@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        ("_http._tcp.web.local", "SRV", ["1 1 8080 i-1.web.local."]),
        ("text.local", "TXT", ['"one two" "three"']),
        ("alias.local", "A", ["10.0.1.5"]),
        ("deep.er.wild.local", "A", ["10.9.9.9"]),
        ("mail.local", "MX", ["10 web.local."]),
        ("long.local", "AAAA", ["2001:db8::1"]),
        ("ip-10-0-1-5.ec2.internal", "A", ["10.0.1.5"]),
        ("5.1.0.10.in-addr.arpa", "PTR", ["ip-10-0-1-5.ec2.internal."]),
        ("simfra.local", "A", ["10.0.1.1"]),
        ("sqs.us-east-1.amazonaws.com", "A", ["10.0.1.1"]),
        ("000000000000.dkr.ecr.eu-west-1.amazonaws.com", "A", ["10.0.1.1"]),
        ("vpce-1a2b-3c.sqs.us-east-1.vpce.amazonaws.com", "A", ["10.0.1.1"]),
        ("data-servicediscovery.us-east-1.amazonaws.com", "A", ["10.0.1.1"]),
        ("data-localhost", "A", ["127.0.0.1"]),
        ("s3.us-east-1.amazonaws.com", "A", ["192.0.2.7"]),
        ("www.example", "A", ["192.0.2.7"]),
    ],
)
def test_names_have_their_values(server: Server, name: str, type_: str, expected: list[str]) -> None:
    assert server.values(name, type_) == expected


def test_srv_answers_bring_the_addresses_of_their_targets(server: Server) -> None:
    additional = server.ask("_http._tcp.web.local", "SRV").additional
    assert [str(rrset) for rrset in additional] == ["i-1.web.local. 60 IN A 10.0.1.5"]


@pytest.mark.parametrize(
    ("name", "type_", "rcode"),
    [
        ("nothing.local", "A", dns.rcode.NXDOMAIN),
        ("web.local", "AAAA", dns.rcode.NOERROR),
        ("_tcp.web.local", "A", dns.rcode.NOERROR),
        ("sqs.us-east-1.amazonaws.com", "AAAA", dns.rcode.NOERROR),
        ("ip-10-9-9-9.ec2.internal", "A", dns.rcode.NXDOMAIN),
    ],
)
def test_what_is_not_there_is_answered_with_the_zones_authority(
    server: Server, name: str, type_: str, rcode: dns.rcode.Rcode
) -> None:
    response = server.ask(name, type_)
    assert response.rcode() == rcode
    assert response.answer == []
    assert response.authority[0].rdtype == dns.rdatatype.SOA
    if name.endswith(".local"):
        assert response.authority[0].ttl == 15


def test_an_answer_that_does_not_fit_is_truncated_and_comes_over_tcp(server: Server) -> None:
    for options in ({"use_edns": False}, {"use_edns": 0, "payload": 1232}):
        response = server.ask("large.local", "TXT", **options)
        assert response.flags & dns.flags.TC
        assert response.answer == []
    whole = server.ask("large.local", "TXT", use_edns=0, payload=4096)
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer[0]) == len(server.ask("large.local", "TXT", tcp=True).answer[0]) == 6


def test_edns_is_answered_in_kind(server: Server) -> None:
    assert server.ask("web.local", use_edns=False).edns == -1
    response = server.ask("web.local", use_edns=0, want_dnssec=True)
    assert response.edns == 0
    assert response.ednsflags & dns.flags.DO
    query = dns.message.make_query("web.local", "A", use_edns=1)
    assert dns.query.udp(query, HOST, TIMEOUT_S, server.port).rcode() == dns.rcode.BADVERS


def test_the_spelling_of_the_question_comes_back(server: Server) -> None:
    for name in ("WeB.LoCaL.", "WwW.eXaMpLe."):
        for _ in range(2):
            assert str(server.ask(name).question[0].name) == name


def test_dnspythons_resolver_is_content(server: Server) -> None:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [HOST], server.port
    assert len(resolver.resolve("www.local", "A").rrset or ()) == 8
    assert str(resolver.resolve("www.local", "A").canonical_name) == "web.local."
    with pytest.raises(dns.resolver.NXDOMAIN):
        resolver.resolve("nothing.local")
    with pytest.raises(dns.resolver.NoAnswer):
        resolver.resolve("web.local", "MX")
    assert str(resolver.resolve_address("10.0.1.5")[0]) == "ip-10-0-1-5.ec2.internal."


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("web.local A", ("status: NOERROR", "ANSWER: 8", "flags: qr aa rd ra")),
        ("nothing.local A", ("status: NXDOMAIN", "AUTHORITY: 1")),
        ("large.local TXT +ignore +noedns", ("flags: qr aa tc rd ra",)),
        ("large.local TXT +noedns", ("ANSWER: 6", "(TCP)")),
        ("large.local TXT +bufsize=4096", ("ANSWER: 6", "(UDP)")),
        ("web.local A +tcp", ("ANSWER: 8",)),
        ("-x 10.0.1.5", ("ip-10-0-1-5.ec2.internal.",)),
        ("version.bind CH TXT", ("status: REFUSED",)),
        ("web.local A +opcode=update", ("status: NOTIMP",)),
        ("web.local A +edns=9 +noednsneg", ("status: BADVERS",)),
        ("web.local A +cookie +dnssec", ("ANSWER: 8", "flags: do")),
        ("web.local A +qr +norecurse", ("flags: qr aa ra",)),
    ],
)
def test_dig_reads_every_answer(server: Server, arguments: str, expected: tuple[str, ...]) -> None:
    dig = shutil.which("dig")
    assert dig, "dig is missing: manage.py test --provision installs it"
    command = [dig, f"@{HOST}", "-p", str(server.port), *arguments.split(), "+tries=1", "+timeout=3"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    assert all(part in printed for part in expected), printed
    assert "warning" not in printed.lower().replace(";; warning: .local is reserved", "")
    assert "malformed" not in printed.lower()


def test_upstream_is_asked_once_while_its_answer_lives(server: Server) -> None:
    first = server.ask("www.example").answer[0].ttl
    assert server.ask("WWW.example").answer[0].ttl <= first
    assert server.upstream.asked["www.example."] == 1
    for _ in range(2):
        assert server.ask("missing.example").rcode() == dns.rcode.NXDOMAIN
    assert server.upstream.asked["missing.example."] == 1


def test_upstreams_truncation_is_passed_on_and_tcp_asks_again(server: Server) -> None:
    assert server.ask("large.example").flags & dns.flags.TC
    assert server.ask("large.example", tcp=True).answer
    assert server.values("large.example") == ["192.0.2.7"]


def test_an_upstream_that_is_silent_is_a_failure_and_holds_up_nobody(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.upstream._TIMEOUT_S", 0.3)
    server.upstream.is_silent = True
    assert server.ask("slow.example").rcode() == dns.rcode.SERVFAIL
    assert server.values("i-1.web.local") == ["10.0.1.5"]


def test_a_change_is_in_the_next_answer_and_an_older_configuration_does_not_take_it_back(server: Server) -> None:
    assert server.values("i-1.web.local") == ["10.0.1.5"]
    change = {
        "zone": "local",
        "version": 9,
        "names": {"i-1.web.local": [], "new.local": [record("new.local", "A", "10.0.1.9")]},
    }
    began = time.monotonic()
    server.apply(lambda: server.resolver.change([ZoneChange.from_json(change)]))
    assert server.values("new.local") == ["10.0.1.9"]
    assert server.values("i-1.web.local") == []
    assert time.monotonic() - began < 1
    server.apply(lambda: server.resolver.replace(configuration(8)))
    assert server.values("new.local") == ["10.0.1.9"]
    assert server.values("i-1.web.local") == []
    server.apply(lambda: server.resolver.replace(configuration(9)))
    assert server.values("new.local") == []
    assert server.values("i-1.web.local") == ["10.0.1.5"]


def test_zones_come_whole_and_go(server: Server) -> None:
    whole = {
        "zone": "far.example",
        "version": 1,
        "whole": True,
        "names": {"a.far.example": [record("a.far.example", "A", "10.0.2.1")]},
    }
    server.apply(lambda: server.resolver.change([ZoneChange.from_json(whole)]))
    assert server.values("a.far.example") == ["10.0.2.1"]
    assert server.ask("b.far.example").rcode() == dns.rcode.NXDOMAIN
    server.apply(
        lambda: server.resolver.change([ZoneChange.from_json({"zone": "far.example", "version": 2, "gone": True})])
    )
    assert server.values("a.far.example") == ["192.0.2.7"]


def test_ten_thousand_malformed_packets_do_no_harm(server: Server) -> None:
    noise = random.Random(20)
    seeds = [
        dns.message.make_query(name, type_, use_edns=edns).to_wire()
        for name in ("web.local", "_http._tcp.web.local", "www.example", "*.wild.local", "a" * 63 + ".local")
        for type_ in ("A", "SRV", "ANY", "TXT")
        for edns in (-1, 0)
    ]
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        for number in range(MALFORMED):
            client.sendto(_damaged(noise, seeds), (HOST, server.port))
            if number % 50 == 49:
                # Not faster than it is read: what the kernel drops proves nothing.
                assert server.values("i-1.web.local") == ["10.0.1.5"]
    for _ in range(50):
        with socket.create_connection((HOST, server.port), timeout=TIMEOUT_S) as connection:
            damaged = _damaged(noise, seeds)
            connection.sendall(struct.pack("!H", noise.choice((len(damaged), 0, 65535))) + damaged)
    assert server.values("i-1.web.local") == ["10.0.1.5"]
    assert server.ask("web.local", tcp=True).answer


def _damaged(noise: random.Random, seeds: list[bytes]) -> bytes:
    message = bytearray(noise.choice(seeds))
    match noise.randrange(4):
        case 0:
            return noise.randbytes(noise.randrange(600))
        case 1:
            return bytes(message[: noise.randrange(len(message))])
        case 2:
            return bytes(message) + noise.randbytes(noise.randrange(40))
        case _:
            for _ in range(noise.randrange(1, 8)):
                message[noise.randrange(2, len(message))] = noise.randrange(256)
            return bytes(message)
