"""What a VPC gateway is told, by one line of JSON that is checked before it is applied.

A configuration is whole::

    {"cidrs": ["10.0.0.0/16"],
     "subnets": [{"gateway_address": "10.0.1.1", "prefix_length": 24, "table": "rtb-1", "acl": "acl-1"}],
     "tables": {"rtb-1": [["0.0.0.0-9.255.255.255", "igw-1"], ["10.0.0.0-10.0.255.255", "local"]]},
     "ways": {"local": {"kind": "local"}, "igw-1": {"kind": "internet"}, "nat-1": {"kind": "nat", "acl": "acl-1"},
              "pcx-1": {"kind": "peering", "gateway": "198.19.0.5"}, "vpce-1": {"kind": "service"}},
     "peers": [{"gateway": "198.19.0.5", "cidrs": ["10.1.0.0/16"]}],
     "acls": {"acl-1": {"ingress": [["meta nfproto ipv4", true]], "egress": [["ip daddr 10.9.0.0/16", false]]}},
     "public_addresses": ["10.0.1.5"],
     "groups": {"sg_1": ["10.0.1.5", "10.0.1.6"]},
     "filters": {"sg-1": {"ingress": ["ip saddr @sg_1 tcp dport 80"], "egress": [], "groups": ["sg_1"]}},
     "interfaces": {"eni-1": {"address": "10.0.1.5", "token": "...", "filter": "sg-1"}},
     "endpoints": [{"address": "10.0.1.9", "ingress": ["ip saddr @sg_1 tcp dport 443"]}],
     "dns_address": "10.0.0.2",
     "private_domain": "ec2.internal",
     "services": ["sqs", "dynamodb"],
     "zones": [{"name": "local", "version": 7, "records": [
         {"name": "web.local", "type": "A", "ttl": 60, "values": ["10.0.1.5", "10.0.1.6"]}]}]}

``tables`` have disjoint ranges of addresses; what is in none of them has no route. ``acls`` are lines in order, each
with whether it allows. Rules are in nftables' words, without a verdict. ``dns_address`` is null where the VPC has no
DNS support. Changes of names go ahead of the next configuration::

    {"changes": [{"zone": "local", "version": 8, "names": {"web.local": [{...}], "gone.local": []}}]}

Versions tell what is newer: a configuration that was read before a change does not take that back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from sidecar.records import RecordError, RecordSet, normal, read_record_set

MAX_RECORDS = 50_000


class ConfigurationError(ValueError):
    """The gateway was told something that makes no sense; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet by its gateway's address in it, its route table and its network ACL."""

    gateway_address: IPv4Address
    prefix_length: int
    table: str = ""
    acl: str = ""

    @property
    def cidr(self) -> IPv4Network:
        return IPv4Network((self.gateway_address, self.prefix_length), strict=False)


@dataclass(frozen=True, kw_only=True)
class Way:
    """Where a route leads. ``gateway`` is a peered VPC's on the uplink, ``acl`` that of a NAT gateway's subnet."""

    kind: str
    gateway: IPv4Address | None = None
    acl: str = ""


