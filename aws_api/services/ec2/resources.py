"""What the console lists of EC2."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db.models import Count, QuerySet

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.ec2 import describe
from aws_api.services.ec2.models import NetworkInterface, RouteTable, SecurityGroup, Subnet, Vpc

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
            SecurityGroup.objects.select_related("vpc").prefetch_related("rules__referenced_group"),
            describe.describe_security_group,
        ),
    ),
    (
        "route table",
        "route tables",
        ("RouteTableId", "VpcId"),
        _lister(
            RouteTable.objects.select_related("vpc__internet_gateway").prefetch_related(
                "associations__subnet", "associations__gateway", "routes__route_table", "vpc__cidr_associations"
            ),
            describe.describe_route_table,
        ),
    ),
    (
        "network interface",
        "network interfaces",
        ("NetworkInterfaceId", "PrivateIpAddress", "SubnetId", "Status", "Description"),
        _lister(
            NetworkInterface.objects.select_related("subnet", "vpc").prefetch_related("groups", "private_addresses"),
            describe.describe_network_interface,
        ),
    ),
):
    register_resource_type(ResourceType(service="ec2", name=_name, plural=_plural, columns=_columns, list=_list))
