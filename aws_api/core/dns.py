"""The names that tasks in a VPC resolve: who provides zones, who keeps hosted zones, and who hears of changes.

A service that has names for VPCs registers a :class:`ZoneProvider`; the service that runs VPCs collects from all of
them. Whoever changes a name calls :func:`names_changed`, with the changed names as they now are. Losing that costs
seconds, never correctness: the reconciler of the VPC's network compares what the resolver was told with all there is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

from django.db import transaction

from aws_api.core.context import Context


class RecordPolicy(StrEnum):
    """How an answer is chosen where several record sets have the same name and type."""

    SIMPLE = "simple"  # all values
    MULTIVALUE = "multivalue"  # up to eight of all sets' values
    WEIGHTED = "weighted"  # one set, by its weight


@dataclass(frozen=True, kw_only=True)
class DnsRecord:
    """A record set of a zone. ``name`` has no last dot; ``values`` are as in zone files (``1 10 8080 a.local``).

    ``alias`` names whose records of the same type are answered instead of values.
    """

    name: str
    type: str
    ttl_s: int
    values: tuple[str, ...] = ()
    policy: RecordPolicy = RecordPolicy.SIMPLE
    weight: int = 1
    alias: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the resolver reads it (sidecar/configuration.py)."""
        return {
            "name": self.name,
            "type": self.type,
            "ttl": self.ttl_s,
            "values": list(self.values),
            "policy": self.policy.value,
            "weight": self.weight,
            "alias": self.alias,
        }


@dataclass(frozen=True, kw_only=True)
class DnsZone:
    """A zone that the resolver answers for with authority. ``version`` grows with every change of the zone."""

    name: str
    version: int
    records: tuple[DnsRecord, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "records": [record.to_json() for record in self.records],
        }


@dataclass(frozen=True, kw_only=True)
class VpcReference:
    """A VPC, from wherever it is seen."""

    account_id: str
    region: str
    vpc_id: str


@dataclass(frozen=True, kw_only=True)
class ZoneChange:
    """What changed in a zone: the names by their records as they are now, none for a name that is gone.

    ``is_whole``: the names are all that the zone has. ``is_gone``: the zone itself is no longer there.
    """

    zone: str
    version: int
    names: Mapping[str, Sequence[DnsRecord]] = field(default_factory=dict)
    is_whole: bool = False
    is_gone: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "zone": self.zone,
            "version": self.version,
            "names": {name: [record.to_json() for record in records] for name, records in self.names.items()},
            "whole": self.is_whole,
            "gone": self.is_gone,
        }


# Who has names --------------------------------------------------------------------------------------------------------


class ZoneProvider(Protocol):
    """Has zones for VPCs."""

    def zones(self, vpc: VpcReference) -> Iterable[DnsZone]:
        """The zones that tasks in a VPC see, with everything in them."""


_providers: list[ZoneProvider] = []


def register_zone_provider(provider: ZoneProvider) -> None:
    """Add a provider; called by a service's ``ports`` module."""
    _providers.append(provider)


def zones_of(vpc: VpcReference) -> list[DnsZone]:
    """All zones that tasks in a VPC see, by name; the provider that came first has a name's zone."""
    found: dict[str, DnsZone] = {}
    for provider in _providers:
        for zone in provider.zones(vpc):
            found.setdefault(zone.name, zone)
    return [found[name] for name in sorted(found)]


# Who hears of changes -------------------------------------------------------------------------------------------------

#: Told after the commit: the VPCs (None: every VPC of the account), the account, and the change.
NamesListener = Callable[[str, Sequence[VpcReference] | None, ZoneChange], None]
_listeners: list[NamesListener] = []


def listen_to_names(listener: NamesListener) -> NamesListener:
    """Call a function for each change of names, after its commit. Usable as a decorator."""
    _listeners.append(listener)
    return listener


def names_changed(account_id: str, vpcs: Sequence[VpcReference] | None, change: ZoneChange) -> None:
    """Tell of a change once the current transaction is committed."""
    transaction.on_commit(partial(_deliver, account_id, vpcs, change), robust=True)


def _deliver(account_id: str, vpcs: Sequence[VpcReference] | None, change: ZoneChange) -> None:
    for listener in _listeners:
        listener(account_id, vpcs, change)


# Who keeps hosted zones -----------------------------------------------------------------------------------------------


class ZoneExists(Exception):
    """The VPC sees another zone of this name already; the message says which, as Route 53 words it."""


@dataclass(frozen=True, kw_only=True)
class ManagedRecord:
    """A record set that a service keeps in a hosted zone of its own. ``identifier`` tells it from others of its name
    and type; ``is_healthy`` False keeps it out of answers."""

    record: DnsRecord
    identifier: str = ""
    is_healthy: bool = True
    alias_zone_id: str = ""


class HostedZones(Protocol):
    """Keeps the hosted zones of services that make their own, as Cloud Map does. Works in the caller's transaction."""

    def create(
        self, context: Context, *, name: str, vpc: VpcReference | None, comment: str, owner: str, soa_ttl_s: int
    ) -> str:
        """Make a zone, private where a VPC is given, and answer its id. ``owner`` is the service that manages it
        (``servicediscovery.amazonaws.com``). Raises ZoneExists, and AwsError for a VPC that is not there."""

    def set_soa_ttl(self, context: Context, zone_id: str, ttl_s: int) -> None:
        """Change how long a missing name of the zone may be remembered."""

    def delete(self, context: Context, zone_id: str) -> None:
        """Delete a zone and what is in it. Deleting twice is harmless."""

    def put(self, context: Context, zone_id: str, key: str, records: Sequence[ManagedRecord]) -> None:
        """Make the record sets kept under a key these, and no others."""


_hosted_zones: HostedZones | None = None


def register_hosted_zones(hosted_zones: HostedZones) -> None:
    """Set the keeper; called when the route53 service's app is ready."""
    global _hosted_zones  # noqa: PLW0603 - there is one
    _hosted_zones = hosted_zones


def hosted_zones() -> HostedZones:
    """The registered keeper."""
    assert _hosted_zones is not None, "no service keeps hosted zones"
    return _hosted_zones
