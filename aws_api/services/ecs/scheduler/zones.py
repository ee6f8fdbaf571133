"""Which availability zones subnets are in."""

from functools import lru_cache

from aws_api.core.context import internal_context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import invoke
from aws_api.services.ecs.faults.lost_capacity import lost_zones


def zones_of_subnets(account_id: str, region: str, subnet_ids: tuple[str, ...]) -> list[str]:
    """The zones of some subnets, each once, by name; none where EC2 does not know them. One that is lost is none."""
    zones = set(subnets_by_zone(account_id, region, subnet_ids).values())
    return sorted(zones - lost_zones(account_id, region)) if zones else []


def subnets_by_zone(account_id: str, region: str, subnet_ids: tuple[str, ...]) -> dict[str, str]:
    """The zone of each subnet; empty where EC2 does not know them, which the launch then says."""
    try:
        return dict(_found(account_id, region, subnet_ids)) if subnet_ids else {}
    except AwsError:
        return {}


@lru_cache(maxsize=1024)
def _found(account_id: str, region: str, subnet_ids: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """A subnet never changes its zone, so what was found once is kept."""
    answer = invoke(internal_context(account_id, region), "ec2", "DescribeSubnets", {"SubnetIds": list(subnet_ids)})
    return tuple((subnet["SubnetId"], subnet["AvailabilityZone"]) for subnet in answer["Subnets"])
