"""Route tables and their routes. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRouteTable.html"""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from aws_api.core.context import Context
from aws_api.core.ids import new_hex_id
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.addresses import parse_block, parse_block6
from aws_api.services.ec2.describe import describe_route_table
from aws_api.services.ec2.errors import (
    DependencyViolation,
    InvalidAssociationIdNotFound,
    InvalidNatGatewayIdNotFound,
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidRouteNotFound,
    InvalidStateTransition,
    MissingParameter,
    ResourceAlreadyAssociated,
    RouteAlreadyExists,
    UnsupportedOperation,
    missing,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import (
    EgressOnlyInternetGateway,
    InternetGateway,
    ManagedPrefixList,
    NatGateway,
    NetworkInterface,
    Route,
    RouteTable,
    RouteTableAssociation,
    Subnet,
    Vpc,
    VpcPeeringConnection,
)
from aws_api.services.ec2.prefix_lists import find_prefix_list
from aws_api.services.ec2.quotas import ROUTE_TABLES_PER_VPC, ROUTES_PER_TABLE, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, hold, rows_of
from aws_api.services.ec2.tagging import tags_for
from aws_api.services.ec2.waking import wake

FILTERS = FilterTable(
    {
        "association.gateway-id": "Associations.GatewayId",
        "association.main": "Associations.Main",
        "association.route-table-association-id": "Associations.RouteTableAssociationId",
        "association.route-table-id": "Associations.RouteTableId",
        "association.subnet-id": "Associations.SubnetId",
        "owner-id": "OwnerId",
        "route-table-id": "RouteTableId",
        "route.destination-cidr-block": "Routes.DestinationCidrBlock",
        "route.destination-ipv6-cidr-block": "Routes.DestinationIpv6CidrBlock",
        "route.destination-prefix-list-id": "Routes.DestinationPrefixListId",
        "route.egress-only-internet-gateway-id": "Routes.EgressOnlyInternetGatewayId",
        "route.gateway-id": "Routes.GatewayId",
        "route.instance-id": "Routes.InstanceId",
        "route.nat-gateway-id": "Routes.NatGatewayId",
        "route.network-interface-id": "Routes.NetworkInterfaceId",
        "route.origin": "Routes.Origin",
        "route.state": "Routes.State",
        "route.transit-gateway-id": "Routes.TransitGatewayId",
        "route.vpc-peering-connection-id": "Routes.VpcPeeringConnectionId",
        "vpc-id": "VpcId",
    }
)
#: Members that name a target.
_TARGETS = {
    "GatewayId": kinds.INTERNET_GATEWAY,
    "NetworkInterfaceId": kinds.NETWORK_INTERFACE,
    "NatGatewayId": kinds.NAT_GATEWAY,
    "InstanceId": kinds.INSTANCE,
    "TransitGatewayId": kinds.TRANSIT_GATEWAY,
    "VpcPeeringConnectionId": kinds.VPC_PEERING_CONNECTION,
    "VpcEndpointId": kinds.VPC_ENDPOINT,
    "EgressOnlyInternetGatewayId": kinds.EGRESS_ONLY_INTERNET_GATEWAY,
}


@operation
def create_route_table(context: Context, request: shapes.CreateRouteTableRequest) -> shapes.CreateRouteTableResult:
    """Make a table that no subnet uses yet."""
    vpc = find(Vpc, context, request["VpcId"], locked=True)
    check_quota(ROUTE_TABLES_PER_VPC, vpc.route_tables.all())
    table = RouteTable.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=demanded_id(context, kinds.ROUTE_TABLE, RouteTable, "RouteTableId"),
        tags=tags_for(kinds.ROUTE_TABLE, request),
        vpc=vpc,
    )
    answer: shapes.CreateRouteTableResult = {"RouteTable": describe_route_table(table)}
    if token := request.get("ClientToken"):
        answer["ClientToken"] = token
    return answer


@operation
def delete_route_table(context: Context, request: shapes.DeleteRouteTableRequest) -> None:
    """Delete a table that nothing uses."""
    table = find_to_delete(RouteTable, context, request["RouteTableId"])
    if table.associations.exists():
        raise DependencyViolation(f"The routeTable '{table.resource_id}' has dependencies and cannot be deleted.")
    table.delete()


@operation
def describe_route_tables(
    context: Context, request: shapes.DescribeRouteTablesRequest
) -> shapes.DescribeRouteTablesResult:
    """List tables with their routes and uses."""
    rows = (
        rows_of(RouteTable, context)
        .select_related("vpc__internet_gateway")
        .prefetch_related(
            "associations__subnet",
            "associations__gateway",
            "endpoints__prefix_list",
            "routes__route_table",
            "vpc__cidr_associations",
        )
    )
    tables, next_token = listed(
        request, rows, ids_member="RouteTableIds", filters=FILTERS, describe=describe_route_table
    )
    return {"RouteTables": tables, **next_token}


