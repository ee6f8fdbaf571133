"""What the VPC's resolver knows: private zones, the private names of addresses, and a few names of Simfra's own.

Answers are DNS messages on the wire; what is not known here is None, and is asked upstream.
"""

import random
import re
from ipaddress import AddressValueError, IPv4Address

from dnslib import CNAME, PTR, QTYPE, RCODE, RR, SOA, A, DNSRecord

from sidecar.configuration import RecordSet, VpcConfiguration, normal

#: As many as Route 53 puts into a multivalue answer.
MAX_VALUES = 8
MAX_CNAMES = 8
#: How long a missing name may be remembered; names appear as tasks start.
NEGATIVE_TTL_S = 5
_OWN_TTL_S = 60
_PRIVATE_NAME = re.compile(r"ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})\.(.+)")
_REVERSE_SUFFIX = ".in-addr.arpa"


class Names:
    """The names of one configuration."""

    def __init__(self, configuration: VpcConfiguration, version: int) -> None:
        self._configuration = configuration
        self._version = version
        self._records: dict[str, dict[str, RecordSet]] = {}
        for record in configuration.records:
            self._records.setdefault(record.name, {})[record.type] = record
        if configuration.subnets:
            own = A(str(configuration.subnets[0].gateway_address))
            self._add(RecordSet(name="simfra.local", type="A", ttl_s=_OWN_TTL_S, data=(own,)))

    def _add(self, record: RecordSet) -> None:
        self._records.setdefault(record.name, {})[record.type] = record

    def answer(self, request: DNSRecord) -> DNSRecord | None:
        """The answer to a question, or None where upstream must know."""
        question = request.q
        name = normal(str(question.qname))
        wanted = QTYPE.get(question.qtype, str(question.qtype))
        zone = self._zone(name)
        if zone is None:
            return None
        reply = request.reply(ra=1, aa=1)
        exists = self._follow(reply, name, wanted)
        if not reply.rr:
            if not exists:
                reply.header.rcode = RCODE.NXDOMAIN
            times = (self._version, 7200, 900, 1_209_600, NEGATIVE_TTL_S)
            authority = SOA(f"ns.{zone or 'simfra.local'}", f"hostmaster.{zone or 'simfra.local'}", times)
            reply.add_auth(RR(zone or ".", QTYPE.SOA, rdata=authority, ttl=NEGATIVE_TTL_S))
        return reply

    def _follow(self, reply: DNSRecord, name: str, wanted: str) -> bool:
        """Add a name's records to a reply, through its aliases. False where there is no such name."""
        exists = False
        for _ in range(MAX_CNAMES):
            sets = self._sets(name)
            exists = exists or bool(sets)
            alias = sets.get("CNAME")
            if alias is None or wanted == "CNAME":
                for record in sets.values() if wanted == "ANY" else filter(None, (sets.get(wanted),)):
                    self._add_values(reply, name, record)
                break
            reply.add_answer(RR(name, QTYPE.CNAME, rdata=alias.data[0], ttl=alias.ttl_s))
            target = alias.data[0]
            assert isinstance(target, CNAME)
            name = normal(str(target.label))
        return exists

    def _add_values(self, reply: DNSRecord, name: str, record: RecordSet) -> None:
        for data in random.sample(record.data, min(MAX_VALUES, len(record.data))):
            reply.add_answer(RR(name, getattr(QTYPE, record.type), rdata=data, ttl=record.ttl_s))
            if record.type == "SRV":
                target = normal(str(data.target))
                for address in self._sets(target).values():
                    if address.type == "A":
                        for value in address.data:
                            reply.add_ar(RR(target, QTYPE.A, rdata=value, ttl=address.ttl_s))

    def _sets(self, name: str) -> dict[str, RecordSet]:
        """A name's records by type: its own, computed ones, or those of the wildcard above it."""
        known = self._records.get(name) or self._computed(name)
        if known:
            return known
        _, _, parent = name.partition(".")
        return self._records.get(f"*.{parent}", {}) if parent else {}

    def _computed(self, name: str) -> dict[str, RecordSet]:
        if name == "localhost" or name.endswith(".localhost"):
            return {"A": RecordSet(name=name, type="A", ttl_s=_OWN_TTL_S, data=(A("127.0.0.1"),))}
        match = _PRIVATE_NAME.fullmatch(name)
        if match and match[5] == self._configuration.private_domain:
            address = _address(".".join(match.group(1, 2, 3, 4)))
            if address is not None and self._is_inside(address):
                return {"A": RecordSet(name=name, type="A", ttl_s=_OWN_TTL_S, data=(A(str(address)),))}
        if name.endswith(_REVERSE_SUFFIX):
            address = _reverse(name)
            if address is not None and self._is_inside(address):
                own = f"ip-{str(address).replace('.', '-')}.{self._configuration.private_domain}"
                return {"PTR": RecordSet(name=name, type="PTR", ttl_s=_OWN_TTL_S, data=(PTR(own),))}
        return {}

    def _zone(self, name: str) -> str | None:
        """The zone that decides about a name, or None where that is upstream's."""
        if "." not in name:
            # Docker's resolver, which is upstream, knows containers by such names; a VPC does not.
            return name if name == "localhost" else ""
        zone = name
        while zone:
            if zone in self._configuration.zones or zone in ("simfra.local", self._configuration.private_domain):
                return zone
            _, _, zone = zone.partition(".")
        return name if self._computed(name) or name in self._records else None

    def _is_inside(self, address: IPv4Address) -> bool:
        return any(address in cidr for cidr in self._configuration.cidrs)


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def _reverse(name: str) -> IPv4Address | None:
    return _address(".".join(reversed(name.removesuffix(_REVERSE_SUFFIX).split("."))))
