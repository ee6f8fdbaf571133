"""Rows of Elastic Load Balancing as AWS's shapes."""

from collections.abc import Iterable
from typing import Any

from aws_api.services.elbv2.models import Listener, LoadBalancer, Rule, Target, TargetGroup, TargetState

Shape = dict[str, Any]

#: The hosted zone of load balancers' names, by region where it is not that of us-east-1.
_ZONE_IDS = {"application": "Z35SXDOTRQ7X7K", "network": "Z26RNL4JYFTOTI"}


def load_balancer_shape(row: LoadBalancer) -> Shape:
    shape: Shape = {
        "LoadBalancerArn": row.arn,
        "DNSName": row.dns_name,
        "CanonicalHostedZoneId": _ZONE_IDS[row.type],
        "CreatedTime": row.created_at,
        "LoadBalancerName": row.name,
        "Scheme": row.scheme,
        "VpcId": row.vpc_id,
        "State": {"Code": row.last_status, **({"Reason": row.last_failure} if row.last_failure else {})},
        "Type": row.type,
        "AvailabilityZones": availability_zones(row),
        "IpAddressType": row.ip_address_type,
    }
    if row.security_group_ids:
        shape["SecurityGroups"] = row.security_group_ids
    for member in ("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic", "IpamPools"):
        if member in row.document:
            shape[member] = row.document[member]
    return shape


def availability_zones(row: LoadBalancer) -> list[Shape]:
    return [
        {"ZoneName": interface["zone"], "SubnetId": interface["subnet_id"], "LoadBalancerAddresses": []}
        for interface in row.interfaces
    ]


def target_group_shape(row: TargetGroup, load_balancer_arns: Iterable[str]) -> Shape:
    shape: Shape = {
        "TargetGroupArn": row.arn,
        "TargetGroupName": row.name,
        "Protocol": row.protocol,
        "Port": row.port,
        "VpcId": row.vpc_id,
        **row.health_check,
        "LoadBalancerArns": list(load_balancer_arns),
        "TargetType": row.target_type,
        "IpAddressType": row.ip_address_type,
    }
    if row.protocol_version:
        shape["ProtocolVersion"] = row.protocol_version
    return shape


def listener_shape(row: Listener, default_rule: Rule) -> Shape:
    shape: Shape = {
        "ListenerArn": row.arn,
        "LoadBalancerArn": row.load_balancer.arn,
        "Port": row.port,
        "Protocol": row.protocol,
        "DefaultActions": default_rule.actions,
    }
    if row.certificates:
        shape["Certificates"] = [{"CertificateArn": row.certificates[0]}]
    if row.ssl_policy:
        shape["SslPolicy"] = row.ssl_policy
    if row.alpn_policy:
        shape["AlpnPolicy"] = [row.alpn_policy]
    if row.protocol == "HTTPS":
        shape["MutualAuthentication"] = row.document.get("MutualAuthentication", {"Mode": "off"})
    return shape


def certificate_shapes(row: Listener) -> list[Shape]:
    return [{"CertificateArn": arn, "IsDefault": place == 0} for place, arn in enumerate(row.certificates)]


def rule_shape(row: Rule) -> Shape:
    shape: Shape = {
        "RuleArn": row.arn,
        "Priority": "default" if row.is_default else str(row.priority),
        "Conditions": row.conditions,
        "Actions": row.actions,
        "IsDefault": row.is_default,
    }
    if row.transforms:
        shape["Transforms"] = row.transforms
    return shape


def target_health_shape(row: Target, *, in_use: bool) -> Shape:
    """A target's health, as its load balancer sees it."""
    health: Shape = {"State": row.last_state}
    if row.last_reason:
        health |= {"Reason": row.last_reason, "Description": row.last_description}
    if not in_use:
        health = NOT_IN_USE
    elif row.draining_since is not None:
        health = {
            "State": TargetState.DRAINING.value,
            "Reason": "Target.DeregistrationInProgress",
            "Description": "Target deregistration is in progress",
        }
    return {
        "Target": target_shape(row),
        "HealthCheckPort": _health_check_port(row),
        "TargetHealth": health,
    }


def target_shape(row: Target) -> Shape:
    target: Shape = {"Id": row.target_id, "Port": row.port}
    if row.availability_zone:
        target["AvailabilityZone"] = row.availability_zone
    return target


def _health_check_port(row: Target) -> str:
    port = str(row.group.health_check["HealthCheckPort"])
    return str(row.port) if port == "traffic-port" else port


NOT_IN_USE: Shape = {
    "State": TargetState.UNUSED.value,
    "Reason": "Target.NotInUse",
    "Description": "Target group is not configured to receive traffic from the load balancer",
}
NOT_REGISTERED: Shape = {
    "State": TargetState.UNUSED.value,
    "Reason": "Target.NotRegistered",
    "Description": "Target is not registered to the target group",
}
