"""Rules and their priorities.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
"""

from typing import Any

from aws_api.core.context import Context
from aws_api.core.tags import tags_from_list
from aws_api.services.elbv2 import limits, shapes
from aws_api.services.elbv2.changes import load_balancer_changed
from aws_api.services.elbv2.conditions import normal_conditions, normal_transforms
from aws_api.services.elbv2.describe import rule_shape
from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.listing import page
from aws_api.services.elbv2.models import Rule
from aws_api.services.elbv2.routing import put_actions
from aws_api.services.elbv2.service import elbv2
from aws_api.services.elbv2.store import all_found, find_listener, find_rule, new_resource_id, rules
from aws_api.services.elbv2.tagging import checked_tags

Shape = dict[str, Any]


@elbv2.operation
def create_rule(context: Context, request: shapes.CreateRuleInput) -> Shape:
    """Give a listener a rule."""
    listener = find_listener(context, request["ListenerArn"], locked=True)
    if listener.load_balancer.type != "application":
        raise shapes.UnsupportedProtocolException(
            f"Rules are not supported for listeners of protocol '{listener.protocol}'"
        )
    priority = request["Priority"]
    if listener.rules.filter(priority=priority).exists():
        raise shapes.PriorityInUseException(f"Priority '{priority}' is currently in use")
    of_load_balancer = Rule.objects.filter(listener__load_balancer=listener.load_balancer, priority__isnull=False)
    if of_load_balancer.count() >= limits.RULES_PER_LOAD_BALANCER:
        raise shapes.TooManyRulesException("The maximum number of rules per load balancer has been reached")
    rule = Rule.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        tags=checked_tags(tags_from_list(request.get("Tags"))),
        listener=listener,
        arn=listener.arn.replace(":listener/", ":listener-rule/") + f"/{new_resource_id(context)}",
        priority=priority,
        conditions=normal_conditions(request["Conditions"]),
        transforms=normal_transforms(request.get("Transforms", ())),
    )
    put_actions(context, rule, request["Actions"])
    load_balancer_changed(listener.load_balancer)
    return {"Rules": [rule_shape(rule)]}


@elbv2.operation
def describe_rules(context: Context, request: shapes.DescribeRulesInput) -> Shape:
    """List a listener's rules, the default one last, or those of ARNs."""
    arns, listener_arn = request.get("RuleArns"), request.get("ListenerArn")
    if bool(arns) == bool(listener_arn):
        raise ValidationError("You must specify either listener rule ARNs or a listener ARN")
    rows = rules(context)
    if arns:
        rows = rows.filter(arn__in=arns)
    if listener_arn:
        rows = rows.filter(listener=find_listener(context, listener_arn))
    found, marker = page(request, rows)
    if arns and not request.get("Marker") and not marker and not all_found(found, arns):
        raise shapes.RuleNotFoundException("One or more rules not found")
    found.sort(key=_place)
    return {"Rules": [rule_shape(row) for row in found], **marker}


@elbv2.operation
def modify_rule(context: Context, request: shapes.ModifyRuleInput) -> Shape:
    """Change a rule; what the request leaves out stays. The default one has actions alone."""
    rule = find_rule(context, request["RuleArn"], locked=True)
    conditions, transforms = request.get("Conditions"), request.get("Transforms")
    if rule.is_default and (conditions or transforms):
        raise shapes.OperationNotPermittedException(f"The default rule '{rule.arn}' cannot have conditions")
    if transforms and request.get("ResetTransforms"):
        raise ValidationError("Transforms cannot be specified and reset at the same time")
    if conditions:
        rule.conditions = normal_conditions(conditions)
    if transforms:
        rule.transforms = normal_transforms(transforms)
    if request.get("ResetTransforms"):
        rule.transforms = []
    rule.save(update_fields=["conditions", "transforms"])
    if actions := request.get("Actions"):
        put_actions(context, rule, actions)
    load_balancer_changed(rule.listener.load_balancer)
    return {"Rules": [rule_shape(rule)]}


@elbv2.operation
def delete_rule(context: Context, request: shapes.DeleteRuleInput) -> Shape:
    """Delete a rule; a listener's default one goes with the listener alone."""
    rule = find_rule(context, request["RuleArn"], locked=True)
    if rule.is_default:
        raise shapes.OperationNotPermittedException(f"Default rule '{rule.arn}' cannot be deleted")
    load_balancer = rule.listener.load_balancer
    rule.delete()
    load_balancer_changed(load_balancer)
    return {}


@elbv2.operation
def set_rule_priorities(context: Context, request: shapes.SetRulePrioritiesInput) -> Shape:
    """Give rules of a listener other priorities, all at once: they may change places."""
    pairs = {pair.get("RuleArn", ""): pair.get("Priority") for pair in request["RulePriorities"]}
    if not pairs or None in pairs.values():
        raise ValidationError("A rule ARN and a priority must be specified")
    found = [find_rule(context, arn, locked=True) for arn in sorted(pairs)]
    if len({rule.listener_id for rule in found}) > 1:
        raise ValidationError("All rules must belong to the same listener")
    for rule in found:
        if rule.is_default:
            raise shapes.OperationNotPermittedException(f"The priority of the default rule '{rule.arn}' cannot be set")
        rule.priority = pairs[rule.arn]
    listener = found[0].listener
    others = listener.rules.exclude(pk__in=[rule.pk for rule in found])
    taken = [*others.filter(priority__isnull=False).values_list("priority", flat=True), *pairs.values()]
    for priority in taken:
        if taken.count(priority) > 1:
            raise shapes.PriorityInUseException(f"Priority '{priority}' is currently in use")
    Rule.objects.bulk_update(found, ["priority"])
    load_balancer_changed(listener.load_balancer)
    return {"Rules": [rule_shape(rule) for rule in sorted(found, key=_place)]}


def _place(rule: Rule) -> tuple[int, int]:
    """Rules by listener and priority, the default one last."""
    return rule.listener_id, rule.priority if rule.priority is not None else 1_000_000
