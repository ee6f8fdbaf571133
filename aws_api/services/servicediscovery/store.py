"""Finding rows; and discovery, the hot read, on one statement of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from aws_api.core import database
from aws_api.core.context import Context
from aws_api.services.servicediscovery.models import Instance, Namespace, Service
from aws_api.services.servicediscovery.shapes import InstanceNotFound, NamespaceNotFound, ServiceNotFound

_DISCOVER = """
SELECT namespace.id AS namespace, service.id AS service, service.name, service.has_health, service.revision,
       instance.instance_id, instance.attributes, instance.health
FROM servicediscovery_namespace namespace
LEFT JOIN servicediscovery_service service ON service.namespace_id = namespace.id AND lower(service.name) = lower($4)
LEFT JOIN servicediscovery_instance instance ON instance.service_id = service.id
WHERE namespace.account_id = $1 AND namespace.region = $2 AND namespace.name = $3
"""


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """A service as it was found, with its instances as (id, attributes, health)."""

    name: str
    has_health: bool
    revision: int
    instances: Sequence[tuple[str, dict[str, str], str]]


async def discover(context: Context, namespace_name: str, service_name: str) -> Discovered:
    """A service by names. Raises NamespaceNotFound and ServiceNotFound."""
    rows = await database.fetch(_DISCOVER, context.account_id, context.region, namespace_name, service_name)
    if not rows:
        raise NamespaceNotFound(f"Namespace not found: {namespace_name}")
    # Private namespaces of two VPCs may have one name: the service's is the one that has it.
    found: list[Any] = [row for row in rows if row["service"] is not None]
    if not found:
        raise ServiceNotFound(f"Service not found: {service_name}")
    first = min(found, key=lambda row: int(row["namespace"]))
    return Discovered(
        name=first["name"],
        has_health=first["has_health"],
        revision=first["revision"],
        instances=[
            (row["instance_id"], row["attributes"], row["health"])
            for row in found
            if row["service"] == first["service"] and row["instance_id"] is not None
        ],
    )


def find_namespace(context: Context, identifier: str, *, locked: bool = False) -> Namespace:
    """The namespace of an id or ARN. Raises NamespaceNotFound."""
    rows = Namespace.objects.filter(account_id=context.account_id, region=context.region)
    rows = rows.select_for_update() if locked else rows
    namespace = rows.filter(namespace_id=identifier.rpartition("/")[2]).first()
    if namespace is None:
        raise NamespaceNotFound(f"Namespace not found: {identifier}")
    return namespace


def find_service(context: Context, identifier: str, *, locked: bool = False) -> Service:
    """The service of an id or ARN, with its namespace. Raises ServiceNotFound."""
    rows = Service.objects.filter(account_id=context.account_id, region=context.region).select_related("namespace")
    rows = rows.select_for_update(of=("self",)) if locked else rows
    service = rows.filter(service_id=identifier.rpartition("/")[2]).first()
    if service is None:
        raise ServiceNotFound(f"Service not found: {identifier}")
    return service


def find_instance(service: Service, instance_id: str) -> Instance:
    """The instance of an id. Raises InstanceNotFound."""
    instance = service.instances.filter(instance_id=instance_id).first()
    if instance is None:
        raise InstanceNotFound(f"Instance not found: {instance_id}")
    return instance


def count_change(service: Service) -> None:
    """Tell those who watch the revision that the instances are not what they were."""
    Service.objects.filter(pk=service.pk).update(revision=F("revision") + 1)
