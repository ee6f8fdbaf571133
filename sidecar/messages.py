"""DNS messages on the wire: reading a question from whatever arrives, and writing the answer that fits.

https://www.rfc-editor.org/rfc/rfc1035#section-4, https://www.rfc-editor.org/rfc/rfc6891 (EDNS)
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dnslib import QTYPE, RCODE, RR, DNSHeader, DNSLabel, DNSQuestion, DNSRecord

HEADER = struct.Struct("!6H")
#: What a datagram may carry for a client that does not say; the most that is sent to one that says more.
PLAIN_BYTES, MOST_BYTES = 512, 4096
TCP_BYTES = 65535
IN, ANY_CLASS = 1, 255
OPT = 41
_RECORD = struct.Struct("!HHIH")
_MAX_NAME_BYTES = 255
_MAX_ADDITIONAL = 16
_ANSWER, _AUTHORITATIVE, _TRUNCATED, _WANTED, _AVAILABLE = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
_CHECKING_DISABLED = 0x0010
_DNSSEC_OK = 0x8000


class Malformed(ValueError):
    """The bytes are no DNS message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edns:
    """What a client says of itself in an OPT record."""

    payload_bytes: int
    version: int
    is_dnssec_ok: bool
    has_options: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question. ``name`` is in lower case without the last dot; ``raw`` is the section as it came."""

    id: bytes
    flags: int
    name: str
    type: int
    klass: int
    raw: bytes
    edns: Edns | None = None
    #: Why it cannot be answered: an RCODE, or 0.
    problem: int = 0

    @property
    def type_name(self) -> str:
        return str(QTYPE.get(self.type, f"TYPE{self.type}"))

    @property
    def label(self) -> DNSLabel:
        """The name as it is written into answers: byte by byte, whatever a client put into it."""
        labels, at = [], 0
        while self.raw[at]:
            labels.append(self.raw[at + 1 : at + 1 + self.raw[at]].lower())
            at += 1 + self.raw[at]
        return DNSLabel(labels)

    @property
    def datagram_bytes(self) -> int:
        """How large an answer may be over UDP."""
        return PLAIN_BYTES if self.edns is None else min(max(self.edns.payload_bytes, PLAIN_BYTES), MOST_BYTES)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is answered. ``choices`` is how many different answers the question has, as far as that matters."""

    rcode: int = 0
    records: Sequence[RR] = ()
    authority: Sequence[RR] = ()
    additional: Sequence[RR] = field(default=())
    is_authoritative: bool = True
    choices: int = 1


def read_question(message: bytes) -> Question | None:
    """The question in a message; None where it deserves no answer: it is too short, or an answer itself."""
    if len(message) < HEADER.size:
        return None
    _, flags, questions, answers, authorities, additional = HEADER.unpack_from(message)
    if flags & _ANSWER:
        return None
    problem = RCODE.NOTIMP if flags & 0x7800 else 0
    if questions != 1 or answers or authorities or additional > _MAX_ADDITIONAL:
        return _refused(message, flags, problem or RCODE.FORMERR)
    try:
        name, end = read_name(message, HEADER.size)
        type_, klass = struct.unpack_from("!HH", message, end)
        end += 4
        edns, at = None, end
        for _ in range(additional):
            edns, at = _read_additional(message, at, edns)
        if at != len(message):
            raise Malformed("bytes are left over")
    except (Malformed, struct.error):
        return _refused(message, flags, problem or RCODE.FORMERR)
    if not problem and klass not in (IN, ANY_CLASS):
        problem = RCODE.REFUSED
    return Question(
        id=message[:2],
        flags=flags,
        name=name,
        type=type_,
        klass=klass,
        raw=message[HEADER.size : end],
        edns=edns,
        problem=problem,
    )


