"""Load balancers.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aws_api.core import host_ports
from aws_api.core.context import Context
from aws_api.core.errors import NotImplementedByUs
from aws_api.core.tags import tags_from_list
from aws_api.services.elbv2 import limits, shapes
from aws_api.services.elbv2.attributes import load_balancer_table, values
from aws_api.services.elbv2.changes import load_balancer_changed, load_balancer_moved
from aws_api.services.elbv2.describe import availability_zones, load_balancer_shape
from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.listing import page
from aws_api.services.elbv2.models import LoadBalancer, Target
from aws_api.services.elbv2.names import names_of_vpc_changed
from aws_api.services.elbv2.networking import (
    attachments,
    check_zones,
    create_interface,
    delete_interfaces,
    put_into_groups,
)
from aws_api.services.elbv2.service import elbv2
from aws_api.services.elbv2.store import all_found, find_load_balancer, load_balancers, new_resource_id
from aws_api.services.elbv2.tagging import checked_tags

Shape = dict[str, Any]

MAX_NAMES = 20
_NAME = re.compile(r"(?!-)(?!internal-)[A-Za-z0-9-]{1,32}(?<!-)")
_MIN_SUBNETS = {"application": 2, "network": 1}


@elbv2.operation
def create_load_balancer(context: Context, request: shapes.CreateLoadBalancerInput) -> Shape:
    """Make a load balancer; one of the same name and settings is answered as it is."""
    type_ = request.get("Type", "application")
    if type_ == "gateway":
        raise NotImplementedByUs("Simfra does not implement load balancers of type gateway yet.")
    name = request["Name"]
    _check_name(name)
    scheme = request.get("Scheme", "internet-facing")
    subnet_ids = _subnet_ids(request)
    if existing := load_balancers(context).filter(name=name).first():
        return {"LoadBalancers": [_same(existing, type_, scheme, subnet_ids)]}
    if load_balancers(context).filter(type=type_).count() >= limits.LOAD_BALANCERS:
        raise shapes.TooManyLoadBalancersException(f"The maximum number of {type_} load balancers has been reached")
    _check_address_type(request.get("IpAddressType", "ipv4"))
    group_ids = _group_ids(request.get("SecurityGroups", ()))
    resource_id = new_resource_id(context)
    kind = "app" if type_ == "application" else "net"
    arn = f"arn:aws:elasticloadbalancing:{context.region}:{context.account_id}:loadbalancer/{kind}/{name}/{resource_id}"
    internal = "internal-" if scheme == "internal" and type_ == "application" else ""
    row = LoadBalancer(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        tags=checked_tags(tags_from_list(request.get("Tags"))),
        document={member: request[member] for member in ("IpamPools",) if member in request},
        arn=arn,
        name=name,
        resource_id=resource_id,
        dns_label=_dns_label(f"{internal}{name}", resource_id, type_),
        type=type_,
        scheme=scheme,
    )
    made = [create_interface(context, row, subnet_id, group_ids) for subnet_id in subnet_ids]
    check_zones([attachment for _, attachment in made], _MIN_SUBNETS[type_])
    row.vpc_id = made[0][1].vpc_id
    row.interfaces = [kept for kept, _ in made]
    if group_ids or type_ == "application":
        row.security_group_ids = list(made[0][1].security_group_ids)
    row.save()
    names_of_vpc_changed(row)
    load_balancer_changed(row)
    return {"LoadBalancers": [load_balancer_shape(row)]}


@elbv2.operation
def describe_load_balancers(context: Context, request: shapes.DescribeLoadBalancersInput) -> Shape:
    """List load balancers, all or those of ARNs or names."""
    arns, names = request.get("LoadBalancerArns"), request.get("Names")
    if arns and names:
        raise ValidationError("Load balancer ARNs and load balancer names cannot be specified at the same time")
    if len(arns or names or ()) > MAX_NAMES:
        raise ValidationError(f"Up to {MAX_NAMES} load balancers can be described in a single call")
    rows = load_balancers(context)
    if arns:
        rows = rows.filter(arn__in=arns)
    if names:
        rows = rows.filter(name__in=names)
    found, marker = page(request, rows)
    if (arns or names) and not request.get("Marker") and not marker and not all_found(found, arns or names or []):
        known = {row.arn for row in found} | {row.name for row in found}
        missing = [wanted for wanted in arns or names or [] if wanted not in known]
        raise shapes.LoadBalancerNotFoundException(f"Load balancers '[{', '.join(missing)}]' not found")
    return {"LoadBalancers": [load_balancer_shape(row) for row in found], **marker}


@elbv2.operation
def delete_load_balancer(context: Context, request: shapes.DeleteLoadBalancerInput) -> Shape:
    """Delete a load balancer with its listeners; one that is not there is deleted already."""
    rows = load_balancers(context).select_for_update().filter(arn=request["LoadBalancerArn"])
    row = rows.first()
    if row is None:
        return {}
    if values(load_balancer_table(row), row.attributes)["deletion_protection.enabled"] == "true":
        raise shapes.OperationNotPermittedException(
            f"Load balancer '{row.arn}' cannot be deleted because deletion protection is enabled"
        )
    if Target.objects.filter(target_id=row.arn, draining_since__isnull=True).exists():
        raise shapes.ResourceInUseException(
            f"Load balancer '{row.arn}' cannot be deleted because it is registered as a target"
        )
    row.listeners.all().delete()
    row.desired_deleted = True
    row.save(update_fields=["desired_deleted"])
    host_ports.withdraw(row.arn)
    names_of_vpc_changed(row)
    load_balancer_changed(row)
    return {}


@elbv2.operation
def set_security_groups(context: Context, request: shapes.SetSecurityGroupsInput) -> Shape:
    """Put the load balancer's interfaces into other security groups."""
    row = find_load_balancer(context, request["LoadBalancerArn"], locked=True)
    group_ids = _group_ids(request["SecurityGroups"])
    if not group_ids:
        raise shapes.InvalidConfigurationRequestException("At least one security group must be specified")
    if row.type == "network" and not row.security_group_ids:
        raise shapes.InvalidConfigurationRequestException(
            "Security groups cannot be added to a load balancer that was created without any"
        )
    put_into_groups(context, row, group_ids)
    row.security_group_ids = group_ids
    member = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
    if member in request:
        row.document = {**row.document, member: request.get(member)}
    row.save(update_fields=["security_group_ids", "document"])
    return {
        "SecurityGroupIds": row.security_group_ids,
        **({member: row.document[member]} if member in row.document else {}),
    }


