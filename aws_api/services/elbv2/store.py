"""Finding rows of the caller's account and region, with Elastic Load Balancing's words for those that are not there."""

from collections.abc import Sequence
from typing import TypeVar

from django.db.models import Model, QuerySet

from aws_api.core.context import Context
from aws_api.core.ids import new_hex_id
from aws_api.services.elbv2.models import Listener, LoadBalancer, Rule, TargetGroup
from aws_api.services.elbv2.shapes import (
    ListenerNotFoundException,
    LoadBalancerNotFoundException,
    RuleNotFoundException,
    TargetGroupNotFoundException,
)

Row = TypeVar("Row", bound=Model)


def load_balancers(context: Context) -> "QuerySet[LoadBalancer]":
    rows = LoadBalancer.objects.filter(account_id=context.account_id, region=context.region)
    return rows.filter(desired_deleted=False)


def target_groups(context: Context) -> "QuerySet[TargetGroup]":
    return TargetGroup.objects.filter(account_id=context.account_id, region=context.region)


def listeners(context: Context) -> "QuerySet[Listener]":
    rows = Listener.objects.filter(account_id=context.account_id, region=context.region)
    return rows.filter(load_balancer__desired_deleted=False).select_related("load_balancer")


def rules(context: Context) -> "QuerySet[Rule]":
    rows = Rule.objects.filter(account_id=context.account_id, region=context.region)
    rows = rows.filter(listener__load_balancer__desired_deleted=False)
    return rows.select_related("listener__load_balancer")


def find_load_balancer(context: Context, arn: str, *, locked: bool = False) -> LoadBalancer:
    """A load balancer; ``locked`` has it for this transaction alone. Raises LoadBalancerNotFound."""
    row = _first(load_balancers(context).filter(arn=arn), locked)
    if row is None:
        raise LoadBalancerNotFoundException(f"Load balancer '{arn}' not found")
    return row


def find_target_group(context: Context, arn: str, *, locked: bool = False) -> TargetGroup:
    """A target group. Raises TargetGroupNotFound."""
    row = _first(target_groups(context).filter(arn=arn), locked)
    if row is None:
        raise TargetGroupNotFoundException(f"Target group '{arn}' not found")
    return row


def find_listener(context: Context, arn: str, *, locked: bool = False) -> Listener:
    """A listener with its load balancer; locked, both are: the load balancer is what changes go through."""
    row = listeners(context).filter(arn=arn).first()
    if row is not None and locked:
        hold(row.load_balancer)
        row = listeners(context).filter(arn=arn).first()
    if row is None:
        raise ListenerNotFoundException(f"Listener '{arn}' not found")
    return row


def find_rule(context: Context, arn: str, *, locked: bool = False) -> Rule:
    """A rule with its listener; locked as a listener is."""
    row = rules(context).filter(arn=arn).first()
    if row is not None and locked:
        hold(row.listener.load_balancer)
        row = rules(context).filter(arn=arn).first()
    if row is None:
        raise RuleNotFoundException(f"Rule '{arn}' not found")
    return row


def hold(load_balancer: LoadBalancer) -> None:
    """Let nobody else change what belongs to the load balancer until this transaction ends."""
    LoadBalancer.objects.select_for_update().filter(pk=load_balancer.pk).first()


def load_balancers_of(group: TargetGroup) -> "QuerySet[LoadBalancer]":
    """The load balancers that send to a target group: those whose rules name it."""
    rows = LoadBalancer.objects.filter(desired_deleted=False, listeners__rules__target_groups=group)
    return rows.distinct().order_by("pk")


def all_found(rows: Sequence[Row], wanted: Sequence[str]) -> bool:
    return len(rows) == len(set(wanted))


def new_resource_id(context: Context) -> str:
    """The last part of an ARN: 16 hexadecimal digits, unless the caller demands others."""
    return context.forced_id() or new_hex_id(digits=16)


def _first(rows: "QuerySet[Row]", locked: bool) -> Row | None:
    return (rows.select_for_update() if locked else rows).first()
