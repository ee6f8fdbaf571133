"""The attributes of load balancers, target groups and listeners: which there are, their defaults, and what they may be.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_api.services.elbv2.models import Listener, LoadBalancer, TargetGroup
from aws_api.services.elbv2.shapes import InvalidConfigurationRequestException


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """An attribute. ``pattern`` is what its values match in full; ``low`` and ``high`` bound those that are numbers."""

    default: str
    pattern: str = ".*"
    low: int | None = None
    high: int | None = None

    def allows(self, value: str) -> bool:
        if re.fullmatch(self.pattern, value, re.DOTALL) is None:
            return False
        return self.low is None or self.high is None or not value.isdigit() or self.low <= int(value) <= self.high


def _flag(default: str) -> Attribute:
    return Attribute(default=default, pattern="true|false")


def _number(default: int, low: int, high: int) -> Attribute:
    return Attribute(default=str(default), pattern=r"\d{1,9}", low=low, high=high)


def _choice(*values: str) -> Attribute:
    return Attribute(default=values[0], pattern="|".join(values))


_TEXT = Attribute(default="")
_LOGS = {
    "access_logs.s3.enabled": _flag("false"),
    "access_logs.s3.bucket": _TEXT,
    "access_logs.s3.prefix": _TEXT,
}
_EVERY_LOAD_BALANCER = {
    **_LOGS,
    "deletion_protection.enabled": _flag("false"),
    "ipv6.deny_all_igw_traffic": _flag("false"),
    "zonal_shift.config.enabled": _flag("false"),
}
_APPLICATION = {
    **_EVERY_LOAD_BALANCER,
    "client_keep_alive.seconds": _number(3600, 60, 604_800),
    "connection_logs.s3.enabled": _flag("false"),
    "connection_logs.s3.bucket": _TEXT,
    "connection_logs.s3.prefix": _TEXT,
    "health_check_logs.s3.enabled": _flag("false"),
    "health_check_logs.s3.bucket": _TEXT,
    "health_check_logs.s3.prefix": _TEXT,
    "idle_timeout.timeout_seconds": _number(60, 1, 4000),
    "load_balancing.cross_zone.enabled": _choice("true"),
    "routing.http.desync_mitigation_mode": _choice("defensive", "monitor", "strictest"),
    "routing.http.drop_invalid_header_fields.enabled": _flag("false"),
    "routing.http.preserve_host_header.enabled": _flag("false"),
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": _flag("false"),
    "routing.http.xff_client_port.enabled": _flag("false"),
    "routing.http.xff_header_processing.mode": _choice("append", "preserve", "remove"),
    "routing.http2.enabled": _flag("true"),
    "waf.fail_open.enabled": _flag("false"),
}
_NETWORK = {
    **_EVERY_LOAD_BALANCER,
    "dns_record.client_routing_policy": _choice(
        "any_availability_zone", "availability_zone_affinity", "partial_availability_zone_affinity"
    ),
    "load_balancing.cross_zone.enabled": _flag("false"),
    "secondary_ips.auto_assigned.per_subnet": _number(0, 0, 7),
}

_PERCENTAGE = Attribute(default="off", pattern=r"off|\d{1,3}", low=1, high=100)
_EVERY_TARGET_GROUP = {
    "deregistration_delay.timeout_seconds": _number(300, 0, 3600),
    "load_balancing.cross_zone.enabled": _choice("use_load_balancer_configuration", "true", "false"),
    "stickiness.enabled": _flag("false"),
    "target_group_health.dns_failover.minimum_healthy_targets.count": Attribute(default="1", pattern=r"off|\d{1,4}"),
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": _PERCENTAGE,
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": _number(1, 1, 1000),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": _PERCENTAGE,
}
_OF_HTTP = {
    **_EVERY_TARGET_GROUP,
    "load_balancing.algorithm.anomaly_mitigation": _choice("off", "on"),
    "load_balancing.algorithm.type": _choice("round_robin", "least_outstanding_requests", "weighted_random"),
    "slow_start.duration_seconds": Attribute(default="0", pattern=r"0|[3-9]\d|[1-9]\d\d", low=0, high=900),
    "stickiness.app_cookie.cookie_name": Attribute(
        default="", pattern=r"(?!AWSALB$|AWSALBAPP$|AWSALBTG$)[\x21\x23-\x2b\x2d-\x3a\x3c-\x7e]{0,512}"
    ),
    "stickiness.app_cookie.duration_seconds": _number(86_400, 1, 604_800),
    "stickiness.lb_cookie.duration_seconds": _number(86_400, 1, 604_800),
    "stickiness.type": _choice("lb_cookie", "app_cookie"),
}
_OF_TRANSPORT = {
    **_EVERY_TARGET_GROUP,
    "deregistration_delay.connection_termination.enabled": _flag("false"),
    "preserve_client_ip.enabled": _flag("true"),
    "proxy_protocol_v2.enabled": _flag("false"),
    "stickiness.type": _choice("source_ip", "source_ip_dest_ip", "source_ip_dest_ip_proto"),
    "target_health_state.unhealthy.connection_termination.enabled": _flag("true"),
    "target_health_state.unhealthy.draining_interval_seconds": _number(0, 0, 360_000),
}

#: Headers that a listener adds to answers: the attribute's name is this, the header's name, and ``.header_value``.
RESPONSE_HEADER_PREFIX = "routing.http.response."
RESPONSE_HEADERS = {
    "access_control_allow_credentials": "Access-Control-Allow-Credentials",
    "access_control_allow_headers": "Access-Control-Allow-Headers",
    "access_control_allow_methods": "Access-Control-Allow-Methods",
    "access_control_allow_origin": "Access-Control-Allow-Origin",
    "access_control_expose_headers": "Access-Control-Expose-Headers",
    "access_control_max_age": "Access-Control-Max-Age",
    "content_security_policy": "Content-Security-Policy",
    "strict_transport_security": "Strict-Transport-Security",
    "x_content_type_options": "X-Content-Type-Options",
    "x_frame_options": "X-Frame-Options",
}
_HTTP_LISTENER = {
    f"{RESPONSE_HEADER_PREFIX}server.enabled": _flag("true"),
    **{f"{RESPONSE_HEADER_PREFIX}{name}.header_value": _TEXT for name in RESPONSE_HEADERS},
}
_REQUEST_HEADERS = (
    "mtls_clientcert",
    "mtls_clientcert_issuer",
    "mtls_clientcert_leaf",
    "mtls_clientcert_serial_number",
    "mtls_clientcert_subject",
    "mtls_clientcert_validity",
    "tls_cipher_suite",
    "tls_version",
)
_HTTPS_LISTENER = {
    **_HTTP_LISTENER,
    **{
        f"routing.http.request.x_amzn_{name}.header_name": Attribute(
            default=f"X-Amzn-{'-'.join(word.capitalize() for word in name.split('_'))}", pattern="[A-Za-z0-9_-]{1,40}"
        )
        for name in _REQUEST_HEADERS
    },
}
_TCP_LISTENER = {"tcp.idle_timeout.seconds": _number(350, 60, 6000)}

Table = Mapping[str, Attribute]


def load_balancer_table(row: LoadBalancer) -> Table:
    return _APPLICATION if row.type == "application" else _NETWORK


def target_group_table(row: TargetGroup) -> Table:
    if row.protocol in ("HTTP", "HTTPS"):
        return _OF_HTTP
    # Addresses of clients are kept, but for addresses as targets of TCP and TLS.
    keeps_clients = row.target_type != "ip" or row.protocol in ("UDP", "TCP_UDP")
    return {**_OF_TRANSPORT, "preserve_client_ip.enabled": _flag("true" if keeps_clients else "false")}


def listener_table(row: Listener) -> Table:
    return {"HTTP": _HTTP_LISTENER, "HTTPS": _HTTPS_LISTENER, "TCP": _TCP_LISTENER}.get(row.protocol, {})


def values(table: Table, given: Mapping[str, str]) -> dict[str, str]:
    """The value of every attribute."""
    return {key: given.get(key, attribute.default) for key, attribute in table.items()}


def listed(table: Table, given: Mapping[str, str]) -> list[dict[str, str]]:
    """The same as AWS's list, by key."""
    found = values(table, given)
    return [{"Key": key, "Value": found[key]} for key in sorted(found)]


def changed(table: Table, given: Mapping[str, str], wanted: Iterable[Mapping[str, Any]], what: str) -> dict[str, str]:
    """The given values with those wanted. Raises InvalidConfigurationRequest; ``what`` has the attributes."""
    result = dict(given)
    for pair in wanted:
        key, value = pair.get("Key", ""), pair.get("Value", "")
        attribute = table.get(key)
        if attribute is None:
            raise InvalidConfigurationRequestException(f"{what} attribute key '{key}' is not recognized")
        if not attribute.allows(value):
            raise InvalidConfigurationRequestException(
                f"The value '{value}' is not valid for the {what.lower()} attribute '{key}'"
            )
        result[key] = value
    return result
