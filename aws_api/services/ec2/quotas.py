"""How much of each kind an account may have: AWS's quotas, at or near the most that AWS raises them to.

AWS's own defaults (5 VPCs in a region, 5 elastic IPs ...) would be in the way of tests that run side by side.
https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from aws_api.services.ec2.errors import error_of


@dataclass(frozen=True, kw_only=True)
class Quota:
    """The most there may be of something, and EC2's error where there would be more."""

    maximum: int
    code: str
    noun: str


VPCS = Quota(maximum=1000, code="VpcLimitExceeded", noun="VPCs")
SUBNETS_PER_VPC = Quota(maximum=1000, code="SubnetLimitExceeded", noun="subnets")
SECURITY_GROUPS = Quota(maximum=10_000, code="SecurityGroupLimitExceeded", noun="security groups")
INTERNET_GATEWAYS = Quota(maximum=1000, code="InternetGatewayLimitExceeded", noun="internet gateways")
EGRESS_ONLY_INTERNET_GATEWAYS = Quota(
    maximum=1000, code="EgressOnlyInternetGatewayLimitExceeded", noun="egress-only internet gateways"
)
NAT_GATEWAYS = Quota(maximum=1000, code="NatGatewayLimitExceeded", noun="NAT gateways")
ADDRESSES = Quota(maximum=1000, code="AddressLimitExceeded", noun="addresses")
ROUTE_TABLES_PER_VPC = Quota(maximum=1000, code="RouteTableLimitExceeded", noun="route tables")
ROUTES_PER_TABLE = Quota(maximum=1000, code="RouteLimitExceeded", noun="routes in a route table")
NETWORK_ACLS_PER_VPC = Quota(maximum=1000, code="NetworkAclLimitExceeded", noun="network ACLs")
NETWORK_ACL_ENTRIES = Quota(
    maximum=40, code="NetworkAclEntryLimitExceeded", noun="entries of a direction in a network ACL"
)
NETWORK_INTERFACES = Quota(maximum=5000, code="NetworkInterfaceLimitExceeded", noun="network interfaces")
PEERING_CONNECTIONS_PER_VPC = Quota(
    maximum=125, code="VpcPeeringConnectionsPerVpcLimitExceeded", noun="VPC peering connections of a VPC"
)
ENDPOINTS_PER_VPC = Quota(maximum=255, code="VpcEndpointLimitExceeded", noun="VPC endpoints of a VPC")
PREFIX_LISTS = Quota(maximum=100, code="PrefixListLimitExceeded", noun="prefix lists")
DHCP_OPTIONS = Quota(maximum=1000, code="DhcpOptionsLimitExceeded", noun="DHCP option sets")
FLOW_LOGS_PER_RESOURCE = Quota(maximum=10, code="FlowLogsLimitExceeded", noun="flow logs of a resource")


def check_quota(quota: Quota, rows: "QuerySet[Any]") -> None:
    """Raise the quota's error where one more than these rows would be too many."""
    if rows.count() >= quota.maximum:
        raise error_of(quota.code)(f"The maximum number of {quota.noun} has been reached.")
