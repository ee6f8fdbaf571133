"""The health of instances. https://docs.aws.amazon.com/cloud-map/latest/dg/services-health-checks.html"""

from typing import Any

from aws_api.core.context import Context
from aws_api.services.servicediscovery.listing import page
from aws_api.services.servicediscovery.models import Instance
from aws_api.services.servicediscovery.record_sets import put_records
from aws_api.services.servicediscovery.service import servicediscovery
from aws_api.services.servicediscovery.shapes import (
    CustomHealthNotFound,
    GetInstancesHealthStatusRequest,
    InstanceNotFound,
    UpdateInstanceCustomHealthStatusRequest,
)
from aws_api.services.servicediscovery.store import count_change, find_instance, find_service

Shape = dict[str, Any]

UNKNOWN = "UNKNOWN"


@servicediscovery.operation
def update_instance_custom_health_status(context: Context, request: UpdateInstanceCustomHealthStatusRequest) -> Shape:
    """Say how an instance is; what is unhealthy leaves DNS at once."""
    service = find_service(context, request["ServiceId"], locked=True)
    if "HealthCheckCustomConfig" not in service.document:
        raise CustomHealthNotFound(f"Custom health check is not configured for service {service.service_id}")
    instance = find_instance(service, request["InstanceId"])
    if instance.health != request["Status"]:
        instance.health = request["Status"]
        Instance.objects.filter(pk=instance.pk).update(health=instance.health)
        put_records(context, service, instance)
        count_change(service)
    return {}


@servicediscovery.operation
def get_instances_health_status(context: Context, request: GetInstancesHealthStatusRequest) -> Shape:
    """How the instances of a service are; unknown where nobody says."""
    service = find_service(context, request["ServiceId"])
    rows = service.instances.all()
    if wanted := request.get("Instances"):
        rows = rows.filter(instance_id__in=wanted)
        missing = set(wanted) - set(rows.values_list("instance_id", flat=True))
        if missing:
            raise InstanceNotFound(f"Instance not found: {', '.join(sorted(missing))}")
    found, token = page(rows, request, by="instance_id")
    status = {row.instance_id: row.health if service.has_health else UNKNOWN for row in found}
    return {"Status": status, **token}