@operation
def create_route(context: Context, request: shapes.CreateRouteRequest) -> shapes.CreateRouteResult:
    """Send packets for a destination somewhere."""
    table = find(RouteTable, context, request["RouteTableId"], locked=True)
    destination, prefix_list = _destination(context, request)
    if _has_route(table, destination) or _is_local(table, destination):
        raise RouteAlreadyExists(f"The route identified by {destination} already exists.")
    check_quota(ROUTES_PER_TABLE, table.routes.all())
    target, target_id = _target(context, table, request)
    Route.objects.create(
        route_table=table, destination=destination, prefix_list=prefix_list, target=target, target_id=target_id
    )
    wake(table.vpc)
    return {"Return": True}


@operation
def replace_route(context: Context, request: shapes.ReplaceRouteRequest) -> None:
    """Send packets for a destination somewhere else."""
    table = find(RouteTable, context, request["RouteTableId"], locked=True)
    destination, _ = _destination(context, request)
    if _is_local(table, destination) and request.get("LocalTarget"):
        return
    _find_route(table, destination)
    target, target_id = _target(context, table, request)
    table.routes.filter(destination=destination).update(target=target, target_id=target_id)
    wake(table.vpc)


@operation
def delete_route(context: Context, request: shapes.DeleteRouteRequest) -> None:
    """Delete a route that is not a VPC's own."""
    table = find(RouteTable, context, request["RouteTableId"], locked=True)
    destination, _ = _destination(context, request)
    if _is_local(table, destination):
        raise InvalidParameterValue(f"cannot remove local route {destination} in route table {table.resource_id}")
    _find_route(table, destination).delete()
    wake(table.vpc)


@operation
def associate_route_table(
    context: Context, request: shapes.AssociateRouteTableRequest
) -> shapes.AssociateRouteTableResult:
    """Let a subnet use a table."""
    table = find(RouteTable, context, request["RouteTableId"], locked=True)
    if request.get("PublicIpv4Pool"):
        raise UnsupportedOperation("Simfra's route tables are used by subnets and internet gateways.")
    user: dict[str, Subnet | InternetGateway]
    if subnet_id := request.get("SubnetId"):
        user = {"subnet": find(Subnet, context, subnet_id, locked=True)}
    elif gateway_id := request.get("GatewayId"):
        user = {"gateway": find(InternetGateway, context, gateway_id, locked=True)}
    else:
        raise MissingParameter("The request must contain the parameter subnetId or gatewayId")
    for name, resource in user.items():
        if resource.vpc_id != table.vpc_id:
            raise InvalidParameterValue(
                f"Route table {table.resource_id} and {name} {resource.resource_id} belong to different networks"
            )
    if RouteTableAssociation.objects.filter(**user).exists():
        raise ResourceAlreadyAssociated(
            f"the specified association for route table {table.resource_id} conflicts with an existing association"
        )
    association = RouteTableAssociation.objects.create(
        association_id=new_hex_id("rtbassoc-"), route_table=table, vpc=table.vpc, **user
    )
    wake(table.vpc)
    return {"AssociationId": association.association_id, "AssociationState": {"State": "associated"}}


@operation
def disassociate_route_table(context: Context, request: shapes.DisassociateRouteTableRequest) -> None:
    """Let a subnet use its VPC's main table again."""
    association = _find_association(context, request["AssociationId"])
    if association.is_main:
        raise InvalidParameterValue(
            f"cannot disassociate the main route table association {association.association_id}"
        )
    association.delete()
    wake(association.vpc)


@operation
def replace_route_table_association(
    context: Context, request: shapes.ReplaceRouteTableAssociationRequest
) -> shapes.ReplaceRouteTableAssociationResult:
    """Let a subnet, or a VPC as its main one, use another table."""
    association = _find_association(context, request["AssociationId"])
    table = find(RouteTable, context, request["RouteTableId"], locked=True)
    if table.vpc_id != association.vpc_id:
        raise InvalidParameterValue(
            f"Route table {table.resource_id} and network {association.vpc.resource_id} belong to different networks"
        )
    new_id = new_hex_id("rtbassoc-")
    RouteTableAssociation.objects.filter(pk=association.pk).update(association_id=new_id, route_table=table)
    wake(table.vpc)
    return {"NewAssociationId": new_id, "AssociationState": {"State": "associated"}}


def _find_association(context: Context, association_id: str) -> RouteTableAssociation:
    association = (
        RouteTableAssociation.objects.filter(
            association_id=association_id, vpc__account_id=context.account_id, vpc__region=context.region
        )
        .select_related("subnet", "vpc")
        .select_for_update(of=("self",))
        .first()
    )
    if association is None:
        raise InvalidAssociationIdNotFound(f"The association ID '{association_id}' does not exist")
    return association


