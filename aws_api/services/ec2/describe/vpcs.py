"""VPCs, subnets and DHCP options as AWS's shapes."""

from typing import cast

from aws_api.services.ec2 import shapes
from aws_api.services.ec2.addresses import usable_count
from aws_api.services.ec2.describe.tags import describe_tags
from aws_api.services.ec2.models import DhcpOptions, Subnet, Vpc, VpcCidrAssociation
from aws_api.services.ec2.zones import find_zone


def describe_vpc(vpc: Vpc) -> shapes.Vpc:
    return {
        "VpcId": vpc.resource_id,
        "OwnerId": vpc.account_id,
        "State": "available",
        "CidrBlock": vpc.cidr_block,
        "CidrBlockAssociationSet": [describe_cidr_association(row) for row in vpc.cidr_associations.all()],
        "DhcpOptionsId": vpc.dhcp_options.resource_id if vpc.dhcp_options else "default",
        "InstanceTenancy": cast(shapes.Tenancy, vpc.instance_tenancy),
        "IsDefault": vpc.is_default,
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "Tags": describe_tags(vpc.tags),
    }


def describe_cidr_association(
    association: VpcCidrAssociation, state: shapes.VpcCidrBlockStateCode = "associated"
) -> shapes.VpcCidrBlockAssociation:
    return {
        "AssociationId": association.association_id,
        "CidrBlock": association.cidr_block,
        "CidrBlockState": {"State": state},
    }


def describe_subnet(subnet: Subnet) -> shapes.Subnet:
    """``subnet.used``, where the query counted it, saves a query."""
    zone = find_zone(subnet.region, name=subnet.availability_zone)
    used = getattr(subnet, "used", None)
    return {
        "SubnetId": subnet.resource_id,
        "SubnetArn": subnet.arn,
        "OwnerId": subnet.account_id,
        "VpcId": subnet.vpc.resource_id,
        "State": "available",
        "CidrBlock": subnet.cidr_block,
        "AvailableIpAddressCount": usable_count(subnet.cidr_block)
        - (subnet.private_addresses.count() if used is None else used),
        "AvailabilityZone": subnet.availability_zone,
        "AvailabilityZoneId": zone.zone_id if zone else "",
        "DefaultForAz": subnet.default_for_az,
        "MapPublicIpOnLaunch": subnet.map_public_ip_on_launch,
        "MapCustomerOwnedIpOnLaunch": False,
        "AssignIpv6AddressOnCreation": False,
        "Ipv6CidrBlockAssociationSet": [],
        "EnableDns64": False,
        "Ipv6Native": False,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": subnet.document.get("HostnameType", "ip-name"),
            "EnableResourceNameDnsARecord": subnet.document.get("EnableResourceNameDnsARecord", False),
            "EnableResourceNameDnsAAAARecord": False,
        },
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "Tags": describe_tags(subnet.tags),
    }


def describe_dhcp_options(options: DhcpOptions) -> shapes.DhcpOptions:
    return {
        "DhcpOptionsId": options.resource_id,
        "OwnerId": options.account_id,
        "DhcpConfigurations": [
            {"Key": key, "Values": [{"Value": value} for value in values]} for key, values in options.options.items()
        ],
        "Tags": describe_tags(options.tags),
    }
