"""Which peering connections there are: of a caller, of a VPC, and between two VPCs."""

from django.db.models import Q, QuerySet

from aws_api.core.context import Context
from aws_api.services.ec2.models import Vpc, VpcPeeringConnection

#: The states in which a connection stands in the way of another one.
LIVE = ("pending-acceptance", "active")


def visible_peerings(context: Context) -> "QuerySet[VpcPeeringConnection]":
    """Those that the caller asked for or was asked for."""
    return peerings_seen_by(context.account_id, context.region).select_related("requester_vpc", "accepter_vpc")


def peerings_seen_by(account_id: str, region: str) -> "QuerySet[VpcPeeringConnection]":
    """Those that an account asked for or was asked for in a region."""
    return VpcPeeringConnection.objects.filter(
        Q(account_id=account_id, region=region) | Q(accepter_account_id=account_id, accepter_region=region)
    )


def peerings_of(vpc: Vpc) -> "QuerySet[VpcPeeringConnection]":
    """Those that a VPC is a side of."""
    return VpcPeeringConnection.objects.filter(Q(requester_vpc=vpc) | Q(accepter_vpc=vpc))


def peerings_between(vpc: Vpc, other: Vpc) -> "QuerySet[VpcPeeringConnection]":
    """Those of two VPCs, whoever asked."""
    return VpcPeeringConnection.objects.filter(
        Q(requester_vpc=vpc, accepter_vpc=other) | Q(requester_vpc=other, accepter_vpc=vpc)
    )


def active_peering(vpc: Vpc, other: Vpc) -> VpcPeeringConnection | None:
    """The connection over which two VPCs reach each other."""
    return peerings_between(vpc, other).filter(status="active").first()
