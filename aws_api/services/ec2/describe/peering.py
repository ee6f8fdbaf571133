"""VPC peering connections as AWS's shapes."""

from typing import cast

from aws_api.core.context import Context
from aws_api.services.ec2 import shapes
from aws_api.services.ec2.describe.tags import describe_tags
from aws_api.services.ec2.models import Vpc, VpcPeeringConnection


def describe_vpc_peering_connection(row: VpcPeeringConnection, context: Context) -> shapes.VpcPeeringConnection:
    """A connection as one of its sides sees it: with that side's tags."""
    is_requester = (row.account_id, row.region) == (context.account_id, context.region)
    shape: shapes.VpcPeeringConnection = {
        "VpcPeeringConnectionId": row.resource_id,
        "RequesterVpcInfo": row.document["RequesterVpcInfo"],
        "AccepterVpcInfo": row.document["AccepterVpcInfo"],
        "Status": {
            "Code": cast(shapes.VpcPeeringConnectionStateReasonCode, row.status),
            "Message": row.status_message,
        },
        "Tags": describe_tags(row.tags if is_requester else row.accepter_tags),
    }
    if row.is_active:
        shape["RequesterVpcInfo"] = {
            **shape["RequesterVpcInfo"],
            **_blocks(row.requester_vpc),
            "PeeringOptions": _described_options(row.requester_resolves_names),
        }
        shape["AccepterVpcInfo"] = {
            **shape["AccepterVpcInfo"],
            **_blocks(row.accepter_vpc),
            "PeeringOptions": _described_options(row.accepter_resolves_names),
        }
    if row.expires_at is not None:
        shape["ExpirationTime"] = row.expires_at
    return shape


def describe_peering_options(resolves_names: bool) -> shapes.PeeringConnectionOptions:
    return {
        "AllowDnsResolutionFromRemoteVpc": resolves_names,
        "AllowEgressFromLocalClassicLinkToRemoteVpc": False,
        "AllowEgressFromLocalVpcToRemoteClassicLink": False,
    }


def _described_options(resolves_names: bool) -> shapes.VpcPeeringConnectionOptionsDescription:
    return {
        "AllowDnsResolutionFromRemoteVpc": resolves_names,
        "AllowEgressFromLocalClassicLinkToRemoteVpc": False,
        "AllowEgressFromLocalVpcToRemoteClassicLink": False,
    }


def _blocks(vpc: Vpc | None) -> shapes.VpcPeeringConnectionVpcInfo:
    """A side's blocks as they are now: a VPC may be given more while it is peered."""
    if vpc is None:
        return {}
    return {"CidrBlockSet": [{"CidrBlock": each.cidr_block} for each in vpc.cidr_associations.all()]}
