"""Putting tasks of launch type EC2 on the cluster's container instances, or saying why that cannot be."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aws_api.services.ecs.container_instances import arn_of, engine_of, load_of, placement_instance
from aws_api.services.ecs.launch import Launch, size_of
from aws_api.services.ecs.models import ContainerInstanceStatus
from aws_api.services.ecs.placement import Instance, Need, check_placement, place, refusal, with_task
from aws_api.services.ecs.shapes import InvalidParameterException

Failures = list[dict[str, str]]


def placed_tasks(launches: Sequence[Launch], request: Mapping[str, Any]) -> tuple[list[Launch], Failures]:
    """The launches with their instances, as many as there is room for, and a failure for the others.

    Raises InvalidParameterException where the cluster has no instance that takes tasks.
    """
    constraints, strategies = request.get("placementConstraints", ()), request.get("placementStrategy", ())
    check_placement(constraints, strategies, InvalidParameterException)
    on_fargate = [wanted for wanted in launches if wanted.launch_type == "FARGATE"]
    if on_fargate and (constraints or strategies):
        raise InvalidParameterException("Placement constraints and strategies are not supported with FARGATE.")
    if len(on_fargate) == len(launches):
        return list(launches), []
    cluster = launches[0].cluster
    row = engine_of(cluster)
    if row.desired_status != ContainerInstanceStatus.ACTIVE:
        raise InvalidParameterException("No Container Instances were found in your cluster.")
    instances = [placement_instance(row, load_of(row))]
    placed, failures = on_fargate, []
    for wanted in launches:
        if wanted.launch_type == "FARGATE":
            continue
        need = need_of(wanted)
        found = place(need, instances, [*wanted.definition.document["placementConstraints"], *constraints], strategies)
        if isinstance(found, Instance):
            placed.append(replace(wanted, container_instance_arn=found.arn))
            instances = [with_task(one, need) if one.arn == found.arn else one for one in instances]
        else:
            failures += [{"arn": refused.arn, "reason": refused.reason} for refused in found]
    return placed, failures


def tasks_on(wanted: Launch, identifiers: Sequence[str]) -> tuple[list[Launch], Failures]:
    """A launch on each of the instances that are named, and a failure for those that are not there or have no room."""
    row = engine_of(wanted.cluster)
    instance = placement_instance(row, load_of(row))
    launches, failures = [], []
    for identifier in identifiers:
        arn = arn_of(wanted.cluster, identifier)
        reason = "MISSING"
        if arn == row.arn:
            reason = refusal(need_of(wanted), instance, ())
            if row.desired_status != ContainerInstanceStatus.ACTIVE:
                reason = "INACTIVE"
        if reason:
            failures.append({"arn": arn, "reason": reason})
        else:
            launches.append(replace(wanted, container_instance_arn=arn))
            instance = with_task(instance, need_of(wanted))
    return launches, failures


def need_of(wanted: Launch) -> Need:
    """What a task takes of its instance."""
    document = wanted.definition.document
    shared_ports = document.get("networkMode", "bridge") in ("bridge", "host")
    containers = document["containerDefinitions"]
    return Need(
        family=wanted.definition.family,
        cpu=int(size_of(wanted, "cpu")),
        memory_mib=int(size_of(wanted, "memory")),
        ports=frozenset(
            mapping["hostPort"]
            for container in containers
            for mapping in container.get("portMappings", ())
            if shared_ports and mapping.get("hostPort")
        ),
        gpus=sum(
            int(requirement["value"])
            for container in containers
            for requirement in container.get("resourceRequirements", ())
            if requirement["type"] == "GPU"
        ),
        attributes=frozenset(attribute["name"] for attribute in document.get("requiresAttributes", ())),
    )
