"""The core's ports for names, port forwards and figures, on Elastic Load Balancing's rows."""

from aws_api.core.dns import register_zone_provider
from aws_api.core.metric_sources import register_metric_source
from aws_api.core.port_forwards import register_target_provider
from aws_api.services.elbv2 import failing_checks, serving
from aws_api.services.elbv2.figures import NAMESPACES, TrafficMetrics
from aws_api.services.elbv2.forward_targets import LoadBalancerTargets
from aws_api.services.elbv2.names import LoadBalancerZones

__all__ = ["failing_checks", "serving"]

register_zone_provider(LoadBalancerZones())
register_target_provider(LoadBalancerTargets())
for _namespace, _type in NAMESPACES.items():
    register_metric_source(_namespace, TrafficMetrics(_type))
