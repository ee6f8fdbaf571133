"""What listeners and rules do with a request: checking actions, and giving them AWS's defaults.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aws_api.core.errors import NotImplementedByUs
from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.limits import TARGET_GROUPS_PER_ACTION
from aws_api.services.elbv2.models import LoadBalancer, TargetGroup
from aws_api.services.elbv2.shapes import (
    IncompatibleProtocolsException,
    InvalidLoadBalancerActionException,
    TooManyActionsException,
)

Shape = dict[str, Any]

MAX_WEIGHT = 999
MAX_STICKINESS_S = 604_800
_FINAL = ("forward", "redirect", "fixed-response")
_CONTENT_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")
#: The protocols of target groups that a listener's protocol can send to.
_COMPATIBLE: Mapping[str, tuple[str, ...]] = {
    "HTTP": ("HTTP", "HTTPS"),
    "HTTPS": ("HTTP", "HTTPS"),
    "TCP": ("TCP", "TCP_UDP"),
    "TLS": ("TCP", "TLS"),
    "UDP": ("UDP", "TCP_UDP"),
    "TCP_UDP": ("TCP_UDP",),
}
REDIRECT_DEFAULTS = {
    "Protocol": "#{protocol}",
    "Port": "#{port}",
    "Host": "#{host}",
    "Path": "/#{path}",
    "Query": "#{query}",
}


def normal_actions(
    load_balancer: LoadBalancer,
    protocol: str,
    actions: Sequence[Mapping[str, Any]],
    find_group: Callable[[str], TargetGroup],
) -> tuple[list[Shape], list[TargetGroup]]:
    """The actions as they are kept and described, and the target groups that they name.

    Raises ValidationError, InvalidLoadBalancerAction, IncompatibleProtocols, TooManyActions and what ``find_group``
    raises; NotImplemented for actions that AWS has and Simfra lacks.
    """
    for action in actions:
        if action["Type"] not in _FINAL:
            raise NotImplementedByUs(f"Simfra does not implement actions of type {action['Type']} yet.")
    if len(actions) > 1:
        raise TooManyActionsException("Only one action of type forward, redirect or fixed-response is allowed")
    if not actions:
        raise ValidationError("At least one action must be specified")
    action = actions[0]
    if action["Type"] != "forward" and load_balancer.type != "application":
        raise InvalidLoadBalancerActionException(
            f"Action type '{action['Type']}' is not supported for load balancers of type '{load_balancer.type}'"
        )
    kept, groups = _normal(action, find_group)
    for group in groups:
        _check_group(load_balancer, protocol, group)
    return [{**({"Order": action["Order"]} if "Order" in action else {}), **kept}], groups


def _normal(action: Mapping[str, Any], find_group: Callable[[str], TargetGroup]) -> tuple[Shape, list[TargetGroup]]:
    if action["Type"] == "redirect":
        return _redirect(action), []
    if action["Type"] == "fixed-response":
        return _fixed_response(action), []
    forward, groups = _forward(action, find_group)
    return forward, groups


def _forward(action: Mapping[str, Any], find_group: Callable[[str], TargetGroup]) -> tuple[Shape, list[TargetGroup]]:
    config = action.get("ForwardConfig") or {}
    arn = action.get("TargetGroupArn")
    tuples = [dict(entry) for entry in config.get("TargetGroups") or ([{"TargetGroupArn": arn}] if arn else [])]
    if not tuples:
        raise ValidationError("A target group ARN must be specified for actions of type 'forward'")
    if arn and [entry.get("TargetGroupArn") for entry in tuples] != [arn]:
        raise InvalidLoadBalancerActionException(
            "You cannot specify both a target group ARN and a forward config with different target groups"
        )
    if len(tuples) > TARGET_GROUPS_PER_ACTION:
        raise InvalidLoadBalancerActionException(
            f"A forward action can have at most {TARGET_GROUPS_PER_ACTION} target groups"
        )
    if len({entry.get("TargetGroupArn") for entry in tuples}) != len(tuples):
        raise InvalidLoadBalancerActionException("The target groups of a forward action must be unique")
    for entry in tuples:
        weight = entry.setdefault("Weight", 1)
        if not 0 <= weight <= MAX_WEIGHT:
            raise ValidationError(f"The weight '{weight}' must be between 0 and {MAX_WEIGHT}")
    groups = [find_group(entry.get("TargetGroupArn", "")) for entry in tuples]
    kept: Shape = {"Type": "forward"}
    if len(tuples) == 1:
        kept["TargetGroupArn"] = tuples[0]["TargetGroupArn"]
    kept["ForwardConfig"] = {
        "TargetGroups": tuples,
        "TargetGroupStickinessConfig": _stickiness(config.get("TargetGroupStickinessConfig") or {}),
    }
    return kept, groups


def _stickiness(config: Mapping[str, Any]) -> Shape:
    if not config.get("Enabled"):
        return {"Enabled": False}
    duration_s = config.get("DurationSeconds")
    if duration_s is None or not 1 <= duration_s <= MAX_STICKINESS_S:
        raise ValidationError(f"Target group stickiness duration must be between 1 and {MAX_STICKINESS_S} seconds")
    return {"Enabled": True, "DurationSeconds": duration_s}


def _redirect(action: Mapping[str, Any]) -> Shape:
    given = action.get("RedirectConfig")
    if not given:
        raise ValidationError("A redirect config must be specified for actions of type 'redirect'")
    config = {**REDIRECT_DEFAULTS, **given}
    if all(config[member] == default for member, default in REDIRECT_DEFAULTS.items()):
        raise InvalidLoadBalancerActionException("The redirect configuration is not valid because it creates a loop.")
    port = config["Port"]
    if port != REDIRECT_DEFAULTS["Port"] and not (port.isdigit() and 1 <= int(port) <= 65535):
        raise ValidationError(f"The port '{port}' must be between 1 and 65535, or #{{port}}")
    if not config["Path"].startswith("/"):
        raise ValidationError(f"The path '{config['Path']}' must begin with '/'")
    return {"Type": "redirect", "RedirectConfig": config}


def _fixed_response(action: Mapping[str, Any]) -> Shape:
    config = action.get("FixedResponseConfig")
    if not config:
        raise ValidationError("A fixed response config must be specified for actions of type 'fixed-response'")
    content_type = config.get("ContentType", "text/plain")
    if content_type not in _CONTENT_TYPES:
        raise ValidationError(
            f"The content type '{content_type}' is not valid. Valid values: {', '.join(_CONTENT_TYPES)}"
        )
    return {"Type": "fixed-response", "FixedResponseConfig": {"ContentType": content_type, **config}}


def _check_group(load_balancer: LoadBalancer, protocol: str, group: TargetGroup) -> None:
    if group.protocol not in _COMPATIBLE[protocol]:
        raise IncompatibleProtocolsException(
            f"Listener protocol '{protocol}' is not supported with a target group with the protocol '{group.protocol}'"
        )
    if group.vpc_id != load_balancer.vpc_id:
        raise ValidationError(
            f"The following target groups are in a different VPC than load balancer '{load_balancer.arn}': {group.arn}"
        )
    if group.target_type == "alb" and load_balancer.type != "network":
        raise InvalidLoadBalancerActionException(
            f"Target groups of type 'alb' cannot be used by load balancers of type '{load_balancer.type}'"
        )


def target_group_arns(actions: Iterable[Mapping[str, Any]]) -> list[str]:
    """The target groups that kept actions name."""
    return [
        entry["TargetGroupArn"]
        for action in actions
        if action["Type"] == "forward"
        for entry in action["ForwardConfig"]["TargetGroups"]
    ]
