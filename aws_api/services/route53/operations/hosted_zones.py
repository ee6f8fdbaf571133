"""Hosted zones. https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zones-working-with.html"""

from typing import Any

from django.db.models import Count, Q, QuerySet

from aws_api.core.context import Context
from aws_api.core.dns import VpcReference
from aws_api.core.pagination import page_of_rows
from aws_api.services.route53.changes import record_change
from aws_api.services.route53.describe import describe_change, describe_delegation, describe_vpc, describe_zone
from aws_api.services.route53.listing import max_items
from aws_api.services.route53.models import HostedZone
from aws_api.services.route53.names import canonical, checked, sort_name
from aws_api.services.route53.publishing import publish_end
from aws_api.services.route53.service import route53
from aws_api.services.route53.shapes import (
    CreateHostedZoneRequest,
    DeleteHostedZoneRequest,
    GetHostedZoneCountRequest,
    GetHostedZoneLimitRequest,
    GetHostedZoneRequest,
    HostedZoneAlreadyExists,
    HostedZoneNotEmpty,
    InvalidInput,
    InvalidPaginationToken,
    InvalidVPCId,
    ListHostedZonesByNameRequest,
    ListHostedZonesByVPCRequest,
    ListHostedZonesRequest,
    NotAuthorizedException,
    UpdateHostedZoneCommentRequest,
)
from aws_api.services.route53.zones import bare_id, find_zone, make_zone

Shape = dict[str, Any]

#: The NS and SOA records that a zone is born with.
OWN_RECORDS = 2
_LIMITS = {"MAX_RRSETS_BY_ZONE": 10_000, "MAX_VPCS_ASSOCIATED_BY_ZONE": 300}


@route53.operation
def create_hosted_zone(context: Context, request: CreateHostedZoneRequest) -> Shape:
    """Make a zone: private where a VPC is given, else public."""
    name = checked(request["Name"])
    config = request.get("HostedZoneConfig", {})
    vpc = _vpc(context, request)
    if config.get("PrivateZone") and vpc is None:
        raise InvalidInput("When you're creating a private hosted zone, you must specify a VPC.")
    if HostedZone.objects.filter(
        Q(account_id=context.account_id, caller_reference=request["CallerReference"])
        | Q(zone_id=context.forced_id("HostedZoneId") or "")
    ).exists():
        raise HostedZoneAlreadyExists("A hosted zone has already been created with the specified caller reference.")
    zone = make_zone(
        context,
        name=name,
        caller_reference=request["CallerReference"],
        comment=config.get("Comment", ""),
        vpc=vpc,
    )
    return {
        "HostedZone": describe_zone(zone, OWN_RECORDS),
        "ChangeInfo": describe_change(record_change(context)),
        "DelegationSet": describe_delegation(zone).get("DelegationSet", {"NameServers": []}),
        **({"VPC": describe_vpc(zone.vpcs.get())} if vpc else {}),
        "Location": f"https://route53.amazonaws.com/2013-04-01/hostedzone/{zone.zone_id}",
    }


@route53.operation
def get_hosted_zone(context: Context, request: GetHostedZoneRequest) -> Shape:
    """Describe a zone with the VPCs that see it."""
    zone = find_zone(context, request["Id"])
    return {
        "HostedZone": describe_zone(zone, zone.record_sets.count()),
        **describe_delegation(zone),
        **({"VPCs": [describe_vpc(row) for row in zone.vpcs.order_by("pk")]} if zone.is_private else {}),
    }


@route53.operation
def delete_hosted_zone(context: Context, request: DeleteHostedZoneRequest) -> Shape:
    """Delete a zone that has no records but its own."""
    zone = find_zone(context, request["Id"])
    refuse_managed(zone)
    if zone.record_sets.exclude(sort_name=zone.sort_name, type__in=("NS", "SOA")).exists():
        raise HostedZoneNotEmpty(
            "The specified hosted zone contains non-required resource record sets and so cannot be deleted."
        )
    publish_end(zone)
    zone.delete()
    return {"ChangeInfo": describe_change(record_change(context))}


@route53.operation
def update_hosted_zone_comment(context: Context, request: UpdateHostedZoneCommentRequest) -> Shape:
    """Change the comment; none takes it away."""
    zone = find_zone(context, request["Id"])
    zone.comment = request.get("Comment", "")
    HostedZone.objects.filter(pk=zone.pk).update(comment=zone.comment)
    return {"HostedZone": describe_zone(zone, zone.record_sets.count())}


