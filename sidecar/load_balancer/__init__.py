"""A load balancer: HAProxy, and beside it what HAProxy does not do.

Modules: ``configuration`` (what it is told), ``proxy`` (HAProxy's process, files and runtime API), ``servers`` (targets
in its configuration), ``probes``, ``health`` and ``checking`` (checking targets), ``datagrams`` (UDP),
``packet_filter`` (security groups), ``interfaces`` (addresses), ``figures`` (what was carried), ``reports`` (telling
Simfra), ``agent`` (all of it together).

Targets are checked here and not by HAProxy, so that a new one gets nothing before its first passed check, a group of
unhealthy ones gets everything, and targets behind UDP are checked as well.
"""
