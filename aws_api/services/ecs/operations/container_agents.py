"""What container agents ask of ECS. The engine's agent is Simfra: an instance needs nobody to register it, but may be
deregistered, and registered again by hand.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-versions.html
"""

from typing import Any

from django.db.models import F

from aws_api.core.context import Context
from aws_api.core.ids import new_hex_id
from aws_api.core.reconcile import kick
from aws_api.services.ecs.clusters import active_cluster
from aws_api.services.ecs.container_instances import KIND, arn_of, describe, engine_of, load_of
from aws_api.services.ecs.models import Cluster, ContainerInstance, ContainerInstanceStatus
from aws_api.services.ecs.scheduler.waking import wake_services
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.shapes import (
    DeregisterContainerInstanceRequest,
    DiscoverPollEndpointRequest,
    InvalidParameterException,
    NoUpdateAvailableException,
    RegisterContainerInstanceRequest,
    UpdateContainerAgentRequest,
)

Shape = dict[str, Any]


@ecs.operation
def deregister_container_instance(context: Context, request: DeregisterContainerInstanceRequest) -> Shape:
    """Take an instance out of its cluster; by force also one with tasks: services move theirs, others go on."""
    cluster = active_cluster(context, request.get("cluster"))
    instance = _named(cluster, request["containerInstance"])
    load = load_of(instance)
    if (load.running or load.pending) and not request.get("force"):
        raise InvalidParameterException("Found running tasks on the instance.")
    _write(instance, desired_status=ContainerInstanceStatus.INACTIVE)
    wake_services(cluster)
    return {"containerInstance": describe(instance, load)}


@ecs.operation
def register_container_instance(context: Context, request: RegisterContainerInstanceRequest) -> Shape:
    """Put the engine back into a cluster that it was taken out of, under a new id; one that is there stays as it is."""
    cluster = active_cluster(context, request.get("cluster"))
    instance = engine_of(cluster)
    if instance.desired_status == ContainerInstanceStatus.INACTIVE:
        attributes = {attribute["name"]: attribute.get("value", "") for attribute in request.get("attributes", ())}
        new = {"instance_id": new_hex_id(digits=32), "desired_attributes": attributes, "last_engine": {}}
        _write(instance, desired_status=ContainerInstanceStatus.ACTIVE, **new)
        kick(KIND, instance.arn)
        wake_services(cluster)
    return {"containerInstance": describe(instance, load_of(instance))}


@ecs.operation
def update_container_agent(context: Context, request: UpdateContainerAgentRequest) -> Shape:
    """There is no other agent than Simfra, and it is as new as Simfra is."""
    _named(active_cluster(context, request.get("cluster")), request["containerInstance"])
    raise NoUpdateAvailableException("There is no update available for your container agent.")


@ecs.operation
def discover_poll_endpoint(context: Context, request: DiscoverPollEndpointRequest) -> Shape:
    """Where an agent would talk to ECS: the endpoint that it asked."""
    return dict.fromkeys(("endpoint", "telemetryEndpoint", "serviceConnectEndpoint"), context.endpoint)


def _named(cluster: Cluster, identifier: str) -> ContainerInstance:
    instance = engine_of(cluster)
    if arn_of(cluster, identifier) != instance.arn or instance.desired_status == ContainerInstanceStatus.INACTIVE:
        raise InvalidParameterException("Referenced container instance not found.")
    return instance


def _write(instance: ContainerInstance, **columns: Any) -> None:
    cluster = instance.cluster
    ContainerInstance.objects.filter(pk=instance.pk).update(**columns, version=F("version") + 1)
    instance.refresh_from_db()
    instance.cluster = cluster
