"""Elastic Load Balancing v2: application and network load balancers that carry real traffic.

Emulated: load balancers, listeners, rules with every condition and transform, forward (weighted, sticky), redirect and
fixed-response actions, target groups of type ip, instance and alb, health checks, attributes, certificates with SNI,
security policies, tags, limits. Each load balancer is one HAProxy container with an address in each of its subnets;
``specification`` is what it should do, ``rendering`` says that to HAProxy, and what runs inside is the folder
``sidecar/load_balancer``.

Refused plainly: gateway load balancers, authenticate-* and jwt-validation actions, targets of type lambda, QUIC.
Stored without effect: desync mitigation, WAF, zonal shift, capacity reservations, address pools, and cross-zone
balancing: every address of a load balancer sends to the targets of all zones. Client keep-alive ends connections of
HTTP/1; those of HTTP/2 end by their idle timeout. Not emulated: trust stores, IPv6.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/Welcome.html
"""
