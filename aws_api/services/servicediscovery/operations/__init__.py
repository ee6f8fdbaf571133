"""The operations of Cloud Map, a module per family. https://docs.aws.amazon.com/cloud-map/latest/api/API_Operations.html"""

from aws_api.services.servicediscovery.operations import (
    discovery,
    health,
    instances,
    namespaces,
    operations,
    services,
    tags,
)

__all__ = ["discovery", "health", "instances", "namespaces", "operations", "services", "tags"]
