"""What a VPC gateway is told, whole, each time something changes: one line of JSON, checked before it is applied.

::

    {"cidrs": ["10.0.0.0/16"],
     "subnets": [{"gateway_address": "10.0.1.1", "prefix_length": 24}],
     "dns_address": "10.0.0.2",
     "private_domain": "ec2.internal",
     "zones": ["local"],
     "records": [{"name": "web.local", "type": "A", "ttl": 60, "values": ["10.0.1.5", "10.0.1.6"]}]}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from dnslib import AAAA, CNAME, PTR, RD, SRV, TXT, A

MAX_RECORDS = 50_000
MAX_TTL_S = 2_147_483_647


class ConfigurationError(ValueError):
    """The gateway was told something that makes no sense; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet by its gateway's address in it."""

    gateway_address: IPv4Address
    prefix_length: int


@dataclass(frozen=True, kw_only=True)
class RecordSet:
    """A name's records of one type. ``name`` is in lower case without the last dot; ``data`` is ready for the wire."""

    name: str
    type: str
    ttl_s: int
    data: tuple[RD, ...]


@dataclass(frozen=True, kw_only=True)
class VpcConfiguration:
    """A VPC's addresses and names. Zones are those that the gateway answers for with authority."""

    cidrs: tuple[IPv4Network, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    dns_address: IPv4Address | None = None
    private_domain: str = "ec2.internal"
    zones: frozenset[str] = frozenset()
    records: tuple[RecordSet, ...] = ()

    @classmethod
    def from_json(cls, document: Any) -> "VpcConfiguration":
        """Read what ``json.loads`` gave. Raises ConfigurationError."""
        try:
            records = document["records"]
            if len(records) > MAX_RECORDS:
                raise ConfigurationError(f"{len(records)} records; at most {MAX_RECORDS} are taken")
            return cls(
                cidrs=tuple(IPv4Network(cidr) for cidr in document["cidrs"]),
                subnets=tuple(
                    Subnet(
                        gateway_address=IPv4Address(subnet["gateway_address"]),
                        prefix_length=_within(subnet["prefix_length"], 8, 30),
                    )
                    for subnet in document["subnets"]
                ),
                dns_address=IPv4Address(document["dns_address"]),
                private_domain=normal(document["private_domain"]),
                zones=frozenset(normal(zone) for zone in document["zones"]),
                records=tuple(_record_set(record) for record in records),
            )
        except ConfigurationError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigurationError(f"{type(error).__name__}: {error}") from error


def normal(name: str) -> str:
    """A domain name as it is compared: lower case, no last dot."""
    return name.lower().rstrip(".")


def _record_set(record: Mapping[str, Any]) -> RecordSet:
    make = _DATA[record["type"]]
    return RecordSet(
        name=normal(record["name"]),
        type=record["type"],
        ttl_s=_within(record["ttl"], 0, MAX_TTL_S),
        data=tuple(make(value) for value in record["values"]),
    )


def _service(value: str) -> SRV:
    priority, weight, port, target = value.split()
    return SRV(int(priority), int(weight), int(port), target)


def _within(value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise ConfigurationError(f"{value} is not between {least} and {most}")
    return value


_DATA = {
    "A": lambda value: A(str(IPv4Address(value))),
    "AAAA": AAAA,
    "CNAME": CNAME,
    "PTR": PTR,
    "SRV": _service,
    "TXT": TXT,
}
