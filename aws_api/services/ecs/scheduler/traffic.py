"""Moving traffic between the target groups of two deployments, on the load balancer's own rules.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-implementation.html
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from aws_api.core.context import Context, internal_context
from aws_api.core.invoke import invoke
from aws_api.services.ecs.models import Deployment, Service, ServiceDeployment
from aws_api.services.ecs.scheduler.loading import process_row
from aws_api.services.ecs.scheduler.places import target_group_of
from aws_api.services.ecs.scheduler.steps import ShiftTraffic

#: Weights are whole numbers up to 999.
_MOST = 999


def shift_traffic(service: Service, deployment: Deployment, step: ShiftTraffic, now: datetime) -> None:
    """Give a deployment its share, and the other target group the rest. Raises AwsError."""
    context = internal_context(service.account_id, service.region)
    member = "testListenerRule" if step.is_test else "productionListenerRule"
    for balancer in deployment.document.get("loadBalancers", ()):
        advanced = balancer.get("advancedConfiguration", {})
        if member not in advanced:
            continue
        mine = target_group_of(deployment, balancer)
        pair = (balancer["targetGroupArn"], advanced["alternateTargetGroupArn"])
        other = pair[1] if mine == pair[0] else pair[0]
        _weigh(context, advanced[member], dict(zip((mine, other), weights(step.percent), strict=True)))
    column = "last_test_percent" if step.is_test else "last_production_percent"
    process = process_row(service)
    if process is not None:
        stage = {} if step.is_test else {"last_stage_at": now}
        ServiceDeployment.objects.filter(pk=process.pk).update(last_updated_at=now, **{column: step.percent}, **stage)


def weights(percent: float) -> tuple[int, int]:
    """Whole weights of a share and the rest; tenths of a percent are kept."""
    if percent == int(percent):
        return int(percent), 100 - int(percent)
    mine = round(percent * 10)
    return mine, min(1000 - mine, _MOST)


def _weigh(context: Context, rule_arn: str, shares: Mapping[str, int]) -> None:
    """Forward to the target groups by weight, from a rule or from a listener's default."""
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in sorted(shares.items())]
    if ":listener-rule/" in rule_arn:
        rule = invoke(context, "elbv2", "DescribeRules", {"RuleArns": [rule_arn]})["Rules"][0]
        if rule.get("IsDefault"):
            rule_arn = rule_arn.rpartition("/")[0].replace(":listener-rule/", ":listener/")
        else:
            actions = _forwarding(rule.get("Actions", ()), groups)
            invoke(context, "elbv2", "ModifyRule", {"RuleArn": rule_arn, "Actions": actions})
            return
    listener = invoke(context, "elbv2", "DescribeListeners", {"ListenerArns": [rule_arn]})["Listeners"][0]
    actions = _forwarding(listener.get("DefaultActions", ()), groups)
    invoke(context, "elbv2", "ModifyListener", {"ListenerArn": rule_arn, "DefaultActions": actions})


def _forwarding(actions: Iterable[Mapping[str, Any]], groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The actions with the forwarding one's target groups; its stickiness stays."""
    changed = []
    for action in actions:
        if action["Type"] != "forward":
            changed.append(dict(action))
            continue
        kept = {name: value for name, value in action.items() if name not in ("TargetGroupArn", "ForwardConfig")}
        stickiness = action.get("ForwardConfig", {}).get("TargetGroupStickinessConfig")
        config = {"TargetGroups": groups, **({"TargetGroupStickinessConfig": stickiness} if stickiness else {})}
        changed.append({**kept, "ForwardConfig": config})
    return changed
