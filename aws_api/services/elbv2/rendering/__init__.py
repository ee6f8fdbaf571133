"""A load balancer's specification as HAProxy's configuration. Pure: text out of frozen values.

The servers of a target group are not in the text: a line ``# servers KEY`` stands where they go. Which servers get
traffic is known only inside of the container, whose agent puts them there and changes them without a reload.

https://docs.haproxy.org/2.6/configuration.html
"""

from aws_api.services.elbv2.rendering.configuration import load_balancer_configuration
from aws_api.services.elbv2.rendering.document import render

__all__ = ["load_balancer_configuration", "render"]
