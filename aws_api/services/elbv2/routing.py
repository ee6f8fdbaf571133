"""Rules and what they name: putting actions into a rule, within the limits of target groups."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_api.core.context import Context
from aws_api.services.elbv2 import limits
from aws_api.services.elbv2.actions import normal_actions
from aws_api.services.elbv2.models import LoadBalancer, Rule, TargetGroup
from aws_api.services.elbv2.shapes import (
    TargetGroupAssociationLimitException,
    TooManyUniqueTargetGroupsPerLoadBalancerException,
)
from aws_api.services.elbv2.store import find_target_group, load_balancers_of


def put_actions(context: Context, rule: Rule, actions: Sequence[Mapping[str, Any]]) -> None:
    """Make these the actions of a rule, checked. The load balancer is locked by the caller."""
    load_balancer = rule.listener.load_balancer
    rule.actions, groups = normal_actions(
        load_balancer, rule.listener.protocol, actions, lambda arn: find_target_group(context, arn, locked=True)
    )
    for group in groups:
        _check_association(load_balancer, group)
    rule.save(update_fields=["actions"])
    rule.target_groups.set(groups)
    used = TargetGroup.objects.filter(rules__listener__load_balancer=load_balancer).distinct().count()
    if used > limits.TARGET_GROUPS_PER_LOAD_BALANCER:
        raise TooManyUniqueTargetGroupsPerLoadBalancerException(
            f"The maximum number of unique target groups '{limits.TARGET_GROUPS_PER_LOAD_BALANCER}' has been reached"
        )


def _check_association(load_balancer: LoadBalancer, group: TargetGroup) -> None:
    if load_balancers_of(group).exclude(pk=load_balancer.pk).exists():
        raise TargetGroupAssociationLimitException(
            f"The following target groups cannot be associated with more than one load balancer: {group.arn}"
        )
