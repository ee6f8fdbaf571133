"""VPCs. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/operation-list-vpc.html"""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from django.conf import settings
from django.db.models import Q

from aws_api.core.context import Context
from aws_api.core.ids import new_hex_id
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.addresses import MAX_PREFIX, MIN_PREFIX, overlaps, parse_block
from aws_api.services.ec2.default_vpc import create_default_vpc as make_default_vpc
from aws_api.services.ec2.default_vpc import create_vpc as make_vpc
from aws_api.services.ec2.describe import describe_cidr_association, describe_vpc
from aws_api.services.ec2.errors import (
    DefaultVpcAlreadyExists,
    DependencyViolation,
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidVpcCidrBlockAssociationIdNotFound,
    InvalidVpcRange,
    OperationNotPermitted,
    UnsupportedOperation,
    VpcCidrBlockLimitExceeded,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import SecurityGroup, SecurityGroupRule, Vpc, VpcCidrAssociation, VpcPeeringConnection
from aws_api.services.ec2.peerings import LIVE, peerings_of
from aws_api.services.ec2.quotas import VPCS, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, required, rows_of
from aws_api.services.ec2.tagging import tags_for
from aws_api.services.ec2.waking import wake

FILTERS = FilterTable(
    {
        "cidr": "CidrBlock",
        "cidr-block-association.association-id": "CidrBlockAssociationSet.AssociationId",
        "cidr-block-association.cidr-block": "CidrBlockAssociationSet.CidrBlock",
        "cidr-block-association.state": "CidrBlockAssociationSet.CidrBlockState.State",
        "dhcp-options-id": "DhcpOptionsId",
        "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet.AssociationId",
        "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
        "ipv6-cidr-block-association.ipv6-pool": "Ipv6CidrBlockAssociationSet.Ipv6Pool",
        "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State",
        "is-default": "IsDefault",
        "isDefault": "IsDefault",
        "owner-id": "OwnerId",
        "state": "State",
        "vpc-id": "VpcId",
    }
)
MAX_CIDR_BLOCKS = 50
#: This network, loopback, link-local and multicast: EC2 refuses blocks in them.
_FORBIDDEN_BLOCKS = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")
#: Members that ask for what Simfra has not.
_UNSUPPORTED = (
    "AmazonProvidedIpv6CidrBlock",
    "Ipv6CidrBlock",
    "Ipv6Pool",
    "Ipv6IpamPoolId",
    "Ipv4IpamPoolId",
    "Ipv4NetmaskLength",
    "Ipv6NetmaskLength",
)
_ATTRIBUTES = {
    "EnableDnsSupport": "enable_dns_support",
    "EnableDnsHostnames": "enable_dns_hostnames",
    "EnableNetworkAddressUsageMetrics": "enable_network_address_usage_metrics",
}


@operation
def create_vpc(context: Context, request: shapes.CreateVpcRequest) -> shapes.CreateVpcResult:
    """Make a VPC with its main route table, default security group and default network ACL."""
    block = _checked_block(request)
    check_quota(VPCS, rows_of(Vpc, context))
    vpc = make_vpc(
        context,
        demanded_id(context, kinds.VPC, Vpc, "VpcId"),
        str(block),
        instance_tenancy=request.get("InstanceTenancy", "default"),
        tags=tags_for(kinds.VPC, request),
    )
    return {"Vpc": describe_vpc(vpc)}


@operation
def create_default_vpc(context: Context, request: shapes.CreateDefaultVpcRequest) -> shapes.CreateDefaultVpcResult:
    """Make the default VPC again after it was deleted."""
    if default := rows_of(Vpc, context).filter(is_default=True).first():
        raise DefaultVpcAlreadyExists(f"A Default VPC already exists for this account in this region. ({default})")
    return {"Vpc": describe_vpc(make_default_vpc(context))}


@operation
def delete_vpc(context: Context, request: shapes.DeleteVpcRequest) -> None:
    """Delete a VPC and what it was born with; its network is taken down in the background."""
    vpc = find_to_delete(Vpc, context, request["VpcId"])
    main_tables = vpc.route_table_associations.filter(subnet=None, gateway=None).values("route_table")
    others = SecurityGroup.objects.filter(vpc=vpc).exclude(group_name="default")
    if (
        vpc.subnets.exists()
        or vpc.network_interfaces.exists()
        or others.exists()
        or hasattr(vpc, "internet_gateway")
        or vpc.route_tables.exclude(pk__in=main_tables).exists()
        or vpc.network_acls.filter(is_default=False).exists()
        or vpc.endpoints.exists()
        or SecurityGroupRule.objects.filter(referenced_group__vpc=vpc).exclude(group__vpc=vpc).exists()
        or vpc.egress_only_internet_gateways.exists()
    ):
        raise DependencyViolation(f"The vpc '{vpc.resource_id}' has dependencies and cannot be deleted.")
    _end_peerings(context, vpc)
    for group in vpc.security_groups.all():
        group.rules.all().delete()
        group.delete()
    vpc.route_table_associations.all().delete()
    vpc.route_tables.all().delete()
    vpc.network_acls.all().delete()
    vpc.delete()
    wake(vpc)


@operation
def describe_vpcs(context: Context, request: shapes.DescribeVpcsRequest) -> shapes.DescribeVpcsResult:
    """List VPCs."""
    rows = rows_of(Vpc, context).select_related("dhcp_options").prefetch_related("cidr_associations")
    vpcs, next_token = listed(request, rows, ids_member="VpcIds", filters=FILTERS, describe=describe_vpc)
    return {"Vpcs": vpcs, **next_token}


@operation
def modify_vpc_attribute(context: Context, request: shapes.ModifyVpcAttributeRequest) -> None:
    """Set one attribute."""
    vpc = find(Vpc, context, request["VpcId"], locked=True)
    attributes: Mapping[str, Any] = request
    given = {column: attributes[member].get("Value") for member, column in _ATTRIBUTES.items() if member in attributes}
    if len(given) != 1:
        raise InvalidParameterCombination("Fields for multiple attribute types specified" if given else "No attributes")
    if given.get("enable_dns_hostnames") and not vpc.enable_dns_support:
        raise InvalidParameterValue("DNS hostnames cannot be enabled while DNS support is disabled.")
    Vpc.objects.filter(pk=vpc.pk).update(**given)
    # Its resolver comes and goes with DNS support.
    wake(vpc)


@operation
def describe_vpc_attribute(
    context: Context, request: shapes.DescribeVpcAttributeRequest
) -> shapes.DescribeVpcAttributeResult:
    """Tell one attribute."""
    vpc = find(Vpc, context, request["VpcId"])
    match request["Attribute"]:
        case "enableDnsSupport":
            return {"VpcId": vpc.resource_id, "EnableDnsSupport": {"Value": vpc.enable_dns_support}}
        case "enableDnsHostnames":
            return {"VpcId": vpc.resource_id, "EnableDnsHostnames": {"Value": vpc.enable_dns_hostnames}}
        case "enableNetworkAddressUsageMetrics":
            value = vpc.enable_network_address_usage_metrics
            return {"VpcId": vpc.resource_id, "EnableNetworkAddressUsageMetrics": {"Value": value}}
        case other:
            raise InvalidParameterValue(f"Value ({other}) for parameter attribute is invalid. Unknown attribute.")


@operation
def associate_vpc_cidr_block(
    context: Context, request: shapes.AssociateVpcCidrBlockRequest
) -> shapes.AssociateVpcCidrBlockResult:
    """Add a block to a VPC."""
    vpc = find(Vpc, context, request["VpcId"], locked=True)
    block = _checked_block(request)
    blocks = list(vpc.cidr_associations.values_list("cidr_block", flat=True))
    if overlaps(block, blocks):
        raise InvalidVpcRange(f"The CIDR '{block}' conflicts with another CIDR block of the VPC.")
    if len(blocks) >= MAX_CIDR_BLOCKS:
        raise VpcCidrBlockLimitExceeded("The maximum number of CIDR blocks for this VPC has been reached.")
    _refuse_peered_overlap(vpc, block)
    association = VpcCidrAssociation.objects.create(
        vpc=vpc, association_id=new_hex_id("vpc-cidr-assoc-"), cidr_block=str(block)
    )
    wake(vpc)
    return {
        "VpcId": vpc.resource_id,
        "CidrBlockAssociation": describe_cidr_association(association, "associating"),
    }


@operation
def disassociate_vpc_cidr_block(
    context: Context, request: shapes.DisassociateVpcCidrBlockRequest
) -> shapes.DisassociateVpcCidrBlockResult:
    """Take a block that is not the primary one from a VPC."""
    association_id = request["AssociationId"]
    association = (
        VpcCidrAssociation.objects.filter(
            association_id=association_id, vpc__account_id=context.account_id, vpc__region=context.region
        )
        .select_related("vpc")
        .first()
    )
    if association is None:
        raise InvalidVpcCidrBlockAssociationIdNotFound(
            f"The vpc CIDR block with association ID {association_id} does not exist"
        )
    vpc = find(Vpc, context, association.vpc.resource_id, locked=True)
    if association.cidr_block == vpc.cidr_block:
        raise OperationNotPermitted(
            f"The vpc CIDR block with association ID {association_id} may not be disassociated. "
            "It is the primary IPv4 CIDR block of the VPC"
        )
    if overlaps(IPv4Network(association.cidr_block), vpc.subnets.values_list("cidr_block", flat=True)):
        raise DependencyViolation(
            f"The vpc CIDR block with association ID {association_id} has dependencies and cannot be disassociated."
        )
    answer = describe_cidr_association(association, "disassociating")
    association.delete()
    wake(vpc)
    return {"VpcId": vpc.resource_id, "CidrBlockAssociation": answer}


def _refuse_peered_overlap(vpc: Vpc, block: IPv4Network) -> None:
    """A block that a peered VPC has could not be routed."""
    peerings = peerings_of(vpc).filter(status="active")
    others = VpcCidrAssociation.objects.filter(
        Q(vpc__requested_peering_connections__in=peerings) | Q(vpc__accepted_peering_connections__in=peerings)
    ).exclude(vpc=vpc)
    if overlaps(block, others.values_list("cidr_block", flat=True)):
        raise InvalidVpcRange(f"The CIDR '{block}' conflicts with a CIDR block of a peered VPC.")


def _end_peerings(context: Context, vpc: Vpc) -> None:
    """A VPC takes its peering connections with it; the other side sees them deleted for a while."""
    for peering in peerings_of(vpc).filter(status__in=LIVE).select_related("requester_vpc", "accepter_vpc"):
        VpcPeeringConnection.objects.filter(pk=peering.pk).update(
            status="deleted",
            status_message=f"Deleted by {context.account_id}",
            expires_at=None,
            ended_at=context.clock.now(),
        )
        wake(peering.requester_vpc, peering.accepter_vpc)


def _checked_block(request: Mapping[str, Any]) -> IPv4Network:
    for member in _UNSUPPORTED:
        if request.get(member):
            raise UnsupportedOperation(f"Simfra's VPCs have IPv4 blocks of their own choice only: no {member}.")
    text = required(request, "CidrBlock")
    block = parse_block(text)
    if block is None:
        raise InvalidParameterValue(
            f"Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        )
    if not MIN_PREFIX <= block.prefixlen <= MAX_PREFIX or overlaps(block, _FORBIDDEN_BLOCKS):
        raise InvalidVpcRange(f"The CIDR '{text}' is invalid.")
    uplink = settings.SIMFRA_UPLINK_SUBNET
    if overlaps(block, [uplink]):
        # On AWS it would do; here its gateway could not tell the VPC from the way out of it.
        raise InvalidVpcRange(f"The CIDR '{text}' is invalid. Simfra itself uses {uplink} (SIMFRA_UPLINK_SUBNET).")
    return block