def write_answer(question: Question, answer: Answer, most_bytes: int) -> bytes:
    """The answer on the wire; its head alone, marked as truncated, where it does not fit: the client asks over TCP."""
    body = b""
    counts = (0, 0, 0)
    if answer.records or answer.authority or answer.additional:
        record = DNSRecord(DNSHeader(id=0), q=DNSQuestion(question.label, question.type, question.klass))
        record.add_answer(*answer.records)
        record.add_auth(*answer.authority)
        record.add_ar(*answer.additional)
        # The names inside point back into the question, which has the same length in the client's own spelling.
        body = record.pack()[HEADER.size + len(question.raw) :]
        counts = (len(answer.records), len(answer.authority), len(answer.additional))
    options = _options(question, answer.rcode)
    flags = _ANSWER | _AVAILABLE | question.flags & (0x7800 | _WANTED | _CHECKING_DISABLED) | answer.rcode & 0xF
    if answer.is_authoritative:
        flags |= _AUTHORITATIVE
    if HEADER.size + len(question.raw) + len(body) + len(options) > most_bytes:
        flags, body, counts = flags | _TRUNCATED, b"", (0, 0, 0)
    head = (flags, 1 if question.raw else 0, counts[0], counts[1], counts[2] + (1 if options else 0))
    return question.id + struct.pack("!5H", *head) + question.raw + body + options


def write_failure(question: Question, rcode: int) -> bytes:
    """An answer that is an RCODE alone."""
    return write_answer(question, Answer(rcode=rcode, is_authoritative=False), MOST_BYTES)


def read_name(message: bytes, at: int) -> tuple[str, int]:
    """The name at a place, without compression, and where it ends. Raises Malformed."""
    labels, start = [], at
    while True:
        if at >= len(message):
            raise Malformed("the name does not end")
        length = message[at]
        at += 1
        if length == 0:
            break
        if length > 63 or at + length > len(message) or at + length - start >= _MAX_NAME_BYTES:
            raise Malformed("no label has this length")
        # A dot inside of a label is not one between labels.
        labels.append(message[at : at + length].replace(b".", b"\\046").lower().decode("latin-1"))
        at += length
    return ".".join(labels), at


def skip_name(message: bytes, at: int) -> int:
    """Where the name at a place ends, compressed or not. Raises Malformed."""
    while at < len(message):
        length = message[at]
        if length == 0:
            return at + 1
        if length >= 0xC0:
            return at + 2
        if length > 63:
            break
        at += 1 + length
    raise Malformed("the name does not end")


def lifetimes(message: bytes) -> Iterator[tuple[int, int, int]]:
    """Of each record of an answer: the type, where its time to live is, and that. Raises Malformed."""
    _, _, questions, *others = HEADER.unpack_from(message)
    at = HEADER.size
    try:
        for _ in range(questions):
            at = skip_name(message, at) + 4
        for _ in range(sum(others)):
            at = skip_name(message, at)
            type_, _, ttl_s, length = _RECORD.unpack_from(message, at)
            yield type_, at + 4, ttl_s
            at += _RECORD.size + length
    except struct.error as error:
        raise Malformed("a record does not end") from error
    if at > len(message):
        raise Malformed("a record does not end")


def _read_additional(message: bytes, at: int, before: Edns | None) -> tuple[Edns | None, int]:
    start, at = at, skip_name(message, at)
    type_, payload, ttl, length = _RECORD.unpack_from(message, at)
    at += _RECORD.size + length
    if at > len(message):
        raise Malformed("a record does not end")
    if type_ != OPT:
        return before, at
    if before is not None or message[start]:
        raise Malformed("one OPT record, of the root, is all that a message may have")
    edns = Edns(
        payload_bytes=payload,
        version=ttl >> 16 & 0xFF,
        is_dnssec_ok=bool(ttl & _DNSSEC_OK),
        has_options=length > 0,
    )
    return edns, at


def _options(question: Question, rcode: int) -> bytes:
    """Our own OPT record, for a client that sent one."""
    if question.edns is None:
        return b""
    flags = (rcode >> 4) << 24 | (_DNSSEC_OK if question.edns.is_dnssec_ok else 0)
    return b"\0" + _RECORD.pack(OPT, MOST_BYTES, flags, 0)


def _refused(message: bytes, flags: int, problem: int) -> Question:
    return Question(id=message[:2], flags=flags, name="", type=0, klass=0, raw=b"", problem=problem)
