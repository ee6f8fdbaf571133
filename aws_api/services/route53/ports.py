"""The core's ports for names: the zones that VPCs see, and zones that other services keep."""

from collections.abc import Sequence
from typing import Any

from aws_api.core.context import Context
from aws_api.core.dns import (
    DnsRecord,
    ManagedRecord,
    RecordPolicy,
    VpcReference,
    ZoneExists,
    register_hosted_zones,
    register_zone_provider,
)
from aws_api.core.ids import new_uuid
from aws_api.services.route53.models import HostedZone, RecordSet
from aws_api.services.route53.names import canonical, checked, sort_name
from aws_api.services.route53.publishing import Route53Zones, advance, lock, publish_end, publish_names
from aws_api.services.route53.shapes import ConflictingDomainExists
from aws_api.services.route53.zones import find_zone, make_zone, put_authority


class Route53HostedZones:
    """Zones of the caller's account that a service manages."""

    def create(
        self, context: Context, *, name: str, vpc: VpcReference | None, comment: str, owner: str, soa_ttl_s: int
    ) -> str:
        try:
            zone = make_zone(
                context,
                name=checked(name),
                caller_reference=new_uuid(),
                comment=comment,
                vpc=vpc,
                owner=owner,
                owner_description=comment,
                soa_ttl_s=soa_ttl_s,
            )
        except ConflictingDomainExists as error:
            raise ZoneExists(error.message) from error
        return zone.zone_id

    def set_soa_ttl(self, context: Context, zone_id: str, ttl_s: int) -> None:
        zone = lock(find_zone(context, zone_id))
        put_authority(zone, ttl_s)
        advance(context, zone)
        publish_names(zone, [zone.name])

    def delete(self, context: Context, zone_id: str) -> None:
        for zone in HostedZone.objects.filter(account_id=context.account_id, zone_id=zone_id):
            publish_end(zone)
            zone.delete()

    def put(self, context: Context, zone_id: str, key: str, records: Sequence[ManagedRecord]) -> None:
        zone = lock(find_zone(context, zone_id))
        before = list(zone.record_sets.filter(key=key))
        RecordSet.objects.filter(pk__in=[row.pk for row in before]).delete()
        made = RecordSet.objects.bulk_create([_row(zone, key, record) for record in records])
        advance(context, zone)
        publish_names(zone, [row.name for row in (*before, *made)])


def _row(zone: HostedZone, key: str, managed: ManagedRecord) -> RecordSet:
    name = canonical(managed.record.name)
    return RecordSet(
        zone=zone,
        name=name,
        sort_name=sort_name(name),
        type=managed.record.type,
        set_identifier=managed.identifier,
        document=_document(name, managed),
        key=key,
        is_healthy=managed.is_healthy,
    )


def _document(name: str, managed: ManagedRecord) -> dict[str, Any]:
    record: DnsRecord = managed.record
    document: dict[str, Any] = {"Name": name, "Type": record.type}
    if managed.identifier:
        document["SetIdentifier"] = managed.identifier
    if record.policy is RecordPolicy.WEIGHTED:
        document["Weight"] = record.weight
    elif record.policy is RecordPolicy.MULTIVALUE:
        document["MultiValueAnswer"] = True
    if record.alias:
        document["AliasTarget"] = {
            "HostedZoneId": managed.alias_zone_id,
            "DNSName": canonical(record.alias),
            "EvaluateTargetHealth": True,
        }
        return document
    values = [{"Value": value} for value in record.values]
    return {**document, "TTL": record.ttl_s, "ResourceRecords": values}


register_zone_provider(Route53Zones())
register_hosted_zones(Route53HostedZones())
