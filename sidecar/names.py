"""What the VPC's resolver knows: private zones, the private names of addresses, and names of Simfra's own.

Zones change by themselves between configurations; each name remembers the version of its last change, so that what is
older takes nothing back. What is not known here is None, and is asked upstream.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import AddressValueError, IPv4Address

from dnslib import CNAME, PTR, QTYPE, RCODE, RD, RR, SOA, A, DNSLabel

from sidecar.configuration import VpcConfiguration, Zone, ZoneChange
from sidecar.messages import Answer, Question
from sidecar.records import Policy, RecordSet, normal

#: As many as Route 53 puts into a multivalue answer.
MAX_VALUES = 8
MAX_CNAMES = 8
#: How long a missing name may be remembered; names appear as tasks start.
NEGATIVE_TTL_S = 5
OWN_NAME = "simfra.local"
_OWN_TTL_S = 60
#: How many orders of an answer's values are worth having, and how many picks where sets are chosen by weight.
_ORDERS, _PICKS = 16, 64
_PRIVATE_NAME = re.compile(r"ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})\.(.+)")
_REVERSE_SUFFIX = ".in-addr.arpa"
_ENDPOINT = re.compile(r"(?:.+?\.)??([a-z0-9-]+)(?:\.[a-z]{2}(?:-[a-z]+)+-\d)?(?:\.vpce)?\.(?:amazonaws\.com|api\.aws)")

#: A name's record sets by type.
_Sets = dict[str, list[RecordSet]]


class _Zone:
    """A zone as it is now: its names, each with the version of its last change, and the names above those."""

    def __init__(self, name: str, version: int) -> None:
        self.name = name
        self.version = version
        self._names: dict[str, tuple[int, _Sets]] = {}
        self._above: Counter[str] = Counter()

    @classmethod
    def of(cls, zone: Zone, before: "_Zone | None") -> "_Zone":
        """The zone of a configuration. Names that changed after that was read stay as they are."""
        made = cls(zone.name, zone.version)
        sets: dict[str, list[RecordSet]] = {}
        for record in zone.records:
            sets.setdefault(record.name, []).append(record)
        for name, records in sets.items():
            made.put(name, records, zone.version)
        if before is not None:
            made.version = max(made.version, before.version)
            for name, (version, by_type) in before._names.items():
                if version > zone.version:
                    made.put(name, [record for same in by_type.values() for record in same], version)
        return made

    def put(self, name: str, records: Iterable[RecordSet], version: int) -> None:
        """Make a name's record sets these; none leaves a trace of the version, until the next configuration."""
        known = self._names.get(name)
        if known is not None and known[0] > version:
            return
        by_type: _Sets = {}
        for record in records:
            by_type.setdefault(record.type, []).append(record)
        self._names[name] = (version, by_type)
        self.version = max(self.version, version)
        step = bool(by_type) - bool(known and known[1])
        for above in _above(name):
            self._above[above] += step

    def find(self, name: str) -> _Sets | None:
        """The name's record sets, or those of the wildcard that covers it; None where there is no such name."""
        _, sets = self._names.get(name, (0, None))
        if sets or name == self.name:
            return sets or {}
        if self._above[name] > 0:
            return {}
        for above in _above(name):
            _, sets = self._names.get(f"*.{above}", (0, None))
            if sets:
                return sets
            if above == self.name or self._above[above] > 0:
                break
        return None

    @property
    def authority(self) -> RR:
        """The zone's SOA record, as answers of nothing carry it."""
        for record in self.find(self.name) or {}:
            if record == "SOA":
                (own,) = (self.find(self.name) or {})["SOA"]
                data = own.data[0]
                assert isinstance(data, SOA)
                return RR(self.name, QTYPE.SOA, rdata=data, ttl=min(own.ttl_s, data.times[4]))
        return _authority(self.name, self.version)