@elbv2.operation
def set_subnets(context: Context, request: shapes.SetSubnetsInput) -> Shape:
    """Move the load balancer into other subnets; in those that it has already it keeps its address."""
    row = find_load_balancer(context, request["LoadBalancerArn"], locked=True)
    subnet_ids = _subnet_ids(request)
    if "IpAddressType" in request:
        _check_address_type(request["IpAddressType"])
    kept = {interface["subnet_id"]: interface for interface in row.interfaces}
    if row.type == "network" and not set(kept) <= set(subnet_ids):
        raise shapes.InvalidConfigurationRequestException(
            "Subnets cannot be removed from load balancers of type 'network'"
        )
    gone = [interface for subnet_id, interface in kept.items() if subnet_id not in subnet_ids]
    row.interfaces = [
        kept[subnet_id] if subnet_id in kept else create_interface(context, row, subnet_id, row.security_group_ids)[0]
        for subnet_id in subnet_ids
    ]
    found = attachments(row)
    check_zones(found, _MIN_SUBNETS[row.type])
    delete_interfaces(row, gone)
    row.save(update_fields=["interfaces"])
    names_of_vpc_changed(row)
    load_balancer_changed(row)
    load_balancer_moved(row, found[0].private_address)
    return {"AvailabilityZones": availability_zones(row), "IpAddressType": row.ip_address_type}


@elbv2.operation
def set_ip_address_type(context: Context, request: shapes.SetIpAddressTypeInput) -> Shape:
    """Only IPv4 is to be had."""
    row = find_load_balancer(context, request["LoadBalancerArn"], locked=True)
    _check_address_type(request["IpAddressType"])
    return {"IpAddressType": row.ip_address_type}


@elbv2.operation
def modify_ip_pools(context: Context, request: shapes.ModifyIpPoolsInput) -> Shape:
    """Keep which address pools were asked for; addresses come from Simfra's own."""
    row = find_load_balancer(context, request["LoadBalancerArn"], locked=True)
    pools = {**row.document.get("IpamPools", {}), **request.get("IpamPools", {})}
    if "ipv4" in request.get("RemoveIpamPools", ()):
        pools.pop("Ipv4IpamPoolId", None)
    row.document = {**row.document, "IpamPools": pools}
    row.save(update_fields=["document"])
    return {"IpamPools": pools}


# The parts ------------------------------------------------------------------------------------------------------------


def _check_name(name: str) -> None:
    if len(name) > 32:
        raise ValidationError(f"The load balancer name '{name}' cannot be longer than '32' characters")
    if _NAME.fullmatch(name) is None:
        raise ValidationError(
            f"The load balancer name '{name}' can only contain alphanumeric characters and hyphens, and must not begin "
            "or end with a hyphen, or begin with 'internal-'"
        )


def _check_address_type(address_type: str) -> None:
    if address_type != "ipv4":
        raise shapes.InvalidConfigurationRequestException(
            f"The IP address type '{address_type}' needs subnets with IPv6 addresses, which Simfra does not have"
        )


def _subnet_ids(request: Mapping[str, Any]) -> list[str]:
    subnets, mappings = request.get("Subnets") or [], request.get("SubnetMappings") or []
    if subnets and mappings:
        raise ValidationError("Subnets and subnet mappings cannot be specified at the same time")
    found = list(subnets) or [mapping.get("SubnetId", "") for mapping in mappings]
    if not found:
        raise ValidationError("At least one subnet must be specified")
    if len(set(found)) != len(found):
        raise shapes.InvalidConfigurationRequestException("A subnet cannot be specified more than once")
    return found


def _group_ids(group_ids: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(group_ids))
    if len(found) > limits.SECURITY_GROUPS_PER_LOAD_BALANCER:
        raise shapes.InvalidConfigurationRequestException(
            f"A load balancer can have at most {limits.SECURITY_GROUPS_PER_LOAD_BALANCER} security groups"
        )
    return found


def _dns_label(name: str, resource_id: str, type_: str) -> str:
    """Application load balancers' names end with decimal digits, network load balancers' with their id."""
    if type_ == "network":
        return f"{name}-{resource_id}"
    try:
        number = int(resource_id, 16) % 10**10
    except ValueError:
        # The caller demanded an id that is no number.
        return f"{name}-{resource_id}"
    return f"{name}-{number}"


def _same(row: LoadBalancer, type_: str, scheme: str, subnet_ids: Sequence[str]) -> Shape:
    had = {interface["subnet_id"] for interface in row.interfaces}
    if row.type != type_ or row.scheme != scheme or had != set(subnet_ids):
        raise shapes.DuplicateLoadBalancerNameException(
            f"A load balancer with the same name '{row.name}' exists, but with different settings"
        )
    return load_balancer_shape(row)
