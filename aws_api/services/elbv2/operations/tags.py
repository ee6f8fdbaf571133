"""Tags of load balancers, target groups, listeners and rules.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddTags.html
"""

from typing import Any

from aws_api.core.context import Context
from aws_api.core.tags import tags_from_list, tags_to_list
from aws_api.services.elbv2 import shapes
from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.models import Listener, LoadBalancer, Rule, TargetGroup
from aws_api.services.elbv2.service import elbv2
from aws_api.services.elbv2.store import find_listener, find_load_balancer, find_rule, find_target_group
from aws_api.services.elbv2.tagging import checked_tags

Shape = dict[str, Any]

MAX_RESOURCES = 20


@elbv2.operation
def add_tags(context: Context, request: shapes.AddTagsInput) -> Shape:
    """Add tags to resources, or change their values."""
    keys = [tag["Key"] for tag in request["Tags"]]
    if len(set(keys)) != len(keys):
        raise shapes.DuplicateTagKeysException("A tag key was specified more than once")
    for row in _tagged(context, request["ResourceArns"], locked=True):
        row.tags = checked_tags({**row.tags, **tags_from_list(request["Tags"])})
        row.save(update_fields=["tags"])
    return {}


@elbv2.operation
def remove_tags(context: Context, request: shapes.RemoveTagsInput) -> Shape:
    """Remove tags from resources."""
    for row in _tagged(context, request["ResourceArns"], locked=True):
        row.tags = {key: value for key, value in row.tags.items() if key not in request["TagKeys"]}
        row.save(update_fields=["tags"])
    return {}


@elbv2.operation
def describe_tags(context: Context, request: shapes.DescribeTagsInput) -> Shape:
    """The tags of resources."""
    rows = _tagged(context, request["ResourceArns"], locked=False)
    return {"TagDescriptions": [{"ResourceArn": row.arn, "Tags": tags_to_list(row.tags)} for row in rows]}


def _tagged(context: Context, arns: list[str], *, locked: bool) -> list[LoadBalancer | TargetGroup | Listener | Rule]:
    if len(arns) > MAX_RESOURCES:
        raise ValidationError(f"Up to {MAX_RESOURCES} resources can be specified in a single call")
    return [_find(context, arn, locked=locked) for arn in arns]


def _find(context: Context, arn: str, *, locked: bool) -> LoadBalancer | TargetGroup | Listener | Rule:
    kind = arn.rpartition(":")[2].partition("/")[0]
    if kind == "loadbalancer":
        return find_load_balancer(context, arn, locked=locked)
    if kind == "targetgroup":
        return find_target_group(context, arn, locked=locked)
    if kind == "listener":
        return find_listener(context, arn, locked=locked)
    if kind == "listener-rule":
        return find_rule(context, arn, locked=locked)
    raise ValidationError(f"'{arn}' is not a valid load balancer ARN")
