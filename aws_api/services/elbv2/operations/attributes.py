"""The attributes of load balancers, target groups and listeners.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyLoadBalancerAttributes.html
"""

from typing import Any

from aws_api.core.context import Context
from aws_api.services.elbv2 import shapes
from aws_api.services.elbv2.attributes import changed, listed, listener_table, load_balancer_table, target_group_table
from aws_api.services.elbv2.changes import group_changed, load_balancer_changed
from aws_api.services.elbv2.service import elbv2
from aws_api.services.elbv2.store import find_listener, find_load_balancer, find_target_group

Shape = dict[str, Any]


@elbv2.operation
def describe_load_balancer_attributes(context: Context, request: shapes.DescribeLoadBalancerAttributesInput) -> Shape:
    """Every attribute of a load balancer."""
    row = find_load_balancer(context, request["LoadBalancerArn"])
    return {"Attributes": listed(load_balancer_table(row), row.attributes)}


@elbv2.operation
def modify_load_balancer_attributes(context: Context, request: shapes.ModifyLoadBalancerAttributesInput) -> Shape:
    """Change attributes of a load balancer."""
    row = find_load_balancer(context, request["LoadBalancerArn"], locked=True)
    table = load_balancer_table(row)
    row.attributes = changed(table, row.attributes, request["Attributes"], "Load balancer")
    row.save(update_fields=["attributes"])
    load_balancer_changed(row)
    return {"Attributes": listed(table, row.attributes)}


@elbv2.operation
def describe_target_group_attributes(context: Context, request: shapes.DescribeTargetGroupAttributesInput) -> Shape:
    """Every attribute of a target group."""
    row = find_target_group(context, request["TargetGroupArn"])
    return {"Attributes": listed(target_group_table(row), row.attributes)}


@elbv2.operation
def modify_target_group_attributes(context: Context, request: shapes.ModifyTargetGroupAttributesInput) -> Shape:
    """Change attributes of a target group."""
    row = find_target_group(context, request["TargetGroupArn"], locked=True)
    table = target_group_table(row)
    row.attributes = changed(table, row.attributes, request["Attributes"], "Target group")
    row.save(update_fields=["attributes"])
    group_changed(row)
    return {"Attributes": listed(table, row.attributes)}


@elbv2.operation
def describe_listener_attributes(context: Context, request: shapes.DescribeListenerAttributesInput) -> Shape:
    """Every attribute of a listener."""
    row = find_listener(context, request["ListenerArn"])
    return {"Attributes": listed(listener_table(row), row.attributes)}


@elbv2.operation
def modify_listener_attributes(context: Context, request: shapes.ModifyListenerAttributesInput) -> Shape:
    """Change attributes of a listener."""
    row = find_listener(context, request["ListenerArn"], locked=True)
    table = listener_table(row)
    row.attributes = changed(table, row.attributes, request["Attributes"], "Listener")
    row.save(update_fields=["attributes"])
    load_balancer_changed(row.load_balancer)
    return {"Attributes": listed(table, row.attributes)}
