"""Hosted zones as rows: making, finding and deleting them, and the VPCs that see them."""

from aws_api.core.context import Context, internal_context
from aws_api.core.dns import VpcReference
from aws_api.core.errors import AwsError
from aws_api.core.ids import new_upper_id
from aws_api.core.invoke import invoke
from aws_api.services.route53.models import HostedZone, RecordSet, ZoneVpc
from aws_api.services.route53.names import sort_name
from aws_api.services.route53.publishing import publish_zone
from aws_api.services.route53.service import REGION
from aws_api.services.route53.shapes import ConflictingDomainExists, InvalidVPCId, NoSuchHostedZone

PUBLIC_SERVERS = ("ns-2048.awsdns-64.com", "ns-2049.awsdns-65.net", "ns-2050.awsdns-66.org", "ns-2051.awsdns-67.co.uk")
PRIVATE_SERVERS = ("ns-1536.awsdns-00.co.uk", "ns-0.awsdns-00.com", "ns-1024.awsdns-00.org", "ns-512.awsdns-00.net")
_SOA_TIMES = "1 7200 900 1209600"
_DEFAULT_NEGATIVE_TTL_S = 86400
_SOA_TTL_S, _NS_TTL_S = 900, 172800


def find_zone(context: Context, zone_id: str) -> HostedZone:
    """The caller's zone of an id, with or without ``/hostedzone/``. Raises NoSuchHostedZone."""
    zone = HostedZone.objects.filter(account_id=context.account_id, zone_id=bare_id(zone_id)).first()
    if zone is None:
        raise no_such_zone(zone_id)
    return zone


def bare_id(zone_id: str) -> str:
    return zone_id.rpartition("/")[2]


def no_such_zone(zone_id: str) -> NoSuchHostedZone:
    return NoSuchHostedZone(f"No hosted zone found with ID: {bare_id(zone_id)}")


def make_zone(
    context: Context,
    *,
    name: str,
    caller_reference: str,
    comment: str,
    vpc: VpcReference | None,
    owner: str = "",
    owner_description: str = "",
    soa_ttl_s: int | None = None,
) -> HostedZone:
    """A zone with its NS and SOA records; private where a VPC is given, which sees it from now on.

    Raises InvalidVPCId and ConflictingDomainExists.
    """
    if vpc is not None:
        check_vpc(vpc, name)
    zone = HostedZone.objects.create(
        account_id=context.account_id,
        region=REGION,
        created_at=context.clock.now(),
        zone_id=(None if owner else context.forced_id("HostedZoneId")) or f"Z{new_upper_id(20)}",
        name=name,
        sort_name=sort_name(name),
        caller_reference=caller_reference,
        comment=comment,
        is_private=vpc is not None,
        owner=owner,
        owner_description=owner_description,
        version=context.clock.epoch_ms(),
    )
    servers = PRIVATE_SERVERS if vpc is not None else PUBLIC_SERVERS
    put_own_record(zone, "NS", _NS_TTL_S, [f"{server}." for server in servers])
    put_authority(zone, soa_ttl_s)
    if vpc is not None:
        ZoneVpc.objects.create(zone=zone, account_id=vpc.account_id, region=vpc.region, vpc_id=vpc.vpc_id)
    publish_zone(zone)
    return zone


def put_authority(zone: HostedZone, soa_ttl_s: int | None) -> None:
    """Write the SOA record; ``soa_ttl_s`` is how long a missing name may be remembered."""
    server = (PRIVATE_SERVERS if zone.is_private else PUBLIC_SERVERS)[0]
    negative_s = _DEFAULT_NEGATIVE_TTL_S if soa_ttl_s is None else soa_ttl_s
    value = f"{server}. awsdns-hostmaster.amazon.com. {_SOA_TIMES} {negative_s}"
    put_own_record(zone, "SOA", _SOA_TTL_S if soa_ttl_s is None else soa_ttl_s, [value])


def put_own_record(zone: HostedZone, type_: str, ttl_s: int, values: list[str]) -> None:
    """Write one of the records that a zone is born with."""
    document = {
        "Name": zone.name,
        "Type": type_,
        "TTL": ttl_s,
        "ResourceRecords": [{"Value": value} for value in values],
    }
    RecordSet.objects.update_or_create(
        zone=zone,
        sort_name=zone.sort_name,
        type=type_,
        set_identifier="",
        defaults={"name": zone.name, "document": document},
    )


def check_vpc(vpc: VpcReference, zone_name: str) -> None:
    """That there is such a VPC, and that it sees no zone of this name yet."""
    context = internal_context(vpc.account_id, vpc.region)
    try:
        invoke(context, "ec2", "DescribeVpcs", {"VpcIds": [vpc.vpc_id]})
    except AwsError as error:
        raise InvalidVPCId(f"The VPC ID {vpc.vpc_id} in region {vpc.region} is not valid: {error.message}") from error
    seen = HostedZone.objects.filter(name=zone_name, vpcs__region=vpc.region, vpcs__vpc_id=vpc.vpc_id).first()
    if seen is not None:
        raise ConflictingDomainExists(
            f"The VPC {vpc.vpc_id} in region {vpc.region} has already been associated with the hosted zone "
            f"{seen.zone_id} with the same domain name."
        )


def association(zone: HostedZone, region: str, vpc_id: str) -> ZoneVpc | None:
    return zone.vpcs.filter(region=region, vpc_id=vpc_id).first()
