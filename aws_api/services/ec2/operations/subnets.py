"""Subnets. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/operation-list-vpc.html"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.db.models import Count

from aws_api.core.context import Context
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.addresses import MAX_PREFIX, MIN_PREFIX, is_within, overlaps, parse_block
from aws_api.services.ec2.default_vpc import create_subnet as make_subnet
from aws_api.services.ec2.default_vpc import default_blocks
from aws_api.services.ec2.describe import describe_subnet
from aws_api.services.ec2.errors import (
    DefaultSubnetAlreadyExistsInAvailabilityZone,
    DefaultVpcDoesNotExist,
    DependencyViolation,
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidSubnetConflict,
    InvalidSubnetRange,
    UnsupportedOperation,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import Subnet, Vpc
from aws_api.services.ec2.quotas import SUBNETS_PER_VPC, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, required, rows_of
from aws_api.services.ec2.tagging import tags_for
from aws_api.services.ec2.waking import wake
from aws_api.services.ec2.zones import Zone, find_zone, zones_of

FILTERS = FilterTable(
    {
        "availability-zone": "AvailabilityZone",
        "availabilityZone": "AvailabilityZone",
        "availability-zone-id": "AvailabilityZoneId",
        "availabilityZoneId": "AvailabilityZoneId",
        "available-ip-address-count": "AvailableIpAddressCount",
        "cidr": "CidrBlock",
        "cidr-block": "CidrBlock",
        "cidrBlock": "CidrBlock",
        "customer-owned-ipv4-pool": "CustomerOwnedIpv4Pool",
        "default-for-az": "DefaultForAz",
        "defaultForAz": "DefaultForAz",
        "enable-dns64": "EnableDns64",
        "enable-lni-at-device-index": "EnableLniAtDeviceIndex",
        "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet.AssociationId",
        "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
        "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State",
        "ipv6-native": "Ipv6Native",
        "map-customer-owned-ip-on-launch": "MapCustomerOwnedIpOnLaunch",
        "map-public-ip-on-launch": "MapPublicIpOnLaunch",
        "outpost-arn": "OutpostArn",
        "owner-id": "OwnerId",
        "private-dns-name-options-on-launch.enable-resource-name-dns-a-record": (
            "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord"
        ),
        "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": (
            "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord"
        ),
        "private-dns-name-options-on-launch.hostname-type": "PrivateDnsNameOptionsOnLaunch.HostnameType",
        "state": "State",
        "subnet-arn": "SubnetArn",
        "subnet-id": "SubnetId",
        "vpc-id": "VpcId",
    }
)

#: Attributes for IPv6 and for Outposts.
_LACKING = (
    "AssignIpv6AddressOnCreation",
    "EnableDns64",
    "EnableResourceNameDnsAAAARecordOnLaunch",
    "MapCustomerOwnedIpOnLaunch",
)


@operation
def create_subnet(context: Context, request: shapes.CreateSubnetRequest) -> shapes.CreateSubnetResult:
    """Make a subnet in a free range of its VPC; without a zone, in the one that has fewest of the VPC's subnets."""
    for member in ("Ipv6CidrBlock", "Ipv6Native", "OutpostArn", "Ipv4IpamPoolId", "Ipv6IpamPoolId"):
        if request.get(member):
            raise UnsupportedOperation(f"Simfra's subnets are IPv4 ranges in an availability zone: no {member}.")
    vpc = find(Vpc, context, request["VpcId"], locked=True)
    check_quota(SUBNETS_PER_VPC, vpc.subnets.all())
    zone = _asked_zone(context, request.get("AvailabilityZone"), request.get("AvailabilityZoneId"))
    subnet = make_subnet(
        context,
        vpc,
        demanded_id(context, kinds.SUBNET, Subnet, "SubnetId"),
        _checked_range(vpc, required(request, "CidrBlock")),
        zone or _least_used_zone(vpc),
        tags=tags_for(kinds.SUBNET, request),
    )
    wake(vpc)
    return {"Subnet": describe_subnet(subnet)}


