"""Finding instances: what applications call, over and over.

https://docs.aws.amazon.com/cloud-map/latest/api/API_DiscoverInstances.html
"""

import random
from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.services.servicediscovery.operations.health import UNKNOWN
from aws_api.services.servicediscovery.service import servicediscovery
from aws_api.services.servicediscovery.shapes import DiscoverInstancesRequest, DiscoverInstancesRevisionRequest
from aws_api.services.servicediscovery.store import discover

Shape = dict[str, Any]

DEFAULT_RESULTS = 100
_HEALTHY = "HEALTHY"


@servicediscovery.operation
async def discover_instances(context: Context, request: DiscoverInstancesRequest) -> Shape:
    """The instances of a service that have all the query parameters; of those, the ones with the optional parameters
    where any has them; and of those the healthy ones, as the health filter says."""
    service = await discover(context, request["NamespaceName"], request["ServiceName"])
    matching = _with(service.instances, request.get("QueryParameters", {}))
    matching = _with(matching, request.get("OptionalParameters", {})) or matching
    described = [
        {
            "InstanceId": instance_id,
            "NamespaceName": request["NamespaceName"],
            "ServiceName": service.name,
            "HealthStatus": health if service.has_health else UNKNOWN,
            "Attributes": attributes,
        }
        for instance_id, attributes, health in matching
    ]
    found = _by_health(described, request.get("HealthStatus", "HEALTHY_OR_ELSE_ALL"))
    most = request.get("MaxResults", DEFAULT_RESULTS)
    return {"Instances": random.sample(found, min(most, len(found))), "InstancesRevision": service.revision}


@servicediscovery.operation
async def discover_instances_revision(context: Context, request: DiscoverInstancesRevisionRequest) -> Shape:
    """A number that grows with every change of the instances."""
    service = await discover(context, request["NamespaceName"], request["ServiceName"])
    return {"InstancesRevision": service.revision}


def _with(
    instances: Iterable[tuple[str, dict[str, str], str]], parameters: Mapping[str, str]
) -> list[tuple[str, dict[str, str], str]]:
    """The instances that have all these attributes."""
    return [instance for instance in instances if parameters.items() <= instance[1].items()]


def _by_health(instances: list[Shape], wanted: str) -> list[Shape]:
    # Without a health check, nobody has said that an instance is not healthy.
    healthy = [instance for instance in instances if instance["HealthStatus"] in (_HEALTHY, UNKNOWN)]
    match wanted:
        case "HEALTHY":
            return healthy
        case "UNHEALTHY":
            return [instance for instance in instances if instance["HealthStatus"] == "UNHEALTHY"]
        case "ALL":
            return instances
        case _:
            return healthy or instances
