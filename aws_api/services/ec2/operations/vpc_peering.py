"""Peering of VPCs, also of other accounts and regions of this Simfra.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcPeeringConnection.html
"""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network
from typing import Any

from aws_api.core.context import Context
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.addresses import overlaps
from aws_api.services.ec2.describe import describe_peering_options, describe_vpc_peering_connection
from aws_api.services.ec2.errors import (
    InvalidParameterValue,
    InvalidStateTransition,
    OperationNotPermitted,
    UnsupportedOperation,
    VpcPeeringConnectionAlreadyExists,
    malformed,
    missing,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import Vpc, VpcPeeringConnection
from aws_api.services.ec2.peerings import LIVE, peerings_between, peerings_of, peerings_seen_by, visible_peerings
from aws_api.services.ec2.quotas import PEERING_CONNECTIONS_PER_VPC, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, required
from aws_api.services.ec2.tagging import tags_for
from aws_api.services.ec2.waking import wake

FILTERS = FilterTable(
    {
        "accepter-vpc-info.cidr-block": "AccepterVpcInfo.CidrBlock",
        "accepter-vpc-info.owner-id": "AccepterVpcInfo.OwnerId",
        "accepter-vpc-info.vpc-id": "AccepterVpcInfo.VpcId",
        "expiration-time": "ExpirationTime",
        "requester-vpc-info.cidr-block": "RequesterVpcInfo.CidrBlock",
        "requester-vpc-info.owner-id": "RequesterVpcInfo.OwnerId",
        "requester-vpc-info.vpc-id": "RequesterVpcInfo.VpcId",
        "status-code": "Status.Code",
        "status-message": "Status.Message",
        "vpc-peering-connection-id": "VpcPeeringConnectionId",
    }
)
_EXPIRES_AFTER = timedelta(days=7)
_FAILURE = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"
_RESOLVES_NAMES = "AllowDnsResolutionFromRemoteVpc"
_CLASSIC = ("AllowEgressFromLocalClassicLinkToRemoteVpc", "AllowEgressFromLocalVpcToRemoteClassicLink")


@operation
def create_vpc_peering_connection(
    context: Context, request: shapes.CreateVpcPeeringConnectionRequest
) -> shapes.CreateVpcPeeringConnectionResult:
    """Ask the owner of another VPC to peer it with one's own.

    What AWS finds out later (no such VPC in the other account, overlapping blocks) leaves a connection that failed.
    """
    vpc = find(Vpc, context, request["VpcId"], locked=True)
    peer_vpc_id = required(request, "PeerVpcId")
    owner, region = request.get("PeerOwnerId") or context.account_id, request.get("PeerRegion") or context.region
    if not kinds.VPC.matches(peer_vpc_id):
        raise malformed(kinds.VPC, peer_vpc_id)
    peer = Vpc.objects.filter(account_id=owner, region=region, resource_id=peer_vpc_id).first()
    if peer is None and (owner, region) == (context.account_id, context.region):
        raise missing(kinds.VPC, [peer_vpc_id])
    check_quota(PEERING_CONNECTIONS_PER_VPC, peerings_of(vpc).filter(status__in=LIVE))
    if peer is not None and peerings_between(vpc, peer).filter(status__in=LIVE).exists():
        raise VpcPeeringConnectionAlreadyExists(
            f"A VPC peering connection between {vpc.resource_id} and {peer_vpc_id} already exists."
        )
    now = context.clock.now()
    has_failed = peer is None or _overlap(vpc, peer)
    row = VpcPeeringConnection.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=now,
        resource_id=_new_id(context, owner, region),
        tags=tags_for(kinds.VPC_PEERING_CONNECTION, request),
        document={
            "RequesterVpcInfo": _info(vpc),
            "AccepterVpcInfo": {"OwnerId": owner, "VpcId": peer_vpc_id, "Region": region},
        },
        requester_vpc=vpc,
        accepter_vpc=peer,
        accepter_account_id=owner,
        accepter_region=region,
        status="failed" if has_failed else "pending-acceptance",
        status_message=_FAILURE if has_failed else f"Pending Acceptance by {owner}",
        expires_at=None if has_failed else now + _EXPIRES_AFTER,
        ended_at=now if has_failed else None,
    )
    shape = describe_vpc_peering_connection(row, context)
    status: shapes.VpcPeeringConnectionStateReason = {
        "Code": "initiating-request",
        "Message": f"Initiating Request to {owner}",
    }
    return {"VpcPeeringConnection": {**shape, "Status": status}}


