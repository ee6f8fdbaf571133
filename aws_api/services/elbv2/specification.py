"""What a load balancer should do, out of its rows: frozen, and all that rendering needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aws_api.core.certificates import CertificateMaterial, find_certificate
from aws_api.services.elbv2 import attributes
from aws_api.services.elbv2.models import Listener, LoadBalancer, Rule, Target, TargetGroup

Shape = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TargetGroupSpec:
    """A target group. ``key`` names its backend; ``targets`` are those that ``targets_of`` gives."""

    key: str
    arn: str
    protocol: str
    protocol_version: str
    health_check: Shape
    attributes: Mapping[str, str]
    version: int
    targets: tuple[Shape, ...]


@dataclass(frozen=True, kw_only=True)
class RuleSpec:
    """A rule: AWS's shapes of what it asks and does; ``key`` is unguessable enough for a cookie's value."""

    key: str
    priority: int | None
    conditions: tuple[Shape, ...]
    transforms: tuple[Shape, ...]
    action: Shape


@dataclass(frozen=True, kw_only=True)
class ListenerSpec:
    """A listener. ``rules`` are in order, the default one last; ``certificates`` the default one first."""

    port: int
    protocol: str
    rules: tuple[RuleSpec, ...]
    attributes: Mapping[str, str]
    ssl_policy: str
    alpn_policy: str
    certificates: tuple[CertificateMaterial, ...]


@dataclass(frozen=True, kw_only=True)
class LoadBalancerSpec:
    """A load balancer with everything that belongs to it; ``addresses`` are its own, in the order of its subnets."""

    arn: str
    name: str
    type: str
    addresses: tuple[str, ...]
    has_security_groups: bool
    attributes: Mapping[str, str]
    listeners: tuple[ListenerSpec, ...]
    target_groups: tuple[TargetGroupSpec, ...]

    def group(self, arn: str) -> TargetGroupSpec:
        """The target group of an ARN that a rule names."""
        return next(group for group in self.target_groups if group.arn == arn)


def load_balancer_spec(row: LoadBalancer, addresses: tuple[str, ...], now: datetime) -> LoadBalancerSpec:
    """The specification of a load balancer as its rows are now."""
    groups = TargetGroup.objects.filter(rules__listener__load_balancer=row).distinct().order_by("pk")
    return LoadBalancerSpec(
        arn=row.arn,
        name=row.name,
        type=row.type,
        addresses=addresses,
        has_security_groups=bool(row.security_group_ids),
        attributes=attributes.values(attributes.load_balancer_table(row), row.attributes),
        listeners=tuple(_listener(listener) for listener in row.listeners.order_by("port")),
        target_groups=tuple(_target_group(group, now) for group in groups),
    )


def group_key(group: TargetGroup) -> str:
    """The name of a target group's backend."""
    return f"{group.name}-{group.resource_id}"


def target_group_change(group: TargetGroup, now: datetime) -> dict[str, Any]:
    """What a load balancer is told of a group's targets, ahead of its next configuration."""
    return {"group": group_key(group), "version": group.version, "targets": targets_of(group, now)}


def deregistration_delay(group: TargetGroup) -> timedelta:
    """How long a target of the group may take to finish what it has."""
    table = attributes.target_group_table(group)
    return timedelta(seconds=int(attributes.values(table, group.attributes)["deregistration_delay.timeout_seconds"]))


def targets_of(group: TargetGroup, now: datetime) -> list[dict[str, Any]]:
    """The targets of a group that are there, or may still finish what they have."""
    long_ago = now - deregistration_delay(group)
    return [
        _target(target)
        for target in group.targets.order_by("pk")
        if target.draining_since is None or target.draining_since > long_ago
    ]


def _target(target: Target) -> dict[str, Any]:
    return {
        "address": target.address,
        "port": target.port,
        "draining": target.draining_since is not None,
        # One that was registered again is checked anew.
        "registered": int(target.registered_at.timestamp() * 1000),
        "fails_checks": target.fails_checks,
    }


def _target_group(group: TargetGroup, now: datetime) -> TargetGroupSpec:
    return TargetGroupSpec(
        key=group_key(group),
        arn=group.arn,
        protocol=group.protocol,
        protocol_version=group.protocol_version,
        health_check=group.health_check,
        attributes=attributes.values(attributes.target_group_table(group), group.attributes),
        version=group.version,
        targets=tuple(targets_of(group, now)),
    )


def _listener(listener: Listener) -> ListenerSpec:
    found = (find_certificate(listener.account_id, listener.region, arn) for arn in listener.certificates)
    rules = sorted(listener.rules.all(), key=lambda rule: (rule.is_default, rule.priority or 0))
    return ListenerSpec(
        port=listener.port,
        protocol=listener.protocol,
        rules=tuple(map(_rule, rules)),
        attributes=attributes.values(attributes.listener_table(listener), listener.attributes),
        ssl_policy=listener.ssl_policy,
        alpn_policy=listener.alpn_policy,
        certificates=tuple(certificate for certificate in found if certificate is not None),
    )


def _rule(rule: Rule) -> RuleSpec:
    return RuleSpec(
        key=rule.arn.rpartition("/")[2],
        priority=rule.priority,
        conditions=tuple(rule.conditions),
        transforms=tuple(rule.transforms),
        action=rule.actions[0],
    )
