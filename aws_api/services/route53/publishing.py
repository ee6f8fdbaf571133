"""Zones and record sets as the resolvers of VPCs have them, and telling those of changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from django.db.models import QuerySet

from aws_api.core.context import Context
from aws_api.core.dns import DnsRecord, DnsZone, RecordPolicy, VpcReference, ZoneChange, names_changed
from aws_api.services.route53.models import HostedZone, RecordSet, ZoneVpc
from aws_api.services.route53.names import plain

#: The types that the resolver serves.
_SERVED = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")
_ALIAS_TTL_S = 60


class Route53Zones:
    """The zones that a VPC sees: its private ones, and the account's public ones."""

    def zones(self, vpc: VpcReference) -> Iterable[DnsZone]:
        private = HostedZone.objects.filter(
            is_private=True, vpcs__account_id=vpc.account_id, vpcs__region=vpc.region, vpcs__vpc_id=vpc.vpc_id
        )
        public = HostedZone.objects.filter(is_private=False, account_id=vpc.account_id)
        for zone in (*private.order_by("pk"), *public.order_by("pk")):
            yield DnsZone(name=plain(zone.name), version=zone.version, records=tuple(_records(zone.record_sets)))


def lock(zone: HostedZone) -> HostedZone:
    """The zone for this transaction alone: changes of one zone come one after the other."""
    return HostedZone.objects.select_for_update().get(pk=zone.pk)


def advance(context: Context, zone: HostedZone) -> None:
    """Give a locked zone its next version: larger than any of a zone that had its name before."""
    zone.version = max(zone.version + 1, context.clock.epoch_ms())
    HostedZone.objects.filter(pk=zone.pk).update(version=zone.version)


def publish_names(zone: HostedZone, names: Iterable[str]) -> None:
    """Tell of names of a zone (canonical) whose records changed."""
    changed = sorted(set(names))
    records: dict[str, list[DnsRecord]] = {plain(name): [] for name in changed}
    for record in _records(zone.record_sets.filter(name__in=changed)):
        records[record.name].append(record)
    _tell(zone, None, ZoneChange(zone=plain(zone.name), version=zone.version, names=records))


def publish_zone(zone: HostedZone, vpcs: Sequence[VpcReference] | None = None) -> None:
    """Tell VPCs (all that see the zone) everything that is in it."""
    records: dict[str, list[DnsRecord]] = {}
    for record in _records(zone.record_sets):
        records.setdefault(record.name, []).append(record)
    _tell(zone, vpcs, ZoneChange(zone=plain(zone.name), version=zone.version, names=records, is_whole=True))


def publish_end(zone: HostedZone, vpcs: Sequence[VpcReference] | None = None) -> None:
    """Tell VPCs (all that see it) that they see the zone no longer."""
    _tell(zone, vpcs, ZoneChange(zone=plain(zone.name), version=zone.version, is_gone=True))


def vpcs_of(zone: HostedZone) -> list[VpcReference]:
    """The VPCs that see a private zone."""
    return [reference(row) for row in zone.vpcs.order_by("pk")]


def reference(row: ZoneVpc) -> VpcReference:
    return VpcReference(account_id=row.account_id, region=row.region, vpc_id=row.vpc_id)


def _tell(zone: HostedZone, vpcs: Sequence[VpcReference] | None, change: ZoneChange) -> None:
    if zone.is_private:
        names_changed(zone.account_id, vpcs_of(zone) if vpcs is None else vpcs, change)
        return
    if HostedZone.objects.filter(account_id=zone.account_id, name=zone.name).exclude(pk=zone.pk).exists():
        # Which of them a VPC sees is found out by who reads them all.
        change = ZoneChange(zone=change.zone, version=change.version)
    names_changed(zone.account_id, None, change)


def _records(rows: "QuerySet[RecordSet] | Any") -> Iterator[DnsRecord]:
    served = rows.filter(type__in=_SERVED, is_healthy=True).order_by("sort_name", "type", "set_identifier")
    for _, group in groupby(served, key=lambda row: (row.sort_name, row.type)):
        yield from map(_record, _chosen(list(group)))


def _chosen(same: list[RecordSet]) -> list[RecordSet]:
    """Of the sets with a name and type, those that answers are made of."""
    first: Mapping[str, Any] = same[0].document
    if "Failover" in first:
        return [next((row for row in same if row.document.get("Failover") == "PRIMARY"), same[0])]
    if "Weight" in first or "MultiValueAnswer" in first:
        return same
    return same[:1]


def _record(row: RecordSet) -> DnsRecord:
    document: Mapping[str, Any] = row.document
    policy = RecordPolicy.SIMPLE
    if "Weight" in document:
        policy = RecordPolicy.WEIGHTED
    elif "MultiValueAnswer" in document:
        policy = RecordPolicy.MULTIVALUE
    return DnsRecord(
        name=plain(row.name),
        type=row.type,
        ttl_s=document.get("TTL", _ALIAS_TTL_S),
        values=tuple(record["Value"] for record in document.get("ResourceRecords", ())),
        policy=policy,
        weight=document.get("Weight", 1),
        alias=plain(document.get("AliasTarget", {}).get("DNSName", "")),
    )
