"""What the console lists of Elastic Load Balancing."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.elbv2.describe import load_balancer_shape, target_group_shape
from aws_api.services.elbv2.models import LoadBalancer, TargetGroup
from aws_api.services.elbv2.store import load_balancers_of

#: A page for people; who has more asks the API.
MAX_LISTED = 1000


def _load_balancers(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = LoadBalancer.objects.filter(account_id=account_id, region=region, desired_deleted=False)
    for row in rows.order_by("pk")[:MAX_LISTED]:
        yield {**load_balancer_shape(row), "State": row.last_status}


def _target_groups(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    for row in TargetGroup.objects.filter(account_id=account_id, region=region).order_by("pk")[:MAX_LISTED]:
        yield target_group_shape(row, load_balancers_of(row).values_list("arn", flat=True))


register_resource_type(
    ResourceType(
        service="elbv2",
        name="load balancer",
        plural="load balancers",
        columns=("LoadBalancerName", "Type", "Scheme", "State", "DNSName"),
        list=_load_balancers,
    )
)
register_resource_type(
    ResourceType(
        service="elbv2",
        name="target group",
        plural="target groups",
        columns=("TargetGroupName", "Protocol", "Port", "TargetType", "VpcId"),
        list=_target_groups,
    )
)
