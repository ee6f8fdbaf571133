"""Telling the background that something is to be different: by a kick, and of targets also directly."""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import F

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.reconcile import kick
from aws_api.core.sidecars import object_name
from aws_api.core.telling import tell
from aws_api.services.elbv2.models import LoadBalancer, Target, TargetGroup
from aws_api.services.elbv2.specification import target_group_change
from aws_api.services.elbv2.store import load_balancers_of

#: The kind of the controller; the key is the load balancer's ARN.
KIND = "elbv2.load_balancer"


def container_name(load_balancer: LoadBalancer) -> str:
    """The name of a load balancer's container."""
    parts = (load_balancer.account_id, load_balancer.region, load_balancer.name, load_balancer.resource_id)
    return object_name(settings.SIMFRA_INSTANCE, "lb", *parts)


def load_balancer_changed(load_balancer: LoadBalancer) -> None:
    """Have the load balancer looked at once the transaction is committed."""
    kick(KIND, load_balancer.arn)


def group_changed(group: TargetGroup) -> None:
    """The same for all that send to a target group."""
    for load_balancer in load_balancers_of(group):
        load_balancer_changed(load_balancer)


def targets_changed(group: TargetGroup) -> None:
    """Tell the load balancers of a group the targets that it has now. The group's row is locked by the caller."""
    TargetGroup.objects.filter(pk=group.pk).update(version=F("version") + 1)
    group.refresh_from_db(fields=["version"])
    change = target_group_change(group, SYSTEM_CLOCK.now())
    for load_balancer in load_balancers_of(group):
        _tell_on_commit(container_name(load_balancer), [change])
        load_balancer_changed(load_balancer)


def load_balancer_moved(load_balancer: LoadBalancer, address: str) -> None:
    """Have target groups whose target the load balancer is send to where it is now."""
    targets = Target.objects.filter(target_id=load_balancer.arn).exclude(address=address)
    groups = list(TargetGroup.objects.filter(targets__in=targets).distinct())
    targets.update(address=address)
    for group in groups:
        targets_changed(group)


def _tell_on_commit(container: str, changes: Iterable[object]) -> None:
    told = list(changes)
    transaction.on_commit(lambda: tell(container, told), robust=True)
