"""What the console lists of EC2."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db.models import Count, QuerySet

from aws_api.core.context import internal_context
from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.ec2 import describe
from aws_api.services.ec2.models import (
    ElasticIp,
    InternetGateway,
    ManagedPrefixList,
    NatGateway,
    NetworkAcl,
    NetworkInterface,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
    VpcEndpoint,
)
from aws_api.services.ec2.peerings import visible_peerings

#: A page for people; who has more asks the API.
MAX_LISTED = 1000


def _lister(
    rows: "QuerySet[Any]", describe_row: Callable[[Any], Mapping[str, Any]]
) -> Callable[[str, str], Iterable[Mapping[str, Any]]]:
    def list_them(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
        return map(describe_row, rows.filter(account_id=account_id, region=region).order_by("pk")[:MAX_LISTED])

    return list_them


for _name, _plural, _columns, _list in (
    (
        "VPC",
        "VPCs",
        ("VpcId", "CidrBlock", "IsDefault", "State"),
        _lister(
            Vpc.objects.select_related("dhcp_options").prefetch_related("cidr_associations"), describe.describe_vpc
        ),
    ),
    (
        "subnet",
        "subnets",
        ("SubnetId", "VpcId", "CidrBlock", "AvailabilityZone", "AvailableIpAddressCount"),
        _lister(
            Subnet.objects.select_related("vpc").annotate(used=Count("private_addresses")), describe.describe_subnet
        ),
    ),
    (
        "security group",
        "security groups",
        ("GroupId", "GroupName", "VpcId", "Description"),
        _lister(
            SecurityGroup.objects.select_related("vpc").prefetch_related(
                "rules__referenced_group", "rules__prefix_list"
            ),
            describe.describe_security_group,
        ),
    ),
    (
        "route table",
        "route tables",
        ("RouteTableId", "VpcId"),
        _lister(
            RouteTable.objects.select_related("vpc__internet_gateway").prefetch_related(
                "associations__subnet",
                "associations__gateway",
                "endpoints__prefix_list",
                "routes__route_table",
                "vpc__cidr_associations",
            ),
            describe.describe_route_table,
        ),
    ),
    (
        "network interface",
        "network interfaces",
        ("NetworkInterfaceId", "PrivateIpAddress", "SubnetId", "Status", "Description"),
        _lister(
            NetworkInterface.objects.select_related("subnet", "vpc").prefetch_related(
                "groups", "private_addresses__elastic_ip"
            ),
            describe.describe_network_interface,
        ),
    ),
    (
        "internet gateway",
        "internet gateways",
        ("InternetGatewayId", "Attachments"),
        _lister(InternetGateway.objects.select_related("vpc"), describe.describe_internet_gateway),
    ),
    (
        "NAT gateway",
        "NAT gateways",
        ("NatGatewayId", "VpcId", "SubnetId", "ConnectivityType", "State"),
        _lister(
            NatGateway.objects.select_related("vpc", "subnet", "interface").prefetch_related(
                "interface__private_addresses__elastic_ip"
            ),
            describe.describe_nat_gateway,
        ),
    ),
    (
        "elastic IP",
        "elastic IPs",
        ("AllocationId", "PublicIp", "NetworkInterfaceId", "PrivateIpAddress"),
        _lister(ElasticIp.objects.select_related("private_address__interface"), describe.describe_address),
    ),
    (
        "network ACL",
        "network ACLs",
        ("NetworkAclId", "VpcId", "IsDefault"),
        _lister(
            NetworkAcl.objects.select_related("vpc").prefetch_related("associations__subnet", "entries"),
            describe.describe_network_acl,
        ),
    ),
    (
        "VPC endpoint",
        "VPC endpoints",
        ("VpcEndpointId", "VpcId", "ServiceName", "VpcEndpointType", "State"),
        _lister(
            VpcEndpoint.objects.select_related("vpc").prefetch_related(
                "route_tables", "security_groups", "interfaces__subnet"
            ),
            describe.describe_vpc_endpoint,
        ),
    ),
    (
        "prefix list",
        "prefix lists",
        ("PrefixListId", "PrefixListName", "AddressFamily", "Version", "OwnerId"),
        _lister(ManagedPrefixList.objects.all(), describe.describe_managed_prefix_list),
    ),
):
    register_resource_type(ResourceType(service="ec2", name=_name, plural=_plural, columns=_columns, list=_list))


def _list_peerings(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    """Connections that an account asked for or was asked for."""
    context = internal_context(account_id, region)
    rows = visible_peerings(context).prefetch_related(
        "requester_vpc__cidr_associations", "accepter_vpc__cidr_associations"
    )
    return (describe.describe_vpc_peering_connection(row, context) for row in rows.order_by("pk")[:MAX_LISTED])


register_resource_type(
    ResourceType(
        service="ec2",
        name="VPC peering connection",
        plural="VPC peering connections",
        columns=("VpcPeeringConnectionId", "Status"),
        list=_list_peerings,
    )
)
