"""Instances. https://docs.aws.amazon.com/cloud-map/latest/dg/working-with-instances.html"""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.services.servicediscovery import carrying_out
from aws_api.services.servicediscovery.describe import describe_instance, summarise_instance
from aws_api.services.servicediscovery.listing import page
from aws_api.services.servicediscovery.models import Health, Instance, Service
from aws_api.services.servicediscovery.record_sets import check_attributes, put_records, remove_records
from aws_api.services.servicediscovery.service import servicediscovery
from aws_api.services.servicediscovery.shapes import (
    DeregisterInstanceRequest,
    GetInstanceRequest,
    InvalidInput,
    ListInstancesRequest,
    RegisterInstanceRequest,
    ResourceLimitExceeded,
)
from aws_api.services.servicediscovery.store import count_change, find_instance, find_service

Shape = dict[str, Any]

INITIAL_HEALTH = "AWS_INIT_HEALTH_STATUS"
MAX_INSTANCES = 1000
MAX_ATTRIBUTES = 30
MAX_ATTRIBUTES_CHARACTERS = 5000


@servicediscovery.operation
def register_instance(context: Context, request: RegisterInstanceRequest) -> Shape:
    """Add an instance, or change the one of its id. DNS answers with it at once."""
    service = find_service(context, request["ServiceId"], locked=True)
    attributes = request["Attributes"]
    _check(service, attributes)
    if service.instances.exclude(instance_id=request["InstanceId"]).count() >= MAX_INSTANCES:
        raise ResourceLimitExceeded(f"A service has at most {MAX_INSTANCES} instances.")
    instance, _ = Instance.objects.update_or_create(
        service=service,
        instance_id=request["InstanceId"],
        defaults={
            "attributes": attributes,
            "creator_request_id": request.get("CreatorRequestId", ""),
            "health": attributes.get(INITIAL_HEALTH, Health.HEALTHY),
        },
    )
    put_records(context, service, instance)
    count_change(service)
    return _done(context, "REGISTER_INSTANCE", service, request["InstanceId"])


@servicediscovery.operation
def deregister_instance(context: Context, request: DeregisterInstanceRequest) -> Shape:
    """Remove an instance, from DNS at once."""
    service = find_service(context, request["ServiceId"], locked=True)
    find_instance(service, request["InstanceId"]).delete()
    remove_records(context, service, request["InstanceId"])
    count_change(service)
    return _done(context, "DEREGISTER_INSTANCE", service, request["InstanceId"])


@servicediscovery.operation
def get_instance(context: Context, request: GetInstanceRequest) -> Shape:
    """Describe an instance."""
    service = find_service(context, request["ServiceId"])
    instance = find_instance(service, request["InstanceId"])
    return {"ResourceOwner": service.account_id, "Instance": describe_instance(instance)}


@servicediscovery.operation
def list_instances(context: Context, request: ListInstancesRequest) -> Shape:
    """List a service's instances."""
    service = find_service(context, request["ServiceId"])
    found, token = page(service.instances.select_related("service"), request, by="instance_id")
    return {"ResourceOwner": service.account_id, "Instances": [summarise_instance(row) for row in found], **token}


def _check(service: Service, attributes: Mapping[str, str]) -> None:
    """What the model cannot say of attributes. Raises InvalidInput."""
    check_attributes(service, attributes)
    if len([key for key in attributes if not key.startswith("AWS_")]) > MAX_ATTRIBUTES:
        raise InvalidInput(f"An instance has at most {MAX_ATTRIBUTES} custom attributes")
    if sum(len(key) + len(value) for key, value in attributes.items()) > MAX_ATTRIBUTES_CHARACTERS:
        raise InvalidInput(f"The attributes of an instance have at most {MAX_ATTRIBUTES_CHARACTERS} characters")
    health = attributes.get(INITIAL_HEALTH)
    if health is not None and "HealthCheckCustomConfig" not in service.document:
        raise InvalidInput(f"{INITIAL_HEALTH} is only supported for services with HealthCheckCustomConfig")
    if health not in (None, *Health.values):
        raise InvalidInput(f"{INITIAL_HEALTH} must be HEALTHY or UNHEALTHY")


def _done(context: Context, type_: str, service: Service, instance_id: str) -> Shape:
    targets = {"INSTANCE": instance_id, "SERVICE": service.service_id}
    return carrying_out.succeeded(context, type_, targets, service.namespace.namespace_id)
