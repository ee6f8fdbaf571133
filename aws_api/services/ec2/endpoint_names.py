"""The names of interface endpoints in their VPC: their own, and the service's public ones where private DNS is on.

Each is a zone of its own, so that what else is in the service's domain is answered as before.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from aws_api.core.dns import DnsRecord, DnsZone, VpcReference
from aws_api.services.ec2.endpoint_services import INTERFACE, private_names, regional_name, zonal_name
from aws_api.services.ec2.models import VpcEndpoint

TTL_S = 60
#: Zones of endpoints are told only with whole configurations, so that none is older or newer than another.
_VERSION = 1


class EndpointZones:
    """The zones of VPC endpoints."""

    def zones(self, vpc: VpcReference) -> Iterable[DnsZone]:
        where = {"account_id": vpc.account_id, "region": vpc.region, "vpc__resource_id": vpc.vpc_id}
        endpoints = VpcEndpoint.objects.filter(**where, endpoint_type=INTERFACE)
        for endpoint in endpoints.prefetch_related("interfaces__subnet", "interfaces__private_addresses"):
            yield from _own_zones(endpoint)
            if endpoint.private_dns_enabled:
                yield from _private_zones(endpoint)


def _own_zones(endpoint: VpcEndpoint) -> Iterator[DnsZone]:
    by_zone: dict[str, list[str]] = defaultdict(list)
    for interface in endpoint.interfaces.all():
        by_zone[interface.subnet.availability_zone].append(interface.private_address)
    where = (endpoint.resource_id, endpoint.service_name, endpoint.region)
    if by_zone:
        name = regional_name(*where)
        yield _zone(name, [name], _addresses(endpoint))
    for zone, addresses in sorted(by_zone.items()):
        name = zonal_name(*where, zone)
        yield _zone(name, [name], addresses)


def _private_zones(endpoint: VpcEndpoint) -> Iterator[DnsZone]:
    """The service's names; a wildcard is in the zone of the name that it is below."""
    within: dict[str, list[str]] = defaultdict(list)
    for name in private_names(endpoint.region, endpoint.service_name):
        within[name.removeprefix("*.")].append(name)
    if addresses := _addresses(endpoint):
        for zone, names in sorted(within.items()):
            yield _zone(zone, names, addresses)


def _addresses(endpoint: VpcEndpoint) -> list[str]:
    return [interface.private_address for interface in endpoint.interfaces.all()]


def _zone(zone: str, names: Iterable[str], addresses: Iterable[str]) -> DnsZone:
    values = tuple(sorted(addresses))
    records = tuple(DnsRecord(name=name, type="A", ttl_s=TTL_S, values=values) for name in names)
    return DnsZone(name=zone, version=_VERSION, records=records)
