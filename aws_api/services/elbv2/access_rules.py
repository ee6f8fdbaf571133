"""What Elastic Load Balancing's operations need: the action on what the request names; Describe on ``*``.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.authorization import register_resource_tags
from aws_api.core.context import Context
from aws_api.core.database import fetch_row
from aws_api.core.service import Access
from aws_api.services.elbv2.service import elbv2

_NAMING_MEMBERS = ("RuleArn", "ListenerArn", "TargetGroupArn", "LoadBalancerArn")
_TABLES = {
    "loadbalancer": "elbv2_loadbalancer",
    "targetgroup": "elbv2_targetgroup",
    "listener": "elbv2_listener",
    "listener-rule": "elbv2_rule",
}
_TAGS = "SELECT tags FROM {} WHERE arn = $1 AND account_id = $2"


@elbv2.access
def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    operation = action.partition(":")[2]
    if operation.startswith("Describe"):
        return ((action, "*"),)
    prefix = f"arn:aws:elasticloadbalancing:{context.region}:{context.account_id}:"
    if operation == "CreateLoadBalancer":
        kind = "net" if request.get("Type") == "network" else "app"
        return ((action, f"{prefix}loadbalancer/{kind}/{request['Name']}/*"),)
    if operation == "CreateTargetGroup":
        return ((action, f"{prefix}targetgroup/{request['Name']}/*"),)
    if arns := request.get("ResourceArns"):
        return [(action, arn) for arn in arns]
    if pairs := request.get("RulePriorities"):
        return [(action, pair.get("RuleArn", "*")) for pair in pairs]
    return ((action, next((str(request[member]) for member in _NAMING_MEMBERS if member in request), "*")),)


async def _tags(context: Context, arn: str) -> Mapping[str, str]:
    table = _TABLES.get(arn.rpartition(":")[2].partition("/")[0])
    row = await fetch_row(_TAGS.format(table), arn, context.account_id) if table else None
    return row["tags"] if row else {}


register_resource_tags("elasticloadbalancing", _tags)
