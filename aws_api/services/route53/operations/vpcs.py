"""Which VPCs see a private zone.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-associate-vpcs.html
"""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.dns import VpcReference
from aws_api.core.pagination import page_of_rows
from aws_api.services.route53.changes import record_change
from aws_api.services.route53.describe import describe_change, describe_vpc
from aws_api.services.route53.models import HostedZone, VpcAuthorization, ZoneVpc
from aws_api.services.route53.publishing import advance, lock, publish_end, publish_zone, reference
from aws_api.services.route53.service import route53
from aws_api.services.route53.shapes import (
    AssociateVPCWithHostedZoneRequest,
    CreateVPCAssociationAuthorizationRequest,
    DeleteVPCAssociationAuthorizationRequest,
    DisassociateVPCFromHostedZoneRequest,
    InvalidPaginationToken,
    InvalidVPCId,
    LastVPCAssociation,
    ListVPCAssociationAuthorizationsRequest,
    NotAuthorizedException,
    PublicZoneVPCAssociation,
    VPCAssociationAuthorizationNotFound,
    VPCAssociationNotFound,
)
from aws_api.services.route53.zones import association, bare_id, check_vpc, find_zone, no_such_zone

Shape = dict[str, Any]

MAX_AUTHORIZATIONS = 50


@route53.operation
def associate_vpc_with_hosted_zone(context: Context, request: AssociateVPCWithHostedZoneRequest) -> Shape:
    """Let a VPC of the caller see a zone: its own, or another account's that authorised it."""
    region, vpc_id = _vpc(request["VPC"])
    zone = HostedZone.objects.filter(zone_id=bare_id(request["HostedZoneId"])).first()
    if zone is None:
        raise no_such_zone(request["HostedZoneId"])
    if zone.account_id != context.account_id and not zone.authorizations.filter(region=region, vpc_id=vpc_id).exists():
        raise NotAuthorizedException(f"The VPC: {vpc_id} has not authorized to associate with your hosted zone.")
    zone = lock(zone)
    _refuse_public(zone)
    vpc = VpcReference(account_id=context.account_id, region=region, vpc_id=vpc_id)
    if association(zone, region, vpc_id) is None:
        check_vpc(vpc, zone.name)
        ZoneVpc.objects.create(zone=zone, account_id=vpc.account_id, region=region, vpc_id=vpc_id)
        advance(context, zone)
        publish_zone(zone, [vpc])
    return {"ChangeInfo": describe_change(record_change(context, request.get("Comment", "")))}


@route53.operation
def disassociate_vpc_from_hosted_zone(context: Context, request: DisassociateVPCFromHostedZoneRequest) -> Shape:
    """Hide a zone from a VPC; one must remain."""
    region, vpc_id = _vpc(request["VPC"])
    zone = HostedZone.objects.filter(zone_id=bare_id(request["HostedZoneId"])).first()
    if zone is None:
        raise no_such_zone(request["HostedZoneId"])
    zone = lock(zone)
    row = association(zone, region, vpc_id)
    if row is None or context.account_id not in (zone.account_id, row.account_id):
        raise VPCAssociationNotFound(f"The VPC: {vpc_id} is not associated with the hosted zone {zone.zone_id}.")
    if zone.vpcs.count() == 1:
        raise LastVPCAssociation(f"Cannot remove the last VPC association for the private zone {zone.zone_id}.")
    row.delete()
    advance(context, zone)
    publish_end(zone, [reference(row)])
    return {"ChangeInfo": describe_change(record_change(context, request.get("Comment", "")))}


@route53.operation
def create_vpc_association_authorization(context: Context, request: CreateVPCAssociationAuthorizationRequest) -> Shape:
    """Allow a VPC of another account to be associated with a zone."""
    zone = find_zone(context, request["HostedZoneId"])
    _refuse_public(zone)
    region, vpc_id = _vpc(request["VPC"])
    row, _ = VpcAuthorization.objects.get_or_create(zone=zone, region=region, vpc_id=vpc_id)
    return {"HostedZoneId": zone.zone_id, "VPC": describe_vpc(row)}


@route53.operation
def delete_vpc_association_authorization(context: Context, request: DeleteVPCAssociationAuthorizationRequest) -> Shape:
    """Take an authorisation back; what was associated stays so."""
    zone = find_zone(context, request["HostedZoneId"])
    region, vpc_id = _vpc(request["VPC"])
    deleted, _ = zone.authorizations.filter(region=region, vpc_id=vpc_id).delete()
    if not deleted:
        raise VPCAssociationAuthorizationNotFound(f"The VPC {vpc_id} is not authorized to be associated with the zone.")
    return {}


@route53.operation
def list_vpc_association_authorizations(context: Context, request: ListVPCAssociationAuthorizationsRequest) -> Shape:
    """List the authorisations of a zone."""
    zone = find_zone(context, request["HostedZoneId"])
    limit = int(request.get("MaxResults") or MAX_AUTHORIZATIONS)
    page, token = page_of_rows(
        zone.authorizations.all(),
        by="id",
        token=request.get("NextToken"),
        limit=min(limit, MAX_AUTHORIZATIONS),
        error=InvalidPaginationToken,
    )
    vpcs = [describe_vpc(row) for row in page]
    return {"HostedZoneId": zone.zone_id, "VPCs": vpcs, **({"NextToken": token} if token else {})}


def _vpc(vpc: Mapping[str, Any]) -> tuple[str, str]:
    if not vpc.get("VPCId") or not vpc.get("VPCRegion"):
        raise InvalidVPCId("Both VPCId and VPCRegion must be specified.")
    return vpc["VPCRegion"], vpc["VPCId"]


def _refuse_public(zone: HostedZone) -> None:
    if not zone.is_private:
        raise PublicZoneVPCAssociation("You're trying to associate a VPC with a public hosted zone.")
