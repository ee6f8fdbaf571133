"""A DNS server on asyncio: answers from Names, forwards the rest, over UDP and TCP.

Answers of its own are kept as they go over the wire, in several orders, until the names change.
"""

import asyncio
import random
import struct
from contextlib import suppress
from typing import cast

from dnslib import RCODE, DNSError, DNSRecord

from sidecar.names import Names

_CACHED_QUESTIONS = 10_000
#: How many orders of an answer's values are kept: clients take the first.
_ORDERS = 8
_UPSTREAM_TIMEOUT_S = 5.0
_MAX_UPSTREAM_QUESTIONS = 5_000
_TCP_IDLE_S = 10.0
_UDP_BYTES = 512

Address = tuple[str, int]


class Resolver:
    """What a server on any address answers with; ``names`` is replaced as a whole."""

    def __init__(self, names: Names, upstream: Address) -> None:
        self._names = names
        self._upstream = upstream
        self._cache: dict[bytes, list[bytes]] = {}
        self._forwarder: _Forwarder | None = None

    def replace(self, names: Names) -> None:
        """Answer from other names; the next question already does."""
        self._names = names
        self._cache = {}

    async def serve(self, address: str, port: int = 53) -> "Listener":
        """Listen on an address, until the listener is closed."""
        loop = asyncio.get_running_loop()
        if self._forwarder is None:
            _, self._forwarder = await loop.create_datagram_endpoint(_Forwarder, remote_addr=self._upstream)
        datagrams, _ = await loop.create_datagram_endpoint(lambda: _Questions(self), local_addr=(address, port))
        try:
            server = await asyncio.start_server(self._converse, address, port)
        except OSError:
            datagrams.close()
            raise
        return Listener(datagrams, server)

    def answer_datagram(self, question: bytes, transport: asyncio.DatagramTransport, sender: Address) -> None:
        kept = self._cache.get(question[2:])
        if kept is None:
            answers = self._answers(question)
            if answers is None:
                assert self._forwarder is not None
                self._forwarder.ask(question, transport, sender)
                return
            kept = [_fitted(answer)[2:] for answer in answers]
            if kept and len(self._cache) < _CACHED_QUESTIONS:
                self._cache[question[2:]] = kept
        if kept:
            transport.sendto(question[:2] + kept[random.randrange(len(kept))], sender)

    def _answers(self, question: bytes) -> list[bytes] | None:
        """The answer in several orders; None where upstream must know, [] where the question is none."""
        try:
            request = DNSRecord.parse(question)
        except DNSError:
            return []
        if request.header.qr or len(request.questions) != 1:
            return []
        answer = self._names.answer(request)
        if answer is None:
            return None
        if len(answer.rr) < 2:
            return [answer.pack()]
        again = (self._names.answer(request) for _ in range(_ORDERS))
        return [other.pack() for other in again if other is not None]

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            while True:
                question = await asyncio.wait_for(_read_message(reader), _TCP_IDLE_S)
                answers = self._answers(question)
                answer = answers[0] if answers else b""
                if answers is None:
                    answer = await self._ask_upstream(question)
                if not answer:
                    break
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        writer.close()

    async def _ask_upstream(self, question: bytes) -> bytes:
        """Upstream's answer over TCP, or SERVFAIL."""
        try:
            async with asyncio.timeout(_UPSTREAM_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(*self._upstream)
                try:
                    writer.write(struct.pack("!H", len(question)) + question)
                    return await _read_message(reader)
                finally:
                    writer.close()
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            return _failure(question)


class Listener:
    """A served address."""

    def __init__(self, datagrams: asyncio.DatagramTransport, server: asyncio.Server) -> None:
        self._datagrams = datagrams
        self._server = server

    def close(self) -> None:
        """Stop listening."""
        self._datagrams.close()
        self._server.close()


class _Questions(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: until Python 3.12, asyncio's own datagram transports did not say that they are some.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._resolver.answer_datagram(data, self._transport, addr)


class _Forwarder(asyncio.DatagramProtocol):
    """Asks upstream under ids of its own and hands each answer to who asked."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, tuple[bytes, asyncio.DatagramTransport, Address, asyncio.TimerHandle]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: until Python 3.12, asyncio's own datagram transports did not say that they are some.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def ask(self, question: bytes, transport: asyncio.DatagramTransport, sender: Address) -> None:
        if len(self._waiting) >= _MAX_UPSTREAM_QUESTIONS:
            transport.sendto(_failure(question), sender)
            return
        own_id = struct.pack("!H", random.randrange(65536))
        while own_id in self._waiting:
            own_id = struct.pack("!H", random.randrange(65536))
        timer = asyncio.get_running_loop().call_later(_UPSTREAM_TIMEOUT_S, self._give_up, own_id, question)
        self._waiting[own_id] = (question[:2], transport, sender, timer)
        self._transport.sendto(own_id + question[2:])

    def datagram_received(self, data: bytes, addr: Address) -> None:
        asked = self._waiting.pop(data[:2], None)
        if asked is not None:
            their_id, transport, sender, timer = asked
            timer.cancel()
            transport.sendto(their_id + data[2:], sender)

    def error_received(self, exc: Exception) -> None:
        """Upstream's port is closed for the moment; the timer answers."""

    def _give_up(self, own_id: bytes, question: bytes) -> None:
        _, transport, sender, _ = self._waiting.pop(own_id)
        transport.sendto(_failure(question), sender)


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack("!H", await reader.readexactly(2))
    return await reader.readexactly(length)


def _fitted(answer: bytes) -> bytes:
    """The answer, or its head marked as truncated where it does not fit a datagram: the client asks again over TCP."""
    if len(answer) <= _UDP_BYTES:
        return answer
    truncated: bytes = DNSRecord.parse(answer).truncate().pack()
    return truncated


def _failure(question: bytes) -> bytes:
    try:
        reply = DNSRecord.parse(question).reply(ra=1)
    except DNSError:
        return b""
    reply.header.rcode = RCODE.SERVFAIL
    failure: bytes = reply.pack()
    return failure
