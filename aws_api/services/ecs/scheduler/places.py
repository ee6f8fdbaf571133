"""Where a running task is to be registered: an address and port for its network mode."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.services.ecs.container_instances import instance_name
from aws_api.services.ecs.instance_address import instance_address
from aws_api.services.ecs.models import ContainerInstance, Deployment, Task
from aws_api.services.ecs.scheduler.specification import Place
from aws_api.services.ecs.service_connect import registries_of

Shape = Mapping[str, Any]


def places_of(task: Task, deployment: Deployment, instance: ContainerInstance | None) -> tuple[Place, ...]:
    """The target groups and Cloud Map services of a deployment, with what stands for the task there."""
    targets = [
        Place(resource_arn=target_group_of(deployment, balancer), target_id=_target_id(task, instance), port=port)
        for balancer in deployment.document.get("loadBalancers", ())
        if balancer.get("targetGroupArn")
        and (port := _port(task, balancer["containerName"], balancer["containerPort"])) is not None
    ]
    registries = [
        _registry_place(task, registry)
        for registry in [*deployment.document.get("serviceRegistries", ()), *registries_of(deployment)]
    ]
    return tuple(sorted([*targets, *registries]))


def target_group_of(deployment: Deployment, balancer: Shape) -> str:
    """The target group that a deployment uses of a load balancer: with blue and green, the one that it was given."""
    given: Mapping[str, str] = deployment.document.get("resolvedTargetGroups", {})
    return given.get(balancer["targetGroupArn"], balancer["targetGroupArn"])


def private_address(task: Task) -> str:
    """The address of a task's own interface; empty where it has none."""
    details: Iterable[Shape] = task.network.get("details", ()) if task.network else ()
    return next((each["value"] for each in details if each["name"] == "privateIPv4Address"), "")


def _target_id(task: Task, instance: ContainerInstance | None) -> str:
    return private_address(task) or (instance_name(instance) if instance else instance_address())


def _port(task: Task, container: str, container_port: int) -> int | None:
    """The port at which a container is reached; None where it is not published."""
    if private_address(task) or task.task_definition.document.get("networkMode") == "host":
        return container_port
    bindings: Iterable[Shape] = task.last_containers.get(container, {}).get("bindings", ())
    here = (each for each in bindings if each["bindIP"] == instance_address())
    return next((int(each["hostPort"]) for each in here if each["containerPort"] == container_port), None)


def _registry_place(task: Task, registry: Shape) -> Place:
    port = registry.get("port") or 0
    if registry.get("containerName"):
        port = _port(task, registry["containerName"], registry["containerPort"]) or 0
    attributes = {
        "AWS_INSTANCE_IPV4": private_address(task) or instance_address(),
        "AVAILABILITY_ZONE": task.document.get("availabilityZone", ""),
        "ECS_CLUSTER_NAME": task.document["clusterArn"].rpartition("/")[2],
        "ECS_SERVICE_NAME": task.service_name,
        "ECS_TASK_DEFINITION_FAMILY": task.family,
        "REGION": task.region,
    }
    if port:
        attributes["AWS_INSTANCE_PORT"] = str(port)
    return Place(resource_arn=registry["registryArn"], target_id=task.task_id, port=port, attributes=attributes)
