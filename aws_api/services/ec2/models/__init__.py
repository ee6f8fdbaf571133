"""Rows of EC2: each resource has its id, unique in its account and region, in ``resource_id``."""

from aws_api.services.ec2.models.endpoints import VpcEndpoint
from aws_api.services.ec2.models.flow_logs import FlowLog
from aws_api.services.ec2.models.interfaces import (
    ElasticIp,
    NetworkInterface,
    NetworkInterfacePermission,
    PrivateAddress,
)
from aws_api.services.ec2.models.namespaces import SpareNamespace
from aws_api.services.ec2.models.nat_gateways import NatGateway
from aws_api.services.ec2.models.network_acls import NetworkAcl, NetworkAclAssociation, NetworkAclEntry
from aws_api.services.ec2.models.peering import VpcPeeringConnection
from aws_api.services.ec2.models.prefix_lists import ManagedPrefixList, PrefixListEntry
from aws_api.services.ec2.models.regions import ClientToken, PreparedRegion
from aws_api.services.ec2.models.resource import Ec2Resource, ec2_resources, model_of
from aws_api.services.ec2.models.routing import (
    EgressOnlyInternetGateway,
    InternetGateway,
    Route,
    RouteTable,
    RouteTableAssociation,
)
from aws_api.services.ec2.models.security_groups import SecurityGroup, SecurityGroupRule
from aws_api.services.ec2.models.vpcs import DhcpOptions, Subnet, Vpc, VpcCidrAssociation, VpcNetwork

__all__ = [
    "ClientToken",
    "DhcpOptions",
    "Ec2Resource",
    "EgressOnlyInternetGateway",
    "ElasticIp",
    "FlowLog",
    "InternetGateway",
    "ManagedPrefixList",
    "NatGateway",
    "NetworkAcl",
    "NetworkAclAssociation",
    "NetworkAclEntry",
    "NetworkInterface",
    "NetworkInterfacePermission",
    "PrefixListEntry",
    "PreparedRegion",
    "PrivateAddress",
    "Route",
    "RouteTable",
    "RouteTableAssociation",
    "SecurityGroup",
    "SecurityGroupRule",
    "SpareNamespace",
    "Subnet",
    "Vpc",
    "VpcCidrAssociation",
    "VpcEndpoint",
    "VpcNetwork",
    "VpcPeeringConnection",
    "ec2_resources",
    "model_of",
]
