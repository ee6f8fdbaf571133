"""Route tables and their routes. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRouteTable.html"""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.ids import new_hex_id
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.addresses import parse_block, parse_block6
from aws_api.services.ec2.describe import describe_route_table
from aws_api.services.ec2.errors import (
    DependencyViolation,
    InvalidAssociationIdNotFound,
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidRouteNotFound,
    MissingParameter,
    ResourceAlreadyAssociated,
    RouteAlreadyExists,
    UnsupportedOperation,
    missing,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import (
    InternetGateway,
    NetworkInterface,
    Route,
    RouteTable,
    RouteTableAssociation,
    Subnet,
    Vpc,
)
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, rows_of
from aws_api.services.ec2.tagging import tags_for

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
#: The most that AWS's quota can be raised to.
MAX_ROUTES = 1000
#: Members that name a target; what Simfra has none of cannot exist.
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
            "associations__subnet", "associations__gateway", "routes__route_table", "vpc__cidr_associations"
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
    destination = _destination(request)
    if table.routes.filter(destination=destination).exists() or _is_local(table, destination):
        raise RouteAlreadyExists(f"The route identified by {destination} already exists.")
    if table.routes.count() >= MAX_ROUTES:
        raise UnsupportedOperation(f"The maximum number of routes in a route table is {MAX_ROUTES}.")
    target, target_id = _target(context, table, request)
    Route.objects.create(route_table=table, destination=destination, target=target, target_id=target_id)
    return {"Return": True}


@operation
def replace_route(context: Context, request: shapes.ReplaceRouteRequest) -> None:
    """Send packets for a destination somewhere else."""
    table = find(RouteTable, context, request["RouteTableId"], locked=True)
    destination = _destination(request)
    _find_route(table, destination)
    target, target_id = _target(context, table, request)
    table.routes.filter(destination=destination).update(target=target, target_id=target_id)


@operation
def delete_route(context: Context, request: shapes.DeleteRouteRequest) -> None:
    """Delete a route that is not a VPC's own."""
    table = find(RouteTable, context, request["RouteTableId"], locked=True)
    destination = _destination(request)
    if _is_local(table, destination):
        raise InvalidParameterValue(f"cannot remove local route {destination} in route table {table.resource_id}")
    _find_route(table, destination).delete()


@operation
def associate_route_table(
    context: Context, request: shapes.AssociateRouteTableRequest
) -> shapes.AssociateRouteTableResult:
    """Let a subnet use a table."""
    table = find(RouteTable, context, request["RouteTableId"], locked=True)
    if request.get("GatewayId") or request.get("PublicIpv4Pool"):
        raise UnsupportedOperation("Simfra's route tables are used by subnets only.")
    if not request.get("SubnetId"):
        raise MissingParameter("The request must contain the parameter subnetId or gatewayId")
    subnet = find(Subnet, context, request["SubnetId"], locked=True)
    if subnet.vpc_id != table.vpc_id:
        raise InvalidParameterValue(
            f"Route table {table.resource_id} and subnet {subnet.resource_id} belong to different networks"
        )
    if RouteTableAssociation.objects.filter(subnet=subnet).exists():
        raise ResourceAlreadyAssociated(
            f"the specified association for route table {table.resource_id} conflicts with an existing association"
        )
    association = RouteTableAssociation.objects.create(
        association_id=new_hex_id("rtbassoc-"), route_table=table, vpc=table.vpc, subnet=subnet
    )
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


def _destination(request: Mapping[str, Any]) -> str:
    if request.get("DestinationPrefixListId"):
        raise UnsupportedOperation("Simfra's routes lead to CIDR blocks: no DestinationPrefixListId.")
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
    return parsed


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
    else:
        raise missing(_TARGETS[member], [target_id])
    return member, target_id
