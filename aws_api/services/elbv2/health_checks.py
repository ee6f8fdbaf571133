"""Health checks of a target group: their defaults by protocol, and what they may be. Pure.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html
"""

import re
from collections.abc import Mapping
from typing import Any

from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.models import TargetGroup

Shape = dict[str, Any]

TRAFFIC_PORT = "traffic-port"
_MEMBERS = (
    "HealthCheckProtocol",
    "HealthCheckPort",
    "HealthCheckEnabled",
    "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "UnhealthyThresholdCount",
    "HealthCheckPath",
    "Matcher",
)
_HTTP = ("HTTP", "HTTPS")
_CODES = re.compile(r"\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?){0,50}")


def new_health_check(protocol: str, version: str, target_type: str, request: Mapping[str, Any]) -> Shape:
    """The members of a new target group, with AWS's defaults for what the request leaves open."""
    is_http = protocol in _HTTP
    check_protocol = request.get("HealthCheckProtocol") or (
        protocol if is_http else "HTTP" if target_type == "alb" else "TCP"
    )
    by_http = check_protocol in _HTTP
    defaults: Shape = {
        "HealthCheckProtocol": check_protocol,
        "HealthCheckPort": TRAFFIC_PORT,
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5 if is_http else 6 if by_http else 10,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
    }
    if by_http:
        is_grpc = version == "GRPC"
        defaults["HealthCheckPath"] = "/AWS.ALB/healthcheck" if is_grpc else "/"
        defaults["Matcher"] = {"GrpcCode": "12"} if is_grpc else {"HttpCode": "200" if is_http else "200-399"}
    return _checked(defaults, request, is_http=is_http)


def changed_health_check(group: TargetGroup, request: Mapping[str, Any]) -> Shape:
    """The members of a group with those that a request changes."""
    kept = dict(group.health_check)
    protocol = request.get("HealthCheckProtocol", kept["HealthCheckProtocol"])
    if protocol in _HTTP and "HealthCheckPath" not in kept:
        fresh = new_health_check(group.protocol, group.protocol_version, group.target_type, request)
        kept = {**fresh, **kept}
    if protocol not in _HTTP:
        kept.pop("HealthCheckPath", None)
        kept.pop("Matcher", None)
    return _checked(kept, request, is_http=group.protocol in _HTTP)


def _checked(defaults: Shape, request: Mapping[str, Any], *, is_http: bool) -> Shape:
    found = {**defaults, **{member: request[member] for member in _MEMBERS if member in request}}
    protocol = found["HealthCheckProtocol"]
    if protocol not in (*_HTTP, "TCP") or (is_http and protocol == "TCP"):
        raise ValidationError(f"Health check protocol '{protocol}' is not supported")
    if protocol == "TCP" and ("HealthCheckPath" in request or request.get("Matcher")):
        raise ValidationError("A health check path and a matcher cannot be specified for health checks by TCP")
    port = found["HealthCheckPort"]
    if port != TRAFFIC_PORT and not (port.isdigit() and 1 <= int(port) <= 65535):
        raise ValidationError(f"Health check port '{port}' must be in the range 1-65535 inclusive or 'traffic-port'")
    if "HealthCheckPath" in found and not found["HealthCheckPath"].startswith("/"):
        raise ValidationError(f"Health check path '{found['HealthCheckPath']}' must begin with a '/' character")
    if found["HealthCheckTimeoutSeconds"] > found["HealthCheckIntervalSeconds"]:
        raise ValidationError("Health check timeout must be smaller than or equal to the interval")
    if is_http and found["HealthCheckTimeoutSeconds"] == found["HealthCheckIntervalSeconds"]:
        raise ValidationError("Health check interval must be greater than the timeout.")
    if not found["HealthCheckEnabled"]:
        raise ValidationError("Health check enabled must be true for target groups with target type 'instance' or 'ip'")
    for member, low, high in (("HttpCode", 200, 599), ("GrpcCode", 0, 99)):
        if codes := found.get("Matcher", {}).get(member):
            _check_codes(codes, low, high)
    return found


def _check_codes(codes: str, low: int, high: int) -> None:
    numbers = [int(number) for number in re.findall(r"\d+", codes)]
    if not _CODES.fullmatch(codes) or not all(low <= number <= high for number in numbers):
        raise ValidationError(f"Health check matcher '{codes}' must be within the range {low}-{high}")