class Names:
    """The names of a VPC."""

    def __init__(self, configuration: VpcConfiguration | None = None) -> None:
        self._configuration = VpcConfiguration()
        self._zones: dict[str, _Zone] = {}
        self._own: RecordSet | None = None
        self.replace(configuration or self._configuration)

    def replace(self, configuration: VpcConfiguration) -> None:
        """Know what a configuration says."""
        self._configuration = configuration
        self._zones = {zone.name: _Zone.of(zone, self._zones.get(zone.name)) for zone in configuration.zones}
        self._own = None
        if configuration.subnets:
            address = A(str(configuration.subnets[0].gateway_address))
            self._own = RecordSet(name=OWN_NAME, type="A", ttl_s=_OWN_TTL_S, data=(address,))

    def change(self, changes: Sequence[ZoneChange]) -> None:
        """Know what changed. A change of a zone that is not here waits for the next configuration."""
        for change in changes:
            zone = self._zones.get(change.zone)
            if change.is_gone:
                if zone is not None and zone.version <= change.version:
                    del self._zones[change.zone]
                continue
            if change.is_whole:
                records = tuple(record for same in change.names.values() for record in same)
                whole = Zone(name=change.zone, version=change.version, records=records)
                self._zones[change.zone] = _Zone.of(whole, zone)
            elif zone is not None:
                for name, sets in change.names.items():
                    zone.put(name, sets, change.version)

    def answer(self, question: Question) -> Answer | None:
        """The answer to a question, or None where upstream must know."""
        name = normal(question.name)
        zone = self._zone(name)
        if zone is None:
            return None
        found = _Found(question)
        exists = self._follow(found, name, question.type_name, question.label)
        if found.records:
            return found.answer()
        authority = zone.authority if isinstance(zone, _Zone) else _authority(zone, 1)
        return Answer(rcode=0 if exists else RCODE.NXDOMAIN, authority=(authority,))

    def _follow(self, found: "_Found", name: str, wanted: str, label: DNSLabel) -> bool:
        """Add a name's records, through its canonical names. False where there is no such name."""
        exists = False
        for _ in range(MAX_CNAMES):
            sets = self._sets(name)
            if sets is None:
                break
            exists = True
            canonical = sets.get("CNAME")
            if canonical is None or wanted in ("CNAME", "ANY"):
                for type_ in sets if wanted == "ANY" else (wanted,):
                    self._add(found, sets.get(type_, ()), label)
                break
            record = found.pick(canonical)
            if not record.data:
                break
            found.records.append(RR(label, QTYPE.CNAME, rdata=record.data[0], ttl=record.ttl_s))
            target = record.data[0]
            assert isinstance(target, CNAME)
            name, label = normal(str(target.label)), target.label
        return exists

    def _add(self, found: "_Found", sets: Sequence[RecordSet], label: DNSLabel) -> None:
        for data, type_, ttl_s in found.values(self._through_aliases(sets, found)):
            found.records.append(RR(label, getattr(QTYPE, type_), rdata=data, ttl=ttl_s))
            if type_ == "SRV":
                for address in (self._sets(normal(str(data.target))) or {}).get("A", ()):
                    found.additional.extend(
                        RR(data.target, QTYPE.A, rdata=value, ttl=address.ttl_s) for value in address.data
                    )

    def _through_aliases(self, sets: Sequence[RecordSet], found: "_Found") -> Sequence[RecordSet]:
        """The record sets that stand behind aliases."""
        for _ in range(MAX_CNAMES):
            if not any(record.alias for record in sets):
                return sets
            if sets[0].policy is Policy.WEIGHTED:
                sets = (found.pick(sets),)
            behind: list[RecordSet] = []
            for record in sets:
                if not record.alias:
                    behind.append(record)
                    continue
                behind.extend((self._sets(record.alias) or {}).get(record.type, ()))
            sets = behind
        return ()

    def _sets(self, name: str) -> _Sets | None:
        """A name's record sets by type, None where it is not known here."""
        zone = self._zones.get(self._zone_name(name) or "")
        return zone.find(name) if zone is not None else self._computed(name)

    def _computed(self, name: str) -> _Sets | None:
        if name.rpartition(".")[2].endswith("localhost") and name.endswith((".localhost", "-localhost", "localhost")):
            # Also data-localhost: SDKs put some operations' prefix before whatever host they are given.
            return _single(name, A("127.0.0.1"))
        if self._own is not None and (name == OWN_NAME or self._is_endpoint(name)):
            return {"A": [self._own]}
        match = _PRIVATE_NAME.fullmatch(name)
        if match and match[5] == self._configuration.private_domain:
            address = _address(".".join(match.group(1, 2, 3, 4)))
            if address is not None and self._is_inside(address):
                return _single(name, A(str(address)))
        if name.endswith(_REVERSE_SUFFIX):
            address = _reverse(name)
            if address is not None and self._is_inside(address):
                return _single(name, PTR(f"ip-{str(address).replace('.', '-')}.{self._configuration.private_domain}"))
        return {} if name in (OWN_NAME, self._configuration.private_domain) else None

    def _zone(self, name: str) -> "_Zone | str | None":
        """The zone that decides about a name: one with records, the name of another, or None where it is upstream's."""
        own = self._zone_name(name)
        if own is not None:
            return self._zones[own]
        for zone in (OWN_NAME, self._configuration.private_domain):
            if name == zone or name.endswith(f".{zone}"):
                return zone
        if self._computed(name) is not None:
            return name
        # Docker's resolver, which is upstream, knows containers by names without a dot; a VPC does not.
        return "" if "." not in name and name else None

    def _zone_name(self, name: str) -> str | None:
        """The most specific zone with records that a name is in; Simfra's own name is in none, not even ``local``."""
        while name and name != OWN_NAME:
            if name in self._zones:
                return name
            _, _, name = name.partition(".")
        return None

    def _is_endpoint(self, name: str) -> bool:
        """Whether a name is that of an AWS endpoint that Simfra stands for: regional, global, or a VPC endpoint's."""
        match = _ENDPOINT.fullmatch(name)
        return match is not None and match[1].removeprefix("data-") in self._configuration.services

    def _is_inside(self, address: IPv4Address) -> bool:
        return any(address in cidr for cidr in self._configuration.cidrs)


