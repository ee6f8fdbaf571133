"""Targets and their health.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
"""

from collections.abc import Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from aws_api.core.context import Context
from aws_api.services.elbv2 import limits, shapes
from aws_api.services.elbv2.changes import targets_changed
from aws_api.services.elbv2.describe import NOT_REGISTERED, target_health_shape
from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.models import LoadBalancer, Target, TargetGroup, TargetState
from aws_api.services.elbv2.networking import attachments, instance_address, vpc_blocks
from aws_api.services.elbv2.service import elbv2
from aws_api.services.elbv2.store import find_target_group, load_balancers, load_balancers_of

Shape = dict[str, Any]

#: What a target is of, besides its VPC's own blocks.
_PRIVATE_BLOCKS = tuple(map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")))


@elbv2.operation
def register_targets(context: Context, request: shapes.RegisterTargetsInput) -> Shape:
    """Register targets; one that drains is a target again."""
    group = find_target_group(context, request["TargetGroupArn"], locked=True)
    wanted = _keyed(group, request["Targets"])
    if group.target_type == "alb" and (len(wanted) > 1 or group.targets.filter(draining_since=None).exists()):
        raise shapes.TooManyTargetsException("A target group of type 'alb' can have one target")
    known = {(row.target_id, row.port): row for row in group.targets.all()}
    if len(known.keys() | wanted.keys()) > limits.TARGETS_PER_TARGET_GROUP:
        raise shapes.TooManyTargetsException(
            f"The maximum number of targets per target group '{limits.TARGETS_PER_TARGET_GROUP}' has been reached"
        )
    address_of = _Addresses(context, group)
    new, again = [], []
    for (target_id, port), target in wanted.items():
        row = known.get((target_id, port))
        if row is None:
            new.append(
                Target(
                    group=group,
                    target_id=target_id,
                    port=port,
                    availability_zone=target.get("AvailabilityZone", ""),
                    address=str(address_of(target_id)),
                    registered_at=context.clock.now(),
                    **_REGISTERING,
                )
            )
        elif row.draining_since is not None:
            again.append(row.pk)
    if not new and not again:
        return {}
    Target.objects.bulk_create(new)
    Target.objects.filter(pk__in=again).update(draining_since=None, registered_at=context.clock.now(), **_REGISTERING)
    targets_changed(group)
    return {}


@elbv2.operation
def deregister_targets(context: Context, request: shapes.DeregisterTargetsInput) -> Shape:
    """Deregister targets: they get nothing new at once, and are gone when they are drained."""
    group = find_target_group(context, request["TargetGroupArn"], locked=True)
    asked = {(target["Id"], target.get("Port")) for target in request["Targets"]}
    rows = [
        row
        for row in group.targets.filter(draining_since=None)
        if (row.target_id, row.port) in asked or (row.target_id, None) in asked
    ]
    known = {row.target_id for row in group.targets.all()}
    if unknown := sorted(
        target_id for target_id, _ in asked if target_id not in known and not _is_id(group, target_id)
    ):
        raise shapes.InvalidTargetException(f"The following targets are not valid: {', '.join(unknown)}")
    if not rows:
        return {}
    found = Target.objects.filter(pk__in=[row.pk for row in rows])
    if load_balancers_of(group).exists():
        found.update(draining_since=context.clock.now())
    else:
        found.delete()
    targets_changed(group)
    return {}


@elbv2.operation
def describe_target_health(context: Context, request: shapes.DescribeTargetHealthInput) -> Shape:
    """The health of a group's targets, all or those named."""
    group = find_target_group(context, request["TargetGroupArn"])
    in_use = load_balancers_of(group).exists()
    rows = list(group.targets.select_related("group").order_by("pk"))
    asked = request.get("Targets")
    if not asked:
        return {"TargetHealthDescriptions": [target_health_shape(row, in_use=in_use) for row in rows]}
    found = []
    for target in asked:
        matching = [row for row in rows if row.target_id == target["Id"] and target.get("Port", row.port) == row.port]
        found += [target_health_shape(row, in_use=in_use) for row in matching]
        if not matching:
            found.append({"Target": {"Port": group.port, **target}, "TargetHealth": NOT_REGISTERED})
    return {"TargetHealthDescriptions": found}


# The parts ------------------------------------------------------------------------------------------------------------

_REGISTERING = {
    "last_state": TargetState.INITIAL.value,
    "last_reason": "Elb.RegistrationInProgress",
    "last_description": "Target registration is in progress",
}


def _keyed(group: TargetGroup, targets: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    if not targets:
        raise ValidationError("At least one target must be specified")
    return {(target["Id"], target.get("Port") or group.port): target for target in targets}


def _is_id(group: TargetGroup, target_id: str) -> bool:
    """Whether an id has the form of the group's targets."""
    if group.target_type == "instance":
        return target_id.startswith("i-")
    if group.target_type == "alb":
        return ":loadbalancer/app/" in target_id
    try:
        IPv4Address(target_id)
    except AddressValueError:
        return False
    return True


class _Addresses:
    """Where targets of a group are, by their ids."""

    def __init__(self, context: Context, group: TargetGroup) -> None:
        self._context = context
        self._group = group
        self._blocks: Sequence[IPv4Network] = ()

    def __call__(self, target_id: str) -> IPv4Address:
        """Raises InvalidTarget."""
        if not _is_id(self._group, target_id):
            raise self._invalid(target_id)
        if self._group.target_type == "ip":
            return self._checked(IPv4Address(target_id))
        if self._group.target_type == "instance":
            return instance_address(self._context, target_id) or self._not_running(target_id)
        row = load_balancers(self._context).filter(arn=target_id, type="application").first()
        if row is None or row.vpc_id != self._group.vpc_id:
            raise self._invalid(target_id)
        return IPv4Address(self._first_address(row))

    def _checked(self, address: IPv4Address) -> IPv4Address:
        if any(address in block for block in _PRIVATE_BLOCKS):
            return address
        self._blocks = self._blocks or vpc_blocks(self._context, self._group.vpc_id)
        if any(address in block for block in self._blocks):
            return address
        raise shapes.InvalidTargetException(
            f"The IP address '{address}' is not within the VPC '{self._group.vpc_id}' or a private range"
        )

    def _first_address(self, row: LoadBalancer) -> str:
        return attachments(row)[0].private_address

    def _invalid(self, target_id: str) -> Exception:
        return ValidationError(
            f"The target ID '{target_id}' is not valid for target groups of type '{self._group.target_type}'"
        )

    def _not_running(self, target_id: str) -> IPv4Address:
        raise shapes.InvalidTargetException(
            f"The following targets are not in a running state and cannot be registered: '{target_id}'"
        )
