"""Target groups as HAProxy's backends, and what their servers are like."""

from collections.abc import Iterator

from aws_api.services.elbv2.rendering.frontends import FILES
from aws_api.services.elbv2.specification import LoadBalancerSpec, TargetGroupSpec

#: A target that refuses connections is a bad gateway to ELB, while HAProxy speaks of an unavailable service.
BAD_GATEWAY_FILE = "502.http"
#: Marks where the agent puts a group's servers.
SERVERS_MARK = "# servers"
#: What the load balancer's own cookie is called beside that of an application, and what it says where it means nothing.
APPLICATION_COOKIE = "AWSALBAPP-0"
MEANINGLESS = "_remove_"
_BALANCE = {
    "round_robin": "roundrobin",
    "least_outstanding_requests": "leastconn",
    "weighted_random": "random(1)",
}


def backend_lines(load_balancer: LoadBalancerSpec, group: TargetGroupSpec) -> Iterator[str]:
    """The lines of a target group's backend."""
    yield f"backend {group.key}"
    lines = _http(group) if load_balancer.type == "application" else _tcp(group)
    for line in (*lines, f"{SERVERS_MARK} {group.key}"):
        yield f"  {line}"


def server_options(load_balancer: LoadBalancerSpec, group: TargetGroupSpec) -> str:
    """What follows a server's address, in the configuration and when it is added later."""
    words = ["weight 100"]
    if load_balancer.type == "application":
        alpn = "http/1.1" if group.protocol_version == "HTTP1" else "h2"
        if group.protocol == "HTTPS":
            words.append(f"ssl verify none alpn {alpn}")
        elif alpn == "h2":
            words.append("proto h2")
    elif group.protocol == "TLS":
        words.append("ssl verify none")
    if group.attributes.get("proxy_protocol_v2.enabled") == "true":
        words.append("send-proxy-v2")
    return " ".join(words)


def cookie_key(group: TargetGroupSpec) -> str:
    """What cookies that name the group's servers are made of; empty where it has none."""
    attributes = group.attributes
    if attributes["stickiness.enabled"] != "true":
        return ""
    is_named = attributes["stickiness.type"] == "lb_cookie" or attributes.get("stickiness.app_cookie.cookie_name")
    return group.key if is_named and group.protocol in ("HTTP", "HTTPS") else ""


def _http(group: TargetGroupSpec) -> Iterator[str]:
    attributes = group.attributes
    yield "mode http"
    yield f"balance {_BALANCE[attributes['load_balancing.algorithm.type']]}"
    yield f"errorfile 503 {FILES}/{BAD_GATEWAY_FILE}"
    if attributes["stickiness.enabled"] != "true":
        return
    if attributes["stickiness.type"] == "lb_cookie":
        lifetime_s = attributes["stickiness.lb_cookie.duration_seconds"]
        yield f"cookie AWSALB insert indirect nocache dynamic maxidle {lifetime_s}s attr Path=/"
        yield f"dynamic-cookie-key {cookie_key(group)}"
    elif name := attributes["stickiness.app_cookie.cookie_name"]:
        yield from _application_cookie(group, name, attributes["stickiness.app_cookie.duration_seconds"])


def _application_cookie(group: TargetGroupSpec, name: str, lifetime_s: str) -> Iterator[str]:
    """A client stays where it got the application's cookie for as long as it sends that and the load balancer's own.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
    """
    yield f"cookie {APPLICATION_COOKIE} insert indirect nocache dynamic maxidle {lifetime_s}s"
    yield f"dynamic-cookie-key {cookie_key(group)}"
    has_asked, has_answered = f"{{ req.cook({name}) -m found }}", f"{{ res.cook({name}) -m found }}"
    forgotten = rf'"^(.*{APPLICATION_COOKIE}=)[^;]*(.*)" "\1{MEANINGLESS}\2"'
    yield f"http-request replace-header Cookie {forgotten} unless {has_asked}"
    yield f"http-request set-var(txn.session) bool(true) if {has_asked}"
    yield f"http-response set-var(txn.session) bool(true) if {has_answered}"
    yield f"http-after-response replace-header Set-Cookie {forgotten} unless {{ var(txn.session) -m bool }}"


def _tcp(group: TargetGroupSpec) -> Iterator[str]:
    yield "mode tcp"
    if group.attributes["stickiness.enabled"] == "true":
        yield "balance source"
        yield "hash-type consistent"
    else:
        yield "balance random(1)"
    yield "timeout server 1h"