class _Found:
    """An answer as it grows."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self.records: list[RR] = []
        self.additional: list[RR] = []
        self._choices = 1

    def answer(self) -> Answer:
        return Answer(records=self.records, additional=self.additional, choices=self._choices)

    def pick(self, sets: Sequence[RecordSet]) -> RecordSet:
        """One of several record sets, by weight; where all weigh nothing, each is as good."""
        if len(sets) == 1:
            return sets[0]
        self._choices = _PICKS
        weights = [record.weight for record in sets]
        return random.choices(sets, weights if any(weights) else None)[0]

    def values(self, sets: Sequence[RecordSet]) -> Iterator[tuple[RD, str, int]]:
        """The values to answer with, shuffled: of one set, or of up to eight values of all."""
        if not sets:
            return iter(())
        if sets[0].policy is Policy.WEIGHTED:
            sets = (self.pick(sets),)
        values = [(data, record.type, record.ttl_s) for record in sets for data in record.data]
        most = MAX_VALUES if sets[0].policy is Policy.MULTIVALUE else len(values)
        if len(values) > 1:
            self._choices = max(self._choices, _PICKS if len(values) > most else _ORDERS)
        return iter(random.sample(values, min(most, len(values))))


def _above(name: str) -> Iterator[str]:
    """``a.b.local``: ``b.local``, ``local``."""
    while name := name.partition(".")[2]:
        yield name


def _single(name: str, data: RD) -> _Sets:
    type_ = type(data).__name__
    return {type_: [RecordSet(name=name, type=type_, ttl_s=_OWN_TTL_S, data=(data,))]}


def _authority(zone: str, version: int) -> RR:
    times = (version % 2**32, 7200, 900, 1_209_600, NEGATIVE_TTL_S)
    of = zone or OWN_NAME
    return RR(zone or ".", QTYPE.SOA, rdata=SOA(f"ns.{of}", f"hostmaster.{of}", times), ttl=NEGATIVE_TTL_S)


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def _reverse(name: str) -> IPv4Address | None:
    return _address(".".join(reversed(name.removesuffix(_REVERSE_SUFFIX).split("."))))
