"""Listeners. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html"""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.errors import NotImplementedByUs
from aws_api.core.tags import tags_from_list
from aws_api.services.elbv2 import limits, shapes, ssl_policies
from aws_api.services.elbv2.changes import load_balancer_changed
from aws_api.services.elbv2.describe import listener_shape
from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.listing import page
from aws_api.services.elbv2.models import Listener, LoadBalancer, Rule
from aws_api.services.elbv2.routing import put_actions
from aws_api.services.elbv2.service import elbv2
from aws_api.services.elbv2.serving import checked_certificate
from aws_api.services.elbv2.store import (
    all_found,
    find_listener,
    find_load_balancer,
    listeners,
    new_resource_id,
)
from aws_api.services.elbv2.tagging import checked_tags

Shape = dict[str, Any]

SECURE = ("HTTPS", "TLS")
_PROTOCOLS = {"application": ("HTTP", "HTTPS"), "network": ("TCP", "TLS", "UDP", "TCP_UDP")}
_ALPN_POLICIES = ("HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None")


@elbv2.operation
def create_listener(context: Context, request: shapes.CreateListenerInput) -> Shape:
    """Open a port of a load balancer."""
    load_balancer = find_load_balancer(context, request["LoadBalancerArn"], locked=True)
    protocol, port = request.get("Protocol"), request.get("Port")
    if not protocol or not port:
        raise ValidationError("A listener protocol and a port must be specified")
    _check_protocol(load_balancer, protocol)
    if load_balancer.listeners.filter(port=port).exists():
        raise shapes.DuplicateListenerException(
            f"A listener already exists on this port for this load balancer '{load_balancer.arn}'"
        )
    if load_balancer.listeners.count() >= limits.LISTENERS_PER_LOAD_BALANCER:
        raise shapes.TooManyListenersException("The maximum number of listeners has been reached")
    tags = checked_tags(tags_from_list(request.get("Tags")))
    resource_id = new_resource_id(context)
    listener = Listener.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        tags=tags,
        document=_kept(request),
        load_balancer=load_balancer,
        arn=load_balancer.arn.replace(":loadbalancer/", ":listener/") + f"/{resource_id}",
        protocol=protocol,
        port=port,
        **_security(context, protocol, request, None),
    )
    rule = Rule.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        listener=listener,
        arn=listener.arn.replace(":listener/", ":listener-rule/") + f"/{new_resource_id(context)}",
        priority=None,
    )
    put_actions(context, rule, request["DefaultActions"])
    load_balancer_changed(load_balancer)
    return {"Listeners": [listener_shape(listener, rule)]}


@elbv2.operation
def describe_listeners(context: Context, request: shapes.DescribeListenersInput) -> Shape:
    """List a load balancer's listeners, or those of ARNs."""
    arns, load_balancer_arn = request.get("ListenerArns"), request.get("LoadBalancerArn")
    if bool(arns) == bool(load_balancer_arn):
        raise ValidationError("You must specify either listener ARNs or a load balancer ARN")
    rows = listeners(context)
    if arns:
        rows = rows.filter(arn__in=arns)
    if load_balancer_arn:
        rows = rows.filter(load_balancer=find_load_balancer(context, load_balancer_arn))
    found, marker = page(request, rows)
    if arns and not request.get("Marker") and not marker and not all_found(found, arns):
        raise shapes.ListenerNotFoundException("One or more listeners not found")
    return {"Listeners": [_described(row) for row in found], **marker}


