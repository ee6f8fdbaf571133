"""Target groups. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html"""

import re
from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.errors import NotImplementedByUs
from aws_api.core.tags import tags_from_list
from aws_api.services.elbv2 import limits, shapes
from aws_api.services.elbv2.changes import group_changed
from aws_api.services.elbv2.describe import target_group_shape
from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.health_checks import changed_health_check, new_health_check
from aws_api.services.elbv2.listing import page
from aws_api.services.elbv2.models import TargetGroup
from aws_api.services.elbv2.networking import vpc_blocks
from aws_api.services.elbv2.service import elbv2
from aws_api.services.elbv2.store import (
    all_found,
    find_load_balancer,
    find_target_group,
    load_balancers_of,
    new_resource_id,
    target_groups,
)
from aws_api.services.elbv2.tagging import checked_tags

Shape = dict[str, Any]

_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,32}(?<!-)")
_VERSIONS = ("HTTP1", "HTTP2", "GRPC")
_PROTOCOLS = ("HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP")


@elbv2.operation
def create_target_group(context: Context, request: shapes.CreateTargetGroupInput) -> Shape:
    """Make a target group; one of the same name and settings is answered as it is."""
    target_type = request.get("TargetType", "instance")
    if target_type == "lambda":
        raise NotImplementedByUs("Simfra does not implement targets of type lambda yet.")
    name = request["Name"]
    _check_name(name)
    protocol, version = _protocol(request, target_type)
    for member in ("Port", "VpcId"):
        if not request.get(member):
            raise ValidationError(f"A {'port' if member == 'Port' else 'VPC ID'} must be specified")
    if request.get("IpAddressType", "ipv4") != "ipv4":
        raise shapes.InvalidConfigurationRequestException("Simfra does not have target groups of IPv6 addresses")
    settings = {
        "target_type": target_type,
        "protocol": protocol,
        "protocol_version": version,
        "port": request.get("Port", 0),
        "vpc_id": request.get("VpcId", ""),
        "health_check": new_health_check(protocol, version, target_type, request),
    }
    if existing := target_groups(context).filter(name=name).first():
        if any(getattr(existing, column) != value for column, value in settings.items()):
            raise shapes.DuplicateTargetGroupNameException(
                f"A target group with the same name '{name}' exists, but with different settings"
            )
        return {"TargetGroups": [_described(existing)]}
    vpc_blocks(context, request.get("VpcId", ""))
    if target_groups(context).count() >= limits.TARGET_GROUPS:
        raise shapes.TooManyTargetGroupsException("The maximum number of target groups has been reached")
    resource_id = new_resource_id(context)
    row = TargetGroup.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        tags=checked_tags(tags_from_list(request.get("Tags"))),
        arn=f"arn:aws:elasticloadbalancing:{context.region}:{context.account_id}:targetgroup/{name}/{resource_id}",
        name=name,
        resource_id=resource_id,
        **settings,
    )
    return {"TargetGroups": [_described(row)]}


@elbv2.operation
def describe_target_groups(context: Context, request: shapes.DescribeTargetGroupsInput) -> Shape:
    """List target groups: all, those of ARNs or names, or those that a load balancer uses."""
    arns, names, load_balancer_arn = (
        request.get("TargetGroupArns"),
        request.get("Names"),
        request.get("LoadBalancerArn"),
    )
    if sum(map(bool, (arns, names, load_balancer_arn))) > 1:
        raise ValidationError(
            "Target group ARNs, target group names and a load balancer ARN cannot be specified at the same time"
        )
    rows = target_groups(context)
    if arns:
        rows = rows.filter(arn__in=arns)
    if names:
        rows = rows.filter(name__in=names)
    if load_balancer_arn:
        load_balancer = find_load_balancer(context, load_balancer_arn)
        rows = rows.filter(rules__listener__load_balancer=load_balancer).distinct()
    found, marker = page(request, rows)
    if (arns or names) and not request.get("Marker") and not marker and not all_found(found, arns or names or []):
        raise shapes.TargetGroupNotFoundException("One or more target groups not found")
    return {"TargetGroups": [_described(row) for row in found], **marker}


@elbv2.operation
def modify_target_group(context: Context, request: shapes.ModifyTargetGroupInput) -> Shape:
    """Change how targets are checked."""
    row = find_target_group(context, request["TargetGroupArn"], locked=True)
    row.health_check = changed_health_check(row, request)
    row.save(update_fields=["health_check"])
    group_changed(row)
    return {"TargetGroups": [_described(row)]}


@elbv2.operation
def delete_target_group(context: Context, request: shapes.DeleteTargetGroupInput) -> Shape:
    """Delete a target group that no action names; one that is not there is deleted already."""
    row = target_groups(context).select_for_update().filter(arn=request["TargetGroupArn"]).first()
    if row is None:
        return {}
    if row.rules.exists():
        raise shapes.ResourceInUseException(f"Target group '{row.arn}' is currently in use by a listener or a rule")
    row.delete()
    return {}


def _described(row: TargetGroup) -> Shape:
    return target_group_shape(row, load_balancers_of(row).values_list("arn", flat=True))


def _check_name(name: str) -> None:
    if len(name) > 32:
        raise ValidationError(f"Target group name '{name}' cannot be longer than '32' characters")
    if _NAME.fullmatch(name) is None:
        raise ValidationError(
            f"Target group name '{name}' can only contain characters that are alphanumeric characters and hyphens(-), "
            "and must not begin or end with a hyphen"
        )


def _protocol(request: Mapping[str, Any], target_type: str) -> tuple[str, str]:
    """The protocol and its version; the version is empty for what is not HTTP."""
    protocol = request.get("Protocol")
    if not protocol:
        raise ValidationError("A protocol must be specified")
    if protocol not in _PROTOCOLS:
        raise NotImplementedByUs(f"Simfra does not implement target groups of protocol {protocol} yet.")
    if target_type == "alb" and protocol != "TCP":
        raise ValidationError(f"Protocol '{protocol}' is not supported with target type 'alb'")
    version = request.get("ProtocolVersion", "")
    if protocol not in ("HTTP", "HTTPS"):
        if version:
            raise ValidationError(f"A protocol version cannot be specified for protocol '{protocol}'")
        return protocol, ""
    version = version or "HTTP1"
    if version not in _VERSIONS:
        raise ValidationError(f"Protocol version '{version}' must be one of '{', '.join(_VERSIONS)}'")
    return protocol, version
