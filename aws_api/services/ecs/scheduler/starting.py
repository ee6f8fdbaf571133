"""Starting tasks of a deployment."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from aws_api.core.clock import SHARED_CLOCK
from aws_api.core.context import Context, internal_context
from aws_api.core.errors import AwsError
from aws_api.services.ecs.capacity_providers import BUILT_IN
from aws_api.services.ecs.fargate import PLATFORM_VERSION
from aws_api.services.ecs.launch import Launch, launch
from aws_api.services.ecs.models import Deployment, Service, Task
from aws_api.services.ecs.placement import providers_of
from aws_api.services.ecs.roles import require_assumable_roles
from aws_api.services.ecs.scheduler import event_messages
from aws_api.services.ecs.scheduler.events import tell, tell_once
from aws_api.services.ecs.scheduler.loading import is_leaving, tasks_of
from aws_api.services.ecs.scheduler.steps import StartTasks
from aws_api.services.ecs.scheduler.zones import subnets_by_zone
from aws_api.services.ecs.shapes import InvalidParameterException
from aws_api.services.ecs.task_placement import Failures, placed_tasks, tasks_on


def start_tasks(service: Service, deployment: Deployment, step: StartTasks, now: datetime) -> None:
    """Write the tasks of a step, as many as find a place; the others are told of."""
    context = internal_context(service.account_id, service.region, SHARED_CLOCK)
    launches, failures, has_instances = _placed(service, deployment, step)
    if failures or not has_instances:
        tell_once(service, event_messages.unplaced(service.name, failures), now)
    started: list[Task] = []
    for wanted in launches:
        try:
            if not started:
                require_assumable_roles(context, wanted.definition.document, {})
            started.append(_launch(context, wanted))
        except AwsError as error:
            tell_once(service, event_messages.not_launched(service.name, error.message), now)
            break
    if started:
        tell(service, _event(service, deployment, step, [task.task_id for task in started]), now)


def _launch(context: Context, wanted: Launch) -> Task:
    with transaction.atomic():
        return launch(context, wanted)


def _event(service: Service, deployment: Deployment, step: StartTasks, task_ids: Sequence[str]) -> str:
    if step.is_rebalancing:
        return event_messages.rebalancing_started(service.name, step.zones[0], task_ids)
    task_set = deployment.started_by if deployment.is_task_set else ""
    return event_messages.started(service.name, task_ids, task_set, min(step.replaced, len(task_ids)))


def _placed(service: Service, deployment: Deployment, step: StartTasks) -> tuple[list[Launch], Failures, bool]:
    """The launches that find a place, why others do not, and whether there is an instance at all."""
    launches = _launches(service, deployment, step)
    if step.instance_arn:
        return *tasks_on(launches[0], [step.instance_arn]), True
    try:
        return *placed_tasks(launches, service.document), True
    except InvalidParameterException:
        # What is wrong with constraints was said when they were given: there is no instance that takes tasks.
        return [], [], False


def _launches(service: Service, deployment: Deployment, step: StartTasks) -> list[Launch]:
    revision = deployment.document
    wanted = Launch(
        cluster=service.cluster,
        definition=deployment.task_definition,
        launch_type=revision.get("launchType", "EC2"),
        group=f"service:{service.name}",
        service_name=service.name,
        started_by=deployment.started_by,
        platform_version=_platform_version(revision),
        network_configuration=revision.get("networkConfiguration", {}),
        enable_execute_command=service.document.get("enableExecuteCommand", False),
        volume_configurations=revision.get("volumeConfigurations", ()),
        tags=_tags(service, deployment),
    )
    providers = _providers(service, deployment, len(step.zones))
    launches = []
    for zone, provider in zip(step.zones, providers, strict=True):
        launch_type = wanted.launch_type
        if provider:
            launch_type = "FARGATE" if provider in BUILT_IN else "EC2"
        launches.append(
            replace(
                wanted,
                launch_type=launch_type,
                capacity_provider=provider,
                platform_version=wanted.platform_version if launch_type == "FARGATE" else "",
                network_configuration=_in_zone(service, wanted.network_configuration, zone),
            )
        )
    return launches


def _platform_version(revision: Any) -> str:
    version = str(revision.get("platformVersion", ""))
    return PLATFORM_VERSION if version == "LATEST" else version


def _providers(service: Service, deployment: Deployment, count: int) -> list[str]:
    """The capacity provider of each of the next tasks, so that with those there are the strategy holds."""
    strategy = deployment.document.get("capacityProviderStrategy")
    if not strategy:
        return [""] * count
    there = [
        task.document.get("capacityProviderName", "")
        for task in tasks_of(service)
        if task.started_by == deployment.started_by and task.last_status != "STOPPED" and not is_leaving(task)
    ]
    missing = Counter(providers_of(strategy, len(there) + count)) - Counter(there)
    return sorted(missing.elements())[:count]


def _in_zone(service: Service, configuration: Any, zone: str) -> Any:
    """The network configuration with those of its subnets that are in a zone."""
    awsvpc = configuration.get("awsvpcConfiguration")
    if not awsvpc or not zone:
        return configuration
    zones = subnets_by_zone(service.account_id, service.region, tuple(awsvpc["subnets"]))
    subnets = [subnet for subnet in awsvpc["subnets"] if zones.get(subnet) == zone]
    return {"awsvpcConfiguration": {**awsvpc, "subnets": subnets}} if subnets else configuration


def _tags(service: Service, deployment: Deployment) -> dict[str, str]:
    propagated = service.document.get("propagateTags", "NONE")
    tags: dict[str, str] = {}
    if propagated == "SERVICE":
        tags = dict(service.tags)
    elif propagated == "TASK_DEFINITION":
        tags = dict(deployment.task_definition.tags)
    if service.document.get("enableECSManagedTags"):
        tags |= {"aws:ecs:clusterName": service.cluster.name, "aws:ecs:serviceName": service.name}
    return tags