@route53.operation
def list_hosted_zones(context: Context, request: ListHostedZonesRequest) -> Shape:
    """List the account's zones, by id."""
    limit = max_items(request)
    rows = _counted(context)
    if request.get("HostedZoneType") == "PrivateHostedZone":
        rows = rows.filter(is_private=True)
    marker = request.get("Marker", "")
    if marker:
        rows = rows.filter(zone_id__gte=bare_id(marker))
    page = list(rows.order_by("zone_id")[: limit + 1])
    answer: Shape = {
        "HostedZones": [_describe(zone) for zone in page[:limit]],
        "Marker": marker,
        "IsTruncated": len(page) > limit,
        "MaxItems": str(limit),
    }
    return {**answer, "NextMarker": page[limit].zone_id} if len(page) > limit else answer


@route53.operation
def list_hosted_zones_by_name(context: Context, request: ListHostedZonesByNameRequest) -> Shape:
    """List the account's zones by name, labels from the last to the first."""
    limit = max_items(request)
    rows = _counted(context)
    asked: Shape = {}
    if request.get("HostedZoneId") and not request.get("DNSName"):
        raise InvalidInput("DNSName must be specified with HostedZoneId")
    if "DNSName" in request:
        asked["DNSName"] = request["DNSName"]
        begin = sort_name(canonical(request["DNSName"]))
        after = Q(sort_name__gt=begin)
        if zone_id := request.get("HostedZoneId"):
            asked["HostedZoneId"] = zone_id
            rows = rows.filter(after | Q(sort_name=begin, zone_id__gte=bare_id(zone_id)))
        else:
            rows = rows.filter(after | Q(sort_name=begin))
    page = list(rows.order_by("sort_name", "zone_id")[: limit + 1])
    answer: Shape = {
        **asked,
        "HostedZones": [_describe(zone) for zone in page[:limit]],
        "IsTruncated": len(page) > limit,
        "MaxItems": str(limit),
    }
    if len(page) > limit:
        answer |= {"NextDNSName": page[limit].name, "NextHostedZoneId": page[limit].zone_id}
    return answer


@route53.operation
def list_hosted_zones_by_vpc(context: Context, request: ListHostedZonesByVPCRequest) -> Shape:
    """List the private zones that a VPC sees, whoever owns them."""
    limit = max_items(request)
    rows = HostedZone.objects.filter(
        vpcs__account_id=context.account_id, vpcs__vpc_id=request["VPCId"], vpcs__region=request["VPCRegion"]
    )
    page, token = page_of_rows(
        rows, by="zone_id", token=request.get("NextToken"), limit=limit, error=InvalidPaginationToken
    )
    summaries = [
        {
            "HostedZoneId": zone.zone_id,
            "Name": zone.name,
            "Owner": {"OwningService": zone.owner} if zone.owner else {"OwningAccount": zone.account_id},
        }
        for zone in page
    ]
    return {"HostedZoneSummaries": summaries, "MaxItems": str(limit), **({"NextToken": token} if token else {})}


@route53.operation
def get_hosted_zone_count(context: Context, request: GetHostedZoneCountRequest) -> Shape:
    """How many zones the account has."""
    return {"HostedZoneCount": HostedZone.objects.filter(account_id=context.account_id).count()}


@route53.operation
def get_hosted_zone_limit(context: Context, request: GetHostedZoneLimitRequest) -> Shape:
    """A limit of a zone, and how much of it is used."""
    zone = find_zone(context, request["HostedZoneId"])
    kind = request["Type"]
    count = zone.record_sets.count() if kind == "MAX_RRSETS_BY_ZONE" else zone.vpcs.count()
    return {"Limit": {"Type": kind, "Value": _LIMITS[kind]}, "Count": count}


def refuse_managed(zone: HostedZone) -> None:
    """What a service made is changed through that service alone."""
    if zone.owner:
        raise NotAuthorizedException(
            f"The resource hostedzone/{zone.zone_id} can only be managed through {zone.owner_description or zone.owner}"
        )


def _vpc(context: Context, request: CreateHostedZoneRequest) -> VpcReference | None:
    if "VPC" not in request:
        return None
    vpc_id, region = request["VPC"].get("VPCId"), request["VPC"].get("VPCRegion")
    if not vpc_id or not region:
        raise InvalidVPCId("Both VPCId and VPCRegion must be specified.")
    return VpcReference(account_id=context.account_id, region=region, vpc_id=vpc_id)


def _counted(context: Context) -> "QuerySet[HostedZone]":
    return HostedZone.objects.filter(account_id=context.account_id).annotate(record_count=Count("record_sets"))


def _describe(zone: HostedZone) -> Shape:
    count: int = getattr(zone, "record_count")  # noqa: B009 - an annotation of the query
    return describe_zone(zone, count)