def _find_route(table: RouteTable, destination: str) -> Route:
    route = table.routes.filter(destination=destination).first()
    if route is None:
        raise InvalidRouteNotFound(
            f"no route with destination-cidr-block {destination} in route table {table.resource_id}"
        )
    return route


def _destination(context: Context, request: Mapping[str, Any]) -> tuple[str, ManagedPrefixList | None]:
    """A block, or the id of a prefix list with the list."""
    if prefix_list_id := request.get("DestinationPrefixListId"):
        prefix_list = find_prefix_list(context, prefix_list_id)
        hold([prefix_list])
        return prefix_list_id, prefix_list
    if text := request.get("DestinationCidrBlock"):
        block, member = parse_block(text), "destinationCidrBlock"
        parsed = str(block) if block else None
    elif text := request.get("DestinationIpv6CidrBlock"):
        parsed, member = parse_block6(text), "destinationIpv6CidrBlock"
    else:
        raise MissingParameter("The request must contain the parameter destinationCidrBlock")
    if parsed is None:
        raise InvalidParameterValue(
            f"Value ({text}) for parameter {member} is invalid. This is not a valid CIDR block."
        )
    return parsed, None


def _has_route(table: RouteTable, destination: str) -> bool:
    """Whether a table has a route for a destination, be it one that a gateway endpoint brought."""
    return (
        table.routes.filter(destination=destination).exists()
        or table.endpoints.filter(prefix_list__resource_id=destination).exists()
    )


def _is_local(table: RouteTable, destination: str) -> bool:
    return table.vpc.cidr_associations.filter(cidr_block=destination).exists()


def _target(context: Context, table: RouteTable, request: Mapping[str, Any]) -> tuple[str, str]:
    """The one target that a request names: the member and the id."""
    named = [(member, request[member]) for member in _TARGETS if request.get(member)]
    if len(named) != 1:
        raise InvalidParameterCombination(
            "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, "
            "vpcPeeringConnectionId, egressOnlyInternetGatewayId, transitGatewayId, localGatewayId, carrierGatewayId, "
            "vpcEndpointId, coreNetworkArn or instanceId"
        )
    member, target_id = named[0]
    if member == "GatewayId":
        gateway = find(InternetGateway, context, target_id)
        if gateway.vpc_id != table.vpc_id:
            raise InvalidParameterValue(
                f"route table {table.resource_id} and network gateway {target_id} belong to different networks"
            )
    elif member == "NetworkInterfaceId":
        interface = find(NetworkInterface, context, target_id)
        if interface.vpc_id != table.vpc_id:
            raise InvalidParameterValue(
                f"route table {table.resource_id} and interface {target_id} belong to different networks"
            )
    elif member == "NatGatewayId":
        if _find_nat_gateway(context, target_id).vpc_id != table.vpc_id:
            raise InvalidParameterValue(
                f"route table {table.resource_id} and NAT gateway {target_id} belong to different networks"
            )
    elif member == "VpcPeeringConnectionId":
        _check_peering(context, table, target_id)
    elif member == "EgressOnlyInternetGatewayId":
        if find(EgressOnlyInternetGateway, context, target_id).vpc_id != table.vpc_id:
            raise InvalidParameterValue(
                f"route table {table.resource_id} and egress-only gateway {target_id} belong to different networks"
            )
    else:
        # Gateway endpoints bring their routes themselves; the rest Simfra has none of.
        raise missing(_TARGETS[member], [target_id])
    return member, target_id


def _find_nat_gateway(context: Context, nat_gateway_id: str) -> NatGateway:
    """The gateway that a route names, in the words in which routes say that there is none."""
    row = rows_of(NatGateway, context).filter(resource_id=nat_gateway_id, interface__isnull=False).first()
    if row is None:
        raise InvalidNatGatewayIdNotFound(f"The natGateway ID '{nat_gateway_id}' does not exist")
    return row


def _check_peering(context: Context, table: RouteTable, peering_id: str) -> None:
    own = Q(requester_vpc=table.vpc) | Q(accepter_vpc=table.vpc)
    row = VpcPeeringConnection.objects.filter(resource_id=peering_id).first()
    sides = [(row.account_id, row.region), (row.accepter_account_id, row.accepter_region)] if row else []
    if row is None or (context.account_id, context.region) not in sides:
        raise missing(kinds.VPC_PEERING_CONNECTION, [peering_id])
    if not VpcPeeringConnection.objects.filter(own, pk=row.pk).exists():
        raise InvalidParameterValue(
            f"route table {table.resource_id} and interface {peering_id} belong to different networks"
        )
    if not row.is_active:
        raise InvalidStateTransition(f"The VPC peering connection {peering_id} is not active.")