WAY_KINDS = ("local", "internet", "nat", "peering", "service")


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A peered VPC: its gateway on the uplink, and its blocks."""

    gateway: IPv4Address
    cidrs: tuple[IPv4Network, ...]


@dataclass(frozen=True, kw_only=True)
class NetworkAcl:
    """A network ACL: rules in the order in which they are tried, and whether each allows."""

    ingress: tuple[tuple[str, bool], ...] = ()
    egress: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What security groups allow, in nftables' words; ``groups`` are the sets that the rules name."""

    ingress: tuple[str, ...] = ()
    egress: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Interface:
    """An interface whose namespace takes a filter, once it has shown the token."""

    address: IPv4Address
    token: str = field(repr=False)
    filter: str


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A VPC endpoint's interface: Simfra answers there, to those whom the rules allow."""

    address: IPv4Address
    ingress: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A zone that the gateway answers for with authority."""

    name: str
    version: int
    records: tuple[RecordSet, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ZoneChange:
    """The names of a zone that changed, by their record sets as they are now.

    ``is_whole``: they are all that there is. ``is_gone``: the zone itself is no longer there.
    """

    zone: str
    version: int
    names: Mapping[str, tuple[RecordSet, ...]] = field(default_factory=dict)
    is_whole: bool = False
    is_gone: bool = False

    @classmethod
    def from_json(cls, document: Any) -> "ZoneChange":
        """Read one of the ``changes``. Raises ConfigurationError."""
        try:
            names = document.get("names", {})
            if sum(map(len, names.values())) > MAX_RECORDS:
                raise ConfigurationError(f"A change has more than {MAX_RECORDS} records")
            return cls(
                zone=normal(document["zone"]),
                version=int(document["version"]),
                names={
                    normal(name): tuple(read_record_set(record) for record in records)
                    for name, records in names.items()
                },
                is_whole=bool(document.get("whole")),
                is_gone=bool(document.get("gone")),
            )
        except ConfigurationError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecordError) as error:
            raise ConfigurationError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, kw_only=True)
class VpcConfiguration:
    """A VPC's addresses and names. ``services`` are the AWS services whose endpoints are Simfra's."""

    cidrs: tuple[IPv4Network, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    dns_address: IPv4Address | None = None
    private_domain: str = "ec2.internal"
    services: frozenset[str] = frozenset()
    tables: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    ways: Mapping[str, Way] = field(default_factory=dict)
    peers: tuple[Peer, ...] = ()
    acls: Mapping[str, NetworkAcl] = field(default_factory=dict)
    public_addresses: tuple[IPv4Address, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    groups: Mapping[str, frozenset[IPv4Address]] = field(default_factory=dict)
    filters: Mapping[str, Rules] = field(default_factory=dict)
    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    zones: tuple[Zone, ...] = ()

    @classmethod
    def from_json(cls, document: Any) -> "VpcConfiguration":
        """Read what ``json.loads`` gave. Raises ConfigurationError."""
        try:
            if sum(len(zone["records"]) for zone in document["zones"]) > MAX_RECORDS:
                raise ConfigurationError(f"At most {MAX_RECORDS} records are taken")
            dns_address = document["dns_address"]
            return cls(
                cidrs=tuple(IPv4Network(cidr) for cidr in document["cidrs"]),
                subnets=tuple(
                    Subnet(
                        gateway_address=IPv4Address(subnet["gateway_address"]),
                        prefix_length=_prefix_length(subnet["prefix_length"]),
                        table=_known(subnet["table"], document["tables"]),
                        acl=_known(subnet["acl"], document["acls"]),
                    )
                    for subnet in document["subnets"]
                ),
                dns_address=None if dns_address is None else IPv4Address(dns_address),
                private_domain=normal(document["private_domain"]),
                services=frozenset(document.get("services", ())),
                tables={name: tuple(_range(*each) for each in ranges) for name, ranges in document["tables"].items()},
                ways={name: _way(way, document["acls"]) for name, way in document["ways"].items()},
                peers=tuple(
                    Peer(gateway=IPv4Address(peer["gateway"]), cidrs=tuple(map(IPv4Network, peer["cidrs"])))
                    for peer in document["peers"]
                ),
                acls={
                    name: NetworkAcl(ingress=_lines(acl["ingress"]), egress=_lines(acl["egress"]))
                    for name, acl in document["acls"].items()
                },
                public_addresses=tuple(map(IPv4Address, document["public_addresses"])),
                endpoints=tuple(
                    Endpoint(address=IPv4Address(each["address"]), ingress=tuple(map(_rule, each["ingress"])))
                    for each in document["endpoints"]
                ),
                groups={_name(name): frozenset(map(IPv4Address, each)) for name, each in document["groups"].items()},
                filters={name: _rules(each, document["groups"]) for name, each in document["filters"].items()},
                interfaces={
                    name: Interface(
                        address=IPv4Address(each["address"]),
                        token=str(each["token"]),
                        filter=_known(each["filter"], document["filters"]),
                    )
                    for name, each in document["interfaces"].items()
                },
                zones=tuple(_zone(zone) for zone in document["zones"]),
            )
        except ConfigurationError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecordError) as error:
            raise ConfigurationError(f"{type(error).__name__}: {error}") from error

    def routing_part(self) -> "VpcConfiguration":
        """What routing depends on: names and the interfaces' filters change often, and need no new rules."""
        groups = self.groups if self.endpoints else {}
        return replace(self, zones=(), services=frozenset(), groups=groups, filters={}, interfaces={})


def _zone(document: Mapping[str, Any]) -> Zone:
    return Zone(
        name=normal(document["name"]),
        version=int(document["version"]),
        records=tuple(read_record_set(record) for record in document["records"]),
    )


def _prefix_length(value: int) -> int:
    if not 8 <= value <= 30:
        raise ConfigurationError(f"{value} is not between 8 and 30")
    return value


def _known(name: Any, names: Any) -> str:
    if name not in names:
        raise ConfigurationError(f"There is no {name}")
    return str(name)


def _way(document: Mapping[str, Any], acls: Any) -> Way:
    if document["kind"] not in WAY_KINDS:
        raise ConfigurationError(f"There is no way of the kind {document['kind']}")
    gateway = document.get("gateway")
    return Way(
        kind=document["kind"],
        gateway=None if gateway is None else IPv4Address(gateway),
        acl=_known(document["acl"], acls) if document["kind"] == "nat" else "",
    )


def _range(addresses: str, way: str) -> tuple[str, str]:
    for address in addresses.split("-", 1):
        IPv4Address(address)
    return addresses, str(way)


def _lines(document: Any) -> tuple[tuple[str, bool], ...]:
    return tuple((_rule(rule), bool(is_allowed)) for rule, is_allowed in document)


def _rules(document: Mapping[str, Any], groups: Any) -> Rules:
    return Rules(
        ingress=tuple(map(_rule, document["ingress"])),
        egress=tuple(map(_rule, document["egress"])),
        groups=tuple(_known(group, groups) for group in document["groups"]),
    )


def _rule(text: Any) -> str:
    """A rule is one line: a namespace takes it as a command, and would take the rest for another one."""
    if not isinstance(text, str) or not text.isprintable() or any(character in text for character in ';"#\\'):
        raise ConfigurationError(f"{text!r} is no rule")
    return text


def _name(text: str) -> str:
    if not text.isascii() or not text.replace("_", "").isalnum():
        raise ConfigurationError(f"{text!r} is no name of a set")
    return text
