"""Record sets: from the text of a zone file to data that is ready for the wire."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from dnslib import AAAA, CAA, CNAME, MX, NS, PTR, RD, SOA, SRV, TXT, A, DNSError, DNSLabel

MAX_TTL_S = 2_147_483_647
_QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*')
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_MAX_STRING_BYTES = 255


class RecordError(ValueError):
    """A value is not one of its type."""


class Policy(Enum):
    """How an answer is chosen where several record sets have the same name and type."""

    SIMPLE = "simple"
    MULTIVALUE = "multivalue"
    WEIGHTED = "weighted"


@dataclass(frozen=True, kw_only=True)
class RecordSet:
    """A name's records of one type. ``name`` is in lower case without the last dot; ``data`` is ready for the wire.

    ``alias`` names whose records of the same type are answered instead.
    """

    name: str
    type: str
    ttl_s: int
    data: tuple[RD, ...]
    policy: Policy = Policy.SIMPLE
    weight: int = 1
    alias: str = ""


def normal(name: str) -> str:
    """A domain name as it is compared: lower case, no last dot, the wildcard as a star."""
    return name.lower().rstrip(".").replace("\\052", "*")


def read_record_set(record: Mapping[str, Any]) -> RecordSet:
    """A record set of a configuration. Raises RecordError, or ValueError and its like for what is none."""
    make = _DATA.get(record["type"])
    if make is None:
        raise RecordError(f"{record['type']} is no type of record that is served")
    ttl_s = record["ttl"]
    if not 0 <= ttl_s <= MAX_TTL_S:
        raise RecordError(f"{ttl_s} is not between 0 and {MAX_TTL_S}")
    try:
        data = tuple(make(value) for value in record["values"])
    except DNSError as error:
        raise RecordError(f"{record['name']} {record['type']}: {error}") from error
    return RecordSet(
        name=normal(record["name"]),
        type=record["type"],
        ttl_s=ttl_s,
        data=data,
        policy=Policy(record.get("policy", "simple")),
        weight=int(record.get("weight", 1)),
        alias=normal(record.get("alias") or ""),
    )


def _label(value: str) -> DNSLabel:
    return DNSLabel(value.rstrip(".") or ".")


def _service(value: str) -> SRV:
    priority, weight, port, target = value.split()
    return SRV(int(priority), int(weight), int(port), _label(target))


def _mail(value: str) -> MX:
    preference, exchange = value.split()
    return MX(_label(exchange), int(preference))


def _authority(value: str) -> SOA:
    server, mailbox, *times = value.split()
    return SOA(_label(server), _label(mailbox), tuple(int(time) for time in times))


def _certification(value: str) -> CAA:
    flags, tag, text = value.split(None, 2)
    return CAA(int(flags), tag, text.strip('"'))


def _text(value: str) -> TXT:
    """``"one" "two"`` are two strings; text without quotes is one, however long."""
    if not value.lstrip().startswith('"'):
        whole = value.encode()
        return TXT([whole[at : at + _MAX_STRING_BYTES] for at in range(0, len(whole), _MAX_STRING_BYTES)] or [b""])
    strings, end = [], 0
    for match in _QUOTED.finditer(value):
        if match.start() != end:
            break
        strings.append(_ESCAPE.sub(_unescaped, match[1]).encode("latin-1", "replace"))
        end = match.end()
    if end != len(value) or any(len(string) > _MAX_STRING_BYTES for string in strings):
        raise RecordError(f"not a list of quoted strings of at most {_MAX_STRING_BYTES} bytes: {value}")
    return TXT(strings)


def _unescaped(match: "re.Match[str]") -> str:
    return chr(int(match[1], 8) & 0xFF) if len(match[1]) == 3 else match[1]


_DATA: dict[str, Callable[[str], RD]] = {
    "A": lambda value: A(str(IPv4Address(value))),
    "AAAA": lambda value: AAAA(str(IPv6Address(value))),
    "CAA": _certification,
    "CNAME": lambda value: CNAME(_label(value)),
    "MX": _mail,
    "NS": lambda value: NS(_label(value)),
    "PTR": lambda value: PTR(_label(value)),
    "SOA": _authority,
    "SRV": _service,
    "TXT": _text,
}
#: What a name's records may be of.
TYPES = frozenset(_DATA)
