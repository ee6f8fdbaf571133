"""What a VPC gateway is told, by one line of JSON that is checked before it is applied.

A configuration is whole::

    {"cidrs": ["10.0.0.0/16"],
     "subnets": [{"gateway_address": "10.0.1.1", "prefix_length": 24}],
     "dns_address": "10.0.0.2",
     "private_domain": "ec2.internal",
     "services": ["sqs", "dynamodb"],
     "zones": [{"name": "local", "version": 7, "records": [
         {"name": "web.local", "type": "A", "ttl": 60, "values": ["10.0.1.5", "10.0.1.6"]}]}]}

``dns_address`` is null where the VPC has no DNS support. Changes of names go ahead of the next configuration::

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
    """A subnet by its gateway's address in it."""

    gateway_address: IPv4Address
    prefix_length: int


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
                    )
                    for subnet in document["subnets"]
                ),
                dns_address=None if dns_address is None else IPv4Address(dns_address),
                private_domain=normal(document["private_domain"]),
                services=frozenset(document.get("services", ())),
                zones=tuple(_zone(zone) for zone in document["zones"]),
            )
        except ConfigurationError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecordError) as error:
            raise ConfigurationError(f"{type(error).__name__}: {error}") from error

    def without_zones(self) -> "VpcConfiguration":
        """What routing depends on: names change often, and need no new rules."""
        return replace(self, zones=())


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