@operation
def accept_vpc_peering_connection(
    context: Context, request: shapes.AcceptVpcPeeringConnectionRequest
) -> shapes.AcceptVpcPeeringConnectionResult:
    """Agree, as the owner of the VPC that was asked for."""
    row = _find(context, request["VpcPeeringConnectionId"])
    _check_is_accepter(context, row, "accept")
    _check_transition(row, "pending-acceptance", to="active")
    requester, accepter = row.requester_vpc, row.accepter_vpc
    if requester is None or accepter is None or _overlap(requester, accepter):
        _end(context, row, "failed", _FAILURE)
    else:
        _update(
            row,
            status="active",
            status_message="Active",
            expires_at=None,
            document={"RequesterVpcInfo": _info(requester), "AccepterVpcInfo": _info(accepter)},
        )
        wake(requester, accepter)
    return {"VpcPeeringConnection": describe_vpc_peering_connection(row, context)}


@operation
def reject_vpc_peering_connection(
    context: Context, request: shapes.RejectVpcPeeringConnectionRequest
) -> shapes.RejectVpcPeeringConnectionResult:
    """Disagree, as the owner of the VPC that was asked for."""
    row = _find(context, request["VpcPeeringConnectionId"])
    _check_is_accepter(context, row, "reject")
    _check_transition(row, "pending-acceptance", to="rejected")
    _end(context, row, "rejected", f"Rejected by {context.account_id}")
    return {"Return": True}


@operation
def delete_vpc_peering_connection(
    context: Context, request: shapes.DeleteVpcPeeringConnectionRequest
) -> shapes.DeleteVpcPeeringConnectionResult:
    """End a connection, or take a request for one back."""
    row = _find(context, request["VpcPeeringConnectionId"])
    if row.status == "pending-acceptance" and not _is_requester(context, row):
        raise OperationNotPermitted(f"User {context.account_id} cannot delete peering {row.resource_id}")
    _check_transition(row, *LIVE, to="deleting")
    _end(context, row, "deleted", f"Deleted by {context.account_id}")
    wake(row.requester_vpc, row.accepter_vpc)
    return {"Return": True}


@operation
def describe_vpc_peering_connections(
    context: Context, request: shapes.DescribeVpcPeeringConnectionsRequest
) -> shapes.DescribeVpcPeeringConnectionsResult:
    """List connections that the caller asked for or was asked for; those that ended stay for two hours."""
    rows = visible_peerings(context).prefetch_related(
        "requester_vpc__cidr_associations", "accepter_vpc__cidr_associations"
    )
    connections, next_token = listed(
        request,
        rows,
        ids_member="VpcPeeringConnectionIds",
        filters=FILTERS,
        describe=lambda row: describe_vpc_peering_connection(row, context),
    )
    return {"VpcPeeringConnections": connections, **next_token}


@operation
def modify_vpc_peering_connection_options(
    context: Context, request: shapes.ModifyVpcPeeringConnectionOptionsRequest
) -> shapes.ModifyVpcPeeringConnectionOptionsResult:
    """Say whether one's own side resolves the other's public names to private addresses."""
    row = _find(context, request["VpcPeeringConnectionId"])
    if not row.is_active:
        raise OperationNotPermitted(
            f"Peering {row.resource_id} is not active. Peering options can be added only to active peerings."
        )
    answer: shapes.ModifyVpcPeeringConnectionOptionsResult = {}
    if options := request.get("RequesterPeeringConnectionOptions"):
        _check_side(context, row, is_own=_is_requester(context, row))
        _update(row, requester_resolves_names=_resolves_names(options, row.requester_resolves_names))
        answer["RequesterPeeringConnectionOptions"] = describe_peering_options(row.requester_resolves_names)
    if options := request.get("AccepterPeeringConnectionOptions"):
        _check_side(context, row, is_own=_is_accepter(context, row))
        _update(row, accepter_resolves_names=_resolves_names(options, row.accepter_resolves_names))
        answer["AccepterPeeringConnectionOptions"] = describe_peering_options(row.accepter_resolves_names)
    wake(row.requester_vpc, row.accepter_vpc)
    return answer


