"""A DNS server on asyncio: answers from Names, asks upstream for the rest, over UDP and TCP.

Answers of its own are kept as they go over the wire, in several orders, until the names change.
"""

import asyncio
import random
import struct
from collections.abc import Sequence
from contextlib import suppress

from dnslib import RCODE, DNSError

from sidecar.configuration import VpcConfiguration, ZoneChange
from sidecar.datagrams import Datagrams
from sidecar.messages import TCP_BYTES, Question, read_question, write_answer, write_failure
from sidecar.names import Names
from sidecar.upstream import Address, Upstream, UpstreamFailure, read_message

_CACHED_QUESTIONS = 10_000
#: Choices are made anew this often, so that over time each has its share.
_CHOICES_LAST_S = 1.0
_TCP_IDLE_S = 10.0
_MAX_CONVERSATIONS = 500
_MAX_UNDER_WAY = 5_000
_BAD_VERSION = 16


class Resolver:
    """What a server on any address answers with."""

    def __init__(self, upstream: Address, names: Names | None = None) -> None:
        self._names = names or Names()
        self._loop = asyncio.get_running_loop()
        self._upstream = Upstream(upstream, self._loop.time)
        self._cache: dict[bytes, _Kept] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._conversations = 0

    def replace(self, configuration: VpcConfiguration) -> None:
        """Answer by another configuration; the next question already does."""
        self._names.replace(configuration)
        self._cache = {}

    def change(self, changes: Sequence[ZoneChange]) -> None:
        """Answer with changed names from now on."""
        self._names.change(changes)
        self._cache = {}

    def close(self) -> None:
        """Stop asking upstream."""
        self._upstream.close()

    async def serve(self, address: str, port: int = 53) -> "Listener":
        """Listen on an address, until the listener is closed."""
        datagrams = Datagrams((address, port), self.answer_datagram)
        try:
            server = await asyncio.start_server(self._converse, address, port)
        except OSError:
            datagrams.close()
            raise
        return Listener(datagrams, server)

    def answer_datagram(self, message: bytes, datagrams: Datagrams, sender: Address) -> None:
        """Answer a datagram, now or when upstream did."""
        kept = self._cache.get(message[2:])
        if kept is not None and len(kept.answers) >= kept.wanted and self._loop.time() < kept.until:
            datagrams.send(message[:2] + random.choice(kept.answers), sender)
            return
        question = read_question(message)
        if question is None:
            return
        answer = self._answer(message, question)
        if answer is not None:
            datagrams.send(answer, sender)
        elif len(self._under_way) < _MAX_UNDER_WAY:
            task = self._loop.create_task(self._forward(message, question, datagrams, sender))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        else:
            datagrams.send(write_failure(question, RCODE.SERVFAIL), sender)

    def _answer(self, message: bytes, question: Question, *, over_tcp: bool = False) -> bytes | None:
        """The answer as far as it is known without asking anybody."""
        if question.problem:
            return write_failure(question, question.problem)
        if question.edns is not None and question.edns.version:
            return write_failure(question, _BAD_VERSION)
        try:
            answer = self._names.answer(question)
            if answer is None:
                return self._upstream.remembered(message, question) if not over_tcp else None
            written = write_answer(question, answer, TCP_BYTES if over_tcp else question.datagram_bytes)
        except DNSError:
            # A name of the last bytes that one may have does not fit where dnslib puts it.
            return write_failure(question, RCODE.SERVFAIL)
        if not over_tcp and (question.edns is None or not question.edns.has_options):
            self._keep(message[2:], written[2:], answer.choices)
        return written

    def _keep(self, key: bytes, answer: bytes, choices: int) -> None:
        now = self._loop.time()
        kept = self._cache.get(key)
        if kept is None or now >= kept.until:
            if len(self._cache) >= _CACHED_QUESTIONS:
                self._cache.clear()
            kept = self._cache[key] = _Kept(choices, now + _CHOICES_LAST_S if choices > 1 else float("inf"))
        kept.answers.append(answer)

    async def _forward(self, message: bytes, question: Question, datagrams: Datagrams, sender: Address) -> None:
        datagrams.send(await self._ask_upstream(message, question, over_tcp=False), sender)

    async def _ask_upstream(self, message: bytes, question: Question, *, over_tcp: bool) -> bytes:
        try:
            return await self._upstream.ask(message, question, over_tcp=over_tcp)
        except UpstreamFailure:
            return write_failure(question, RCODE.SERVFAIL)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._conversations += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                while self._conversations <= _MAX_CONVERSATIONS:
                    message = await asyncio.wait_for(read_message(reader), _TCP_IDLE_S)
                    question = read_question(message)
                    if question is None:
                        break
                    answer = self._answer(message, question, over_tcp=True)
                    if answer is None:
                        answer = await self._ask_upstream(message, question, over_tcp=True)
                    writer.write(struct.pack("!H", len(answer)) + answer)
                    await asyncio.wait_for(writer.drain(), _TCP_IDLE_S)
        finally:
            self._conversations -= 1
            writer.close()


class Listener:
    """A served address."""

    def __init__(self, datagrams: Datagrams, server: asyncio.Server) -> None:
        self._datagrams = datagrams
        self._server = server

    def close(self) -> None:
        """Stop listening."""
        self._datagrams.close()
        self._server.close()


class _Kept:
    """Answers to a question without their ids: ``wanted`` of them are worth having."""

    __slots__ = ("answers", "until", "wanted")

    def __init__(self, wanted: int, until: float) -> None:
        self.answers: list[bytes] = []
        self.wanted = wanted
        self.until = until
