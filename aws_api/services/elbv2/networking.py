"""What Elastic Load Balancing needs of EC2: interfaces in subnets, and whether a VPC is there."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from aws_api.core.context import Context, internal_context
from aws_api.core.errors import AwsError
from aws_api.core.instances import find_instance_address
from aws_api.core.invoke import invoke
from aws_api.core.network import NetworkAttachment, network_provider
from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.models import LoadBalancer
from aws_api.services.elbv2.shapes import (
    InvalidConfigurationRequestException,
    InvalidSecurityGroupException,
    InvalidSubnetException,
    SubnetNotFoundException,
)

REQUESTER = "amazon-elb"


def create_interface(
    context: Context, load_balancer: LoadBalancer, subnet_id: str, security_group_ids: Sequence[str]
) -> tuple[dict[str, Any], NetworkAttachment]:
    """An interface of a load balancer in a subnet, as its row keeps it, and the attachment that it is."""
    kind = "app" if load_balancer.type == "application" else "net"
    try:
        made = network_provider().create(
            context,
            subnet_ids=[subnet_id],
            security_group_ids=security_group_ids,
            description=f"ELB {kind}/{load_balancer.name}/{load_balancer.resource_id}",
            assign_public_ip=load_balancer.scheme == "internet-facing",
            requester_id=REQUESTER,
        )
    except AwsError as error:
        raise _worded(error, subnet_id, security_group_ids) from error
    kept = {"id": made.network_interface_id, "subnet_id": made.subnet_id, "zone": made.availability_zone}
    return kept, made


def check_zones(attachments: Sequence[NetworkAttachment], minimum: int) -> None:
    """One VPC, one subnet a zone, and as many zones as the type needs."""
    if len({attachment.vpc_id for attachment in attachments}) > 1:
        raise InvalidConfigurationRequestException("All subnets must belong to the same VPC")
    zones = [attachment.availability_zone for attachment in attachments]
    if len(set(zones)) != len(zones):
        raise InvalidConfigurationRequestException(
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        )
    if len(zones) < minimum:
        raise ValidationError("At least two subnets in two different Availability Zones must be specified")


def put_into_groups(context: Context, load_balancer: LoadBalancer, security_group_ids: Sequence[str]) -> None:
    """Make these the security groups of every interface of a load balancer."""
    try:
        for interface in load_balancer.interfaces:
            network_provider().set_security_groups(context, interface["id"], security_group_ids)
    except AwsError as error:
        raise _worded(error, "", security_group_ids) from error


def delete_interfaces(load_balancer: LoadBalancer, interfaces: Sequence[dict[str, Any]]) -> None:
    for interface in interfaces:
        network_provider().delete(load_balancer.account_id, load_balancer.region, interface["id"])


def attachments(load_balancer: LoadBalancer) -> list[NetworkAttachment]:
    """The load balancer's interfaces as they are now."""
    provider = network_provider()
    found = (
        provider.describe(load_balancer.account_id, load_balancer.region, interface["id"])
        for interface in load_balancer.interfaces
    )
    return [attachment for attachment in found if attachment is not None]


def vpc_blocks(context: Context, vpc_id: str) -> list[IPv4Network]:
    """The blocks of a VPC. Raises ValidationError where it is not there."""
    account = internal_context(context.account_id, context.region, context.clock)
    try:
        (vpc,) = invoke(account, "ec2", "DescribeVpcs", {"VpcIds": [vpc_id]})["Vpcs"]
    except AwsError as error:
        raise ValidationError(f"The VPC ID '{vpc_id}' is not found") from error
    blocks = [association["CidrBlock"] for association in vpc.get("CidrBlockAssociationSet", ())]
    return [IPv4Network(block) for block in blocks or [vpc["CidrBlock"]]]


def instance_address(context: Context, instance_id: str) -> IPv4Address | None:
    """The private address of a running instance, of EC2 or a container instance of ECS, or None."""
    if found := find_instance_address(context.account_id, context.region, instance_id):
        return IPv4Address(found)
    account = internal_context(context.account_id, context.region, context.clock)
    try:
        reservations = invoke(account, "ec2", "DescribeInstances", {"InstanceIds": [instance_id]})["Reservations"]
    except AwsError:
        # Not there, or Simfra has no instances: to the caller both are no target.
        return None
    instances = [instance for reservation in reservations for instance in reservation["Instances"]]
    address = instances[0].get("PrivateIpAddress") if instances else None
    return IPv4Address(address) if address else None


def _worded(error: AwsError, subnet_id: str, security_group_ids: Sequence[str]) -> AwsError:
    """EC2's error as Elastic Load Balancing words it."""
    if error.code == "InvalidSubnetID.NotFound":
        return SubnetNotFoundException(f"The subnet ID '{subnet_id}' does not exist")
    if error.code == "InsufficientFreeAddressesInSubnet":
        return InvalidSubnetException(f"Not enough IP space available in {subnet_id}.")
    if error.code.startswith("InvalidGroup") or error.code == "SecurityGroupsPerInterfaceLimitExceeded":
        return InvalidSecurityGroupException(
            error.message or f"The security groups '{', '.join(security_group_ids)}' do not exist"
        )
    return InvalidConfigurationRequestException(error.message)
