"""EC2's operations, one module per family of resources."""

from aws_api.services.ec2.operations import (
    dhcp_options,
    internet_gateways,
    network_acls,
    network_interfaces,
    regions,
    route_tables,
    security_group_rules,
    security_groups,
    subnets,
    tags,
    vpcs,
)

__all__ = [
    "dhcp_options",
    "internet_gateways",
    "network_acls",
    "network_interfaces",
    "regions",
    "route_tables",
    "security_group_rules",
    "security_groups",
    "subnets",
    "tags",
    "vpcs",
]
