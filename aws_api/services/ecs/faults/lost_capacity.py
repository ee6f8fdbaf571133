"""Capacity that faults have taken away: availability zones, and clusters' container instances."""

from collections.abc import Sequence

from aws_api.core.faults import EffectType, task_faults
from aws_api.services.ecs.shapes import ClientException

NO_CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone"


def lost_zones(account_id: str, region: str) -> frozenset[str]:
    """The zones of a region that are lost."""
    rules = task_faults(account_id, EffectType.AVAILABILITY_ZONE_LOSS)
    return frozenset(rule.effect["zone"] for rule in rules if rule.matches(region))


def is_instance_lost(account_id: str, region: str, cluster: str) -> bool:
    """Whether a cluster's container instance is lost: by itself, or with its zone."""
    rules = task_faults(account_id, EffectType.CONTAINER_INSTANCE_LOSS, EffectType.AVAILABILITY_ZONE_LOSS)
    return any(
        rule.matches(region, cluster=cluster) and rule.effect.get("zone", f"{region}a") == f"{region}a"
        for rule in rules
    )


def with_capacity(subnets: Sequence[str], zone_of: dict[str, str], lost: frozenset[str]) -> list[str]:
    """The subnets whose zones are there. Raises ClientException where none is."""
    left = [subnet for subnet in subnets if zone_of.get(subnet) not in lost]
    if not left:
        raise ClientException(NO_CAPACITY)
    return left