@operation
def create_default_subnet(
    context: Context, request: shapes.CreateDefaultSubnetRequest
) -> shapes.CreateDefaultSubnetResult:
    """Make a zone's default subnet again after it was deleted."""
    zone = _asked_zone(context, request.get("AvailabilityZone"), request.get("AvailabilityZoneId"))
    if zone is None:
        raise InvalidParameterCombination("Either AvailabilityZone or AvailabilityZoneId must be given.")
    default = rows_of(Vpc, context).filter(is_default=True).select_for_update(no_key=True).first()
    if default is None:
        raise DefaultVpcDoesNotExist("No default VPC exists for this account in this region.")
    if default.subnets.filter(availability_zone=zone.name, default_for_az=True).exists():
        raise DefaultSubnetAlreadyExistsInAvailabilityZone(
            f"'{zone.name}' already has a default subnet in vpc '{default.resource_id}'"
        )
    taken = list(default.subnets.values_list("cidr_block", flat=True))
    block = next((block for block in default_blocks() if not overlaps(block, taken)), None)
    if block is None:
        raise InvalidSubnetConflict("The default VPC has no free /20 block.")
    subnet = make_subnet(
        context,
        default,
        demanded_id(context, kinds.SUBNET, Subnet, "SubnetId"),
        str(block),
        zone,
        default_for_az=True,
        map_public_ip_on_launch=True,
    )
    wake(default)
    return {"Subnet": describe_subnet(subnet)}


@operation
def delete_subnet(context: Context, request: shapes.DeleteSubnetRequest) -> None:
    """Delete a subnet that no interface is in."""
    subnet = find_to_delete(Subnet, context, request["SubnetId"])
    if subnet.network_interfaces.exists():
        raise DependencyViolation(f"The subnet '{subnet.resource_id}' has dependencies and cannot be deleted.")
    subnet.delete()
    wake(subnet.vpc)


@operation
def describe_subnets(context: Context, request: shapes.DescribeSubnetsRequest) -> shapes.DescribeSubnetsResult:
    """List subnets."""
    rows = rows_of(Subnet, context).select_related("vpc").annotate(used=Count("private_addresses"))
    subnets, next_token = listed(request, rows, ids_member="SubnetIds", filters=FILTERS, describe=describe_subnet)
    return {"Subnets": subnets, **next_token}


@operation
def modify_subnet_attribute(context: Context, request: shapes.ModifySubnetAttributeRequest) -> None:
    """Set one attribute: whether instances get a public address, or which names they get."""
    subnet = find(Subnet, context, request["SubnetId"], locked=True)
    members = [member for member in request if member != "SubnetId"]
    if len(members) != 1:
        raise InvalidParameterCombination(
            "Fields for multiple attribute types specified" if members else "No attributes"
        )
    rows = Subnet.objects.filter(pk=subnet.pk)
    match members[0]:
        case "MapPublicIpOnLaunch":
            rows.update(map_public_ip_on_launch=request["MapPublicIpOnLaunch"].get("Value", False))
        case "PrivateDnsHostnameTypeOnLaunch":
            rows.update(document={**subnet.document, "HostnameType": request["PrivateDnsHostnameTypeOnLaunch"]})
        case "EnableResourceNameDnsARecordOnLaunch":
            value = request["EnableResourceNameDnsARecordOnLaunch"].get("Value", False)
            rows.update(document={**subnet.document, "EnableResourceNameDnsARecord": value})
        case other if _turns_off(request, other):
            # Terraform turns off what it does not want.
            pass
        case other:
            raise UnsupportedOperation(f"Simfra's subnets have no attribute {other}.")


def _turns_off(request: Mapping[str, Any], member: str) -> bool:
    """Whether a request asks for what is so anyway: that a subnet has not what Simfra lacks."""
    return member in _LACKING and request[member].get("Value") is False


def _checked_range(vpc: Vpc, text: str) -> str:
    block = parse_block(text)
    if block is None:
        raise InvalidParameterValue(
            f"Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        )
    blocks = vpc.cidr_associations.values_list("cidr_block", flat=True)
    if not MIN_PREFIX <= block.prefixlen <= MAX_PREFIX or not is_within(block, blocks):
        raise InvalidSubnetRange(f"The CIDR '{text}' is invalid.")
    if overlaps(block, vpc.subnets.values_list("cidr_block", flat=True)):
        raise InvalidSubnetConflict(f"The CIDR '{text}' conflicts with another subnet")
    return str(block)


def _asked_zone(context: Context, name: str | None, zone_id: str | None) -> Zone | None:
    if not name and not zone_id:
        return None
    zone = find_zone(context.region, name=name, zone_id=zone_id)
    if zone is None:
        member = "availabilityZone" if name else "availabilityZoneId"
        zones = ", ".join(zone.name if name else zone.zone_id for zone in zones_of(context.region))
        raise InvalidParameterValue(
            f"Value ({name or zone_id}) for parameter {member} is invalid. "
            f"Subnets can currently only be created in the following availability zones: {zones}."
        )
    return zone


def _least_used_zone(vpc: Vpc) -> Zone:
    used = Counter(vpc.subnets.values_list("availability_zone", flat=True))
    return min(zones_of(vpc.region), key=lambda zone: used[zone.name])