def _new_id(context: Context, owner: str, region: str) -> str:
    """An id that neither side has for another connection. Raises InvalidParameterValue for one that was asked for."""
    made = demanded_id(context, kinds.VPC_PEERING_CONNECTION, VpcPeeringConnection, "VpcPeeringConnectionId")
    seen = peerings_seen_by(context.account_id, context.region) | peerings_seen_by(owner, region)
    if seen.filter(resource_id=made).exists():
        raise InvalidParameterValue(f"The id '{made}' that was asked for is already in use")
    return made


def _find(context: Context, peering_id: str) -> VpcPeeringConnection:
    if not kinds.VPC_PEERING_CONNECTION.matches(peering_id):
        raise malformed(kinds.VPC_PEERING_CONNECTION, peering_id)
    row = visible_peerings(context).filter(resource_id=peering_id).select_for_update(of=("self",)).first()
    if row is None:
        raise missing(kinds.VPC_PEERING_CONNECTION, [peering_id])
    return row


def _is_requester(context: Context, row: VpcPeeringConnection) -> bool:
    return (row.account_id, row.region) == (context.account_id, context.region)


def _is_accepter(context: Context, row: VpcPeeringConnection) -> bool:
    return (row.accepter_account_id, row.accepter_region) == (context.account_id, context.region)


def _check_is_accepter(context: Context, row: VpcPeeringConnection, verb: str) -> None:
    if _is_accepter(context, row):
        return
    if row.accepter_account_id == context.account_id:
        raise OperationNotPermitted(
            f"Incorrect region ({context.region}) specified for this request. VPC peering connection "
            f"{row.resource_id} must be {verb}ed in region {row.accepter_region}"
        )
    raise OperationNotPermitted(f"User {context.account_id} cannot {verb} peering {row.resource_id}")


def _check_side(context: Context, row: VpcPeeringConnection, *, is_own: bool) -> None:
    if not is_own:
        raise OperationNotPermitted(
            f"User {context.account_id} cannot modify peering options on peering {row.resource_id}"
        )


def _check_transition(row: VpcPeeringConnection, *allowed: str, to: str) -> None:
    if row.status not in allowed:
        raise InvalidStateTransition(
            f"Invalid state transition for {row.resource_id}, attempted to transition from {row.status} to {to}"
        )


def _end(context: Context, row: VpcPeeringConnection, status: str, message: str) -> None:
    _update(row, status=status, status_message=message, expires_at=None, ended_at=context.clock.now())


def _update(row: VpcPeeringConnection, **columns: Any) -> None:
    VpcPeeringConnection.objects.filter(pk=row.pk).update(**columns)
    for column, value in columns.items():
        setattr(row, column, value)


def _resolves_names(options: Mapping[str, Any], default: bool) -> bool:
    for member in _CLASSIC:
        if options.get(member):
            raise UnsupportedOperation(f"AWS retired EC2-Classic: no {member}.")
    return bool(options.get(_RESOLVES_NAMES, default))


def _overlap(vpc: Vpc, other: Vpc) -> bool:
    others = list(other.cidr_associations.values_list("cidr_block", flat=True))
    blocks = vpc.cidr_associations.values_list("cidr_block", flat=True)
    return any(overlaps(IPv4Network(block), others) for block in blocks)


def _info(vpc: Vpc) -> dict[str, Any]:
    blocks = list(vpc.cidr_associations.order_by("pk").values_list("cidr_block", flat=True))
    return {
        "CidrBlock": vpc.cidr_block,
        "CidrBlockSet": [{"CidrBlock": block} for block in blocks],
        "OwnerId": vpc.account_id,
        "VpcId": vpc.resource_id,
        "Region": vpc.region,
    }
