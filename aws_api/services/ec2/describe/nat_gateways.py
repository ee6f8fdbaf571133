"""NAT gateways as AWS's shapes."""

from typing import cast

from aws_api.services.ec2 import shapes
from aws_api.services.ec2.describe.interfaces import elastic_ip_of
from aws_api.services.ec2.describe.tags import describe_tags
from aws_api.services.ec2.models import NatGateway


def describe_nat_gateway(gateway: NatGateway) -> shapes.NatGateway:
    shape: shapes.NatGateway = {
        "NatGatewayId": gateway.resource_id,
        "VpcId": gateway.vpc.resource_id,
        "SubnetId": gateway.subnet.resource_id,
        "ConnectivityType": cast(shapes.ConnectivityType, gateway.connectivity_type),
        "CreateTime": gateway.created_at,
        "State": _state(gateway),
        "NatGatewayAddresses": describe_nat_gateway_addresses(gateway),
        "Tags": describe_tags(gateway.tags),
    }
    if gateway.deleted_at is not None:
        shape["DeleteTime"] = gateway.deleted_at
    if "FailureCode" in gateway.document:
        shape["FailureCode"] = gateway.document["FailureCode"]
        shape["FailureMessage"] = gateway.document["FailureMessage"]
    return shape


def describe_nat_gateway_addresses(gateway: NatGateway) -> list[shapes.NatGatewayAddress]:
    """The addresses that a gateway has, its primary one first; those that it had, once it was deleted."""
    interface = gateway.interface
    if interface is None:
        kept: list[shapes.NatGatewayAddress] = gateway.document.get("NatGatewayAddresses", [])
        return kept
    rows = sorted(interface.private_addresses.all(), key=lambda row: (not row.primary, row.pk))
    addresses: list[shapes.NatGatewayAddress] = []
    for row in rows:
        address: shapes.NatGatewayAddress = {
            "NetworkInterfaceId": interface.resource_id,
            "PrivateIp": str(row.address),
            "IsPrimary": row.primary,
            "Status": "succeeded",
        }
        if (elastic_ip := elastic_ip_of(row)) is not None:
            address |= {
                "AllocationId": elastic_ip.resource_id,
                "AssociationId": elastic_ip.association_id,
                "PublicIp": elastic_ip.public_address,
            }
        addresses.append(address)
    return addresses


def _state(gateway: NatGateway) -> shapes.NatGatewayState:
    if "FailureCode" in gateway.document:
        return "failed"
    return "available" if gateway.deleted_at is None else "deleted"
