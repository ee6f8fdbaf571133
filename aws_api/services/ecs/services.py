"""Finding a service by whatever its caller calls it."""

from django.db.models import QuerySet

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.services.ecs.clusters import active_cluster
from aws_api.services.ecs.identifiers import service_name
from aws_api.services.ecs.models import Cluster, Service, ServiceStatus
from aws_api.services.ecs.shapes import ServiceNotActiveException, ServiceNotFoundException


def services_of(cluster: Cluster) -> "QuerySet[Service]":
    """A cluster's services, those that ended included."""
    return Service.objects.filter(cluster=cluster).select_related("cluster")


def find_service(cluster: Cluster, identifier: str) -> Service | None:
    """The service of a name or ARN: the one there is, or the one of that name that ended last."""
    rows = services_of(cluster).filter(name=service_name(identifier, cluster.name))
    return rows.exclude(last_status=ServiceStatus.INACTIVE).first() or rows.order_by("-pk").first()


def active_service(
    context: Context,
    cluster: str | None,
    identifier: str,
    *,
    is_locked: bool = False,
    inactive: type[AwsError] = ServiceNotActiveException,
) -> Service:
    """The active service of a name or ARN. Raises ServiceNotFoundException and, where it was deleted, ``inactive``."""
    found = find_service(active_cluster(context, cluster), identifier)
    if found is None:
        raise ServiceNotFoundException("Service not found.")
    if found.desired_status != ServiceStatus.ACTIVE:
        raise inactive("Service was not ACTIVE.")
    if is_locked:
        found = Service.objects.select_for_update(of=("self",)).select_related("cluster").get(pk=found.pk)
    return found
