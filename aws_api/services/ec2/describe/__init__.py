"""Rows of EC2 as AWS's shapes."""

from aws_api.services.ec2.describe.endpoints import describe_endpoint_service, describe_vpc_endpoint
from aws_api.services.ec2.describe.flow_logs import describe_flow_log
from aws_api.services.ec2.describe.interfaces import (
    describe_address,
    describe_address_attribute,
    describe_attachment,
    describe_interface_permission,
    describe_network_interface,
    elastic_ip_of,
)
from aws_api.services.ec2.describe.nat_gateways import describe_nat_gateway, describe_nat_gateway_addresses
from aws_api.services.ec2.describe.network_acls import describe_network_acl, describe_network_acl_entry
from aws_api.services.ec2.describe.peering import describe_peering_options, describe_vpc_peering_connection
from aws_api.services.ec2.describe.prefix_lists import describe_managed_prefix_list
from aws_api.services.ec2.describe.routing import (
    describe_egress_only_internet_gateway,
    describe_internet_gateway,
    describe_route_table,
    describe_route_table_association,
)
from aws_api.services.ec2.describe.security_groups import (
    describe_permissions,
    describe_security_group,
    describe_security_group_rule,
    describe_user_id_group_pair,
)
from aws_api.services.ec2.describe.tags import describe_tags
from aws_api.services.ec2.describe.vpcs import (
    describe_cidr_association,
    describe_dhcp_options,
    describe_subnet,
    describe_vpc,
)

__all__ = [
    "describe_address",
    "describe_address_attribute",
    "describe_attachment",
    "describe_cidr_association",
    "describe_dhcp_options",
    "describe_egress_only_internet_gateway",
    "describe_endpoint_service",
    "describe_flow_log",
    "describe_interface_permission",
    "describe_internet_gateway",
    "describe_managed_prefix_list",
    "describe_nat_gateway",
    "describe_nat_gateway_addresses",
    "describe_network_acl",
    "describe_network_acl_entry",
    "describe_network_interface",
    "describe_peering_options",
    "describe_permissions",
    "describe_route_table",
    "describe_route_table_association",
    "describe_security_group",
    "describe_security_group_rule",
    "describe_subnet",
    "describe_tags",
    "describe_user_id_group_pair",
    "describe_vpc",
    "describe_vpc_endpoint",
    "describe_vpc_peering_connection",
    "elastic_ip_of",
]
