"""Route tables and internet gateways as AWS's shapes."""

from typing import Any, cast

from django.db.models import Q

from aws_api.services.ec2 import shapes
from aws_api.services.ec2.describe.tags import describe_tags
from aws_api.services.ec2.models import (
    EgressOnlyInternetGateway,
    InternetGateway,
    NatGateway,
    NetworkInterface,
    Route,
    RouteTable,
    RouteTableAssociation,
    VpcEndpoint,
    VpcPeeringConnection,
)


def describe_route_table(table: RouteTable) -> shapes.RouteTable:
    vpc = table.vpc
    local: list[shapes.Route] = [
        {
            "DestinationCidrBlock": block.cidr_block,
            "GatewayId": "local",
            "Origin": "CreateRouteTable",
            "State": "active",
        }
        for block in vpc.cidr_associations.all()
    ]
    gateway = getattr(vpc, "internet_gateway", None)
    return {
        "RouteTableId": table.resource_id,
        "VpcId": vpc.resource_id,
        "OwnerId": table.account_id,
        "Associations": [describe_route_table_association(row, table) for row in table.associations.all()],
        "PropagatingVgws": [],
        "Routes": [
            *local,
            *(_describe_route(row, gateway) for row in table.routes.all()),
            *(_describe_endpoint_route(endpoint) for endpoint in table.endpoints.all()),
        ],
        "Tags": describe_tags(table.tags),
    }


def describe_route_table_association(
    association: RouteTableAssociation, table: RouteTable
) -> shapes.RouteTableAssociation:
    shape: shapes.RouteTableAssociation = {
        "RouteTableAssociationId": association.association_id,
        "RouteTableId": table.resource_id,
        "Main": association.is_main,
        "AssociationState": {"State": "associated"},
    }
    if association.subnet is not None:
        shape["SubnetId"] = association.subnet.resource_id
    if association.gateway is not None:
        shape["GatewayId"] = association.gateway.resource_id
    return shape


def describe_internet_gateway(gateway: InternetGateway) -> shapes.InternetGateway:
    # The model names only states of being attached; EC2 answers "available" for a gateway that is.
    attachments: Any = [{"VpcId": gateway.vpc.resource_id, "State": "available"}] if gateway.vpc else []
    return {
        "InternetGatewayId": gateway.resource_id,
        "OwnerId": gateway.account_id,
        "Attachments": attachments,
        "Tags": describe_tags(gateway.tags),
    }


def describe_egress_only_internet_gateway(gateway: EgressOnlyInternetGateway) -> shapes.EgressOnlyInternetGateway:
    return {
        "EgressOnlyInternetGatewayId": gateway.resource_id,
        "Attachments": [{"State": "attached", "VpcId": gateway.vpc.resource_id}],
        "Tags": describe_tags(gateway.tags),
    }


def _describe_route(route: Route, gateway: InternetGateway | None) -> shapes.Route:
    if route.prefix_list_id is not None:
        destination = "DestinationPrefixListId"
    else:
        destination = "DestinationIpv6CidrBlock" if ":" in route.destination else "DestinationCidrBlock"
    shape: Any = {
        destination: route.destination,
        route.target: route.target_id,
        "Origin": "CreateRoute",
        "State": "active" if _leads_somewhere(route, gateway) else "blackhole",
    }
    return cast(shapes.Route, shape)


def _describe_endpoint_route(endpoint: VpcEndpoint) -> shapes.Route:
    assert endpoint.prefix_list is not None
    return {
        "DestinationPrefixListId": endpoint.prefix_list.resource_id,
        "GatewayId": endpoint.resource_id,
        "Origin": "CreateRoute",
        "State": "active",
    }


def _leads_somewhere(route: Route, gateway: InternetGateway | None) -> bool:
    """Whether the target is there still: what was deleted, or works no longer, leaves a black hole."""
    if route.target == "GatewayId":
        return route.target_id == "local" or (gateway is not None and gateway.resource_id == route.target_id)
    target = Q(resource_id=route.target_id)
    if route.target == "VpcPeeringConnectionId":
        return VpcPeeringConnection.objects.filter(target, status="active").exists()
    target &= Q(account_id=route.route_table.account_id, region=route.route_table.region)
    if route.target == "NatGatewayId":
        return NatGateway.objects.filter(target, interface__isnull=False).exists()
    if route.target == "EgressOnlyInternetGatewayId":
        return EgressOnlyInternetGateway.objects.filter(target).exists()
    return NetworkInterface.objects.filter(target).exists()