@elbv2.operation
def modify_listener(context: Context, request: shapes.ModifyListenerInput) -> Shape:
    """Change a listener; what the request leaves out stays."""
    listener = find_listener(context, request["ListenerArn"], locked=True)
    load_balancer = listener.load_balancer
    protocol = request.get("Protocol", listener.protocol)
    port = request.get("Port", listener.port)
    _check_protocol(load_balancer, protocol)
    if load_balancer.listeners.filter(port=port).exclude(pk=listener.pk).exists():
        raise shapes.DuplicateListenerException(
            f"A listener already exists on this port for this load balancer '{load_balancer.arn}'"
        )
    listener.protocol, listener.port = protocol, port
    for column, value in _security(context, protocol, request, listener).items():
        setattr(listener, column, value)
    listener.document = {**listener.document, **_kept(request)}
    listener.save()
    rule = listener.rules.get(priority=None)
    rule.listener = listener
    put_actions(context, rule, request.get("DefaultActions") or rule.actions)
    load_balancer_changed(load_balancer)
    return {"Listeners": [listener_shape(listener, rule)]}


@elbv2.operation
def delete_listener(context: Context, request: shapes.DeleteListenerInput) -> Shape:
    """Close a port of a load balancer."""
    listener = find_listener(context, request["ListenerArn"], locked=True)
    listener.delete()
    load_balancer_changed(listener.load_balancer)
    return {}


# The parts ------------------------------------------------------------------------------------------------------------


def _described(listener: Listener) -> Shape:
    return listener_shape(listener, listener.rules.get(priority=None))


def _check_protocol(load_balancer: LoadBalancer, protocol: str) -> None:
    allowed = _PROTOCOLS[load_balancer.type]
    if protocol in ("QUIC", "TCP_QUIC"):
        raise NotImplementedByUs(f"Simfra does not implement listeners of protocol {protocol} yet.")
    if protocol not in allowed:
        raise ValidationError(f"Listener protocol '{protocol}' must be one of '{', '.join(allowed)}'")


def _security(context: Context, protocol: str, request: Mapping[str, Any], listener: Listener | None) -> dict[str, Any]:
    """The columns of TLS: those of a request, else those that a listener has."""
    certificates = request.get("Certificates")
    if protocol not in SECURE:
        if certificates or request.get("SslPolicy"):
            raise ValidationError(f"Certificates and an SSL policy cannot be specified for {protocol} listeners")
        return {"certificates": [], "ssl_policy": "", "alpn_policy": ""}
    had = list(listener.certificates) if listener is not None else []
    if certificates is not None:
        if len(certificates) != 1:
            raise shapes.TooManyCertificatesException("Exactly one certificate must be specified")
        default = checked_certificate(context, certificates[0].get("CertificateArn", ""))
        had = [default, *(arn for arn in had[1:] if arn != default)]
    if not had:
        raise ValidationError(f"A certificate must be specified for {protocol} listeners")
    policy = request.get("SslPolicy") or (listener.ssl_policy if listener is not None else "") or ssl_policies.DEFAULT
    if policy not in ssl_policies.POLICIES:
        raise shapes.SSLPolicyNotFoundException(f"SSL policy '{policy}' not found")
    alpn = request.get("AlpnPolicy")
    if alpn is None:
        alpn_policy = listener.alpn_policy if listener is not None else ""
    else:
        alpn_policy = _alpn_policy(protocol, alpn)
    return {"certificates": had, "ssl_policy": policy, "alpn_policy": alpn_policy}


def _alpn_policy(protocol: str, policies: list[str]) -> str:
    if protocol != "TLS":
        raise ValidationError(f"An ALPN policy cannot be specified for {protocol} listeners")
    if len(policies) != 1 or policies[0] not in _ALPN_POLICIES:
        raise shapes.ALPNPolicyNotSupportedException(f"ALPN policy '{', '.join(policies)}' is not supported")
    return policies[0]


def _kept(request: Mapping[str, Any]) -> dict[str, Any]:
    """What is only described. Clients' certificates need trust stores, which Simfra does not have."""
    mutual = request.get("MutualAuthentication")
    if mutual is None:
        return {}
    if mutual.get("Mode", "off") != "off":
        raise NotImplementedByUs("Simfra does not implement mutual authentication yet.")
    return {"MutualAuthentication": mutual}
