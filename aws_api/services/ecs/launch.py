"""Making tasks: every row that says a task should run is written here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.ids import new_hex_id, new_uuid
from aws_api.core.models import Transition
from aws_api.core.network import NetworkAttachment, network_provider
from aws_api.core.reconcile import kick
from aws_api.services.ecs.configured_volumes import attachments_of, volume_sizes
from aws_api.services.ecs.container_specs import has_network_controls, overridden
from aws_api.services.ecs.fargate import DEFAULT_EPHEMERAL_STORAGE_GIB, PLATFORM_VERSION
from aws_api.services.ecs.faults.lost_capacity import lost_zones, with_capacity
from aws_api.services.ecs.holds import wants_hold
from aws_api.services.ecs.identifiers import container_arn, task_arn
from aws_api.services.ecs.lifecycle import TaskStatus
from aws_api.services.ecs.models import Cluster, Task, TaskDefinition
from aws_api.services.ecs.scheduler.zones import subnets_by_zone
from aws_api.services.ecs.shapes import InvalidParameterException
from aws_api.services.ecs.specifications import KIND
from aws_api.services.ecs.timeline import ASKED_FOR

Shape = Mapping[str, Any]

MAX_SUBNETS = 16
MAX_SECURITY_GROUPS = 5


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What a task is to be: where, of which definition, and what its caller says of it. Checked."""

    cluster: Cluster
    definition: TaskDefinition
    launch_type: str
    group: str
    capacity_provider: str = ""
    started_by: str = ""
    service_name: str = ""
    container_instance_arn: str = ""
    platform_version: str = ""
    overrides: Shape = field(default_factory=dict)
    network_configuration: Shape = field(default_factory=dict)
    enable_execute_command: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    #: Of the volumes that are configured at launch.
    volume_configurations: Sequence[Shape] = ()


def launch(context: Context, wanted: Launch) -> Task:
    """Write a task that should run, and wake its reconciler. Raises InvalidParameterException for its network."""
    forced_id = context.forced_id("taskArn")
    if forced_id and wanted.cluster.tasks.filter(task_id=forced_id).exists():
        raise InvalidParameterException(f"A task with the id {forced_id} exists already.")
    task_id = forced_id or new_hex_id(digits=32)
    attachment_id = new_uuid()
    attachment = _attach(context, wanted, attachment_id)
    task = Task.objects.create(
        account_id=context.account_id,
        region=context.region,
        arn=task_arn(context.account_id, context.region, wanted.cluster.name, task_id),
        task_id=task_id,
        cluster=wanted.cluster,
        task_definition=wanted.definition,
        family=wanted.definition.family,
        group=wanted.group,
        service_name=wanted.service_name,
        started_by=wanted.started_by,
        launch_type=wanted.launch_type,
        container_instance_arn=wanted.container_instance_arn,
        network=_network(attachment, attachment_id) if attachment else {},
        last_attachment=_precreated(attachment, attachment_id) if attachment else {},
        document=_document(context, wanted, task_id, attachment),
        tags=dict(wanted.tags),
        desired_hold=wants_hold(wanted.tags),
        created_at=context.clock.now(),
    )
    Transition.objects.create(
        kind=KIND,
        key=task.arn,
        account_id=task.account_id,
        region=task.region,
        after=TaskStatus.PROVISIONING,
        cause=ASKED_FOR,
        at=task.created_at,
    )
    kick(KIND, task.arn)
    return task


def _attach(context: Context, wanted: Launch, attachment_id: str) -> NetworkAttachment | None:
    configuration = wanted.network_configuration.get("awsvpcConfiguration")
    if wanted.definition.document.get("networkMode", "bridge") != "awsvpc":
        if configuration:
            raise InvalidParameterException(
                "Network Configuration is not valid for the given networkMode of this task definition."
            )
        return None
    if configuration is None:
        raise InvalidParameterException(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    subnets, groups = configuration.get("subnets", ()), configuration.get("securityGroups", ())
    _check_network(subnets, groups)
    if lost := lost_zones(context.account_id, context.region):
        zones = subnets_by_zone(context.account_id, context.region, tuple(subnets))
        subnets = with_capacity(subnets, zones, lost)
    assign_public_ip = configuration.get("assignPublicIp") == "ENABLED"
    if assign_public_ip and wanted.launch_type != "FARGATE":
        raise InvalidParameterException("Assign public IP is not supported for this launch type.")
    try:
        return network_provider().create(
            replace(context, forced_ids={}),  # the id that the caller demands is the task's
            subnet_ids=subnets,
            security_group_ids=groups,
            description=f"arn:aws:ecs:{context.region}:{context.account_id}:attachment/{attachment_id}",
            assign_public_ip=assign_public_ip,
            requester_id="amazon-ecs",
            in_spare_namespace=not has_network_controls(wanted.definition.document),
        )
    except AwsError as error:
        raise _worded(error, subnets, groups) from error


def _check_network(subnets: Sequence[str], groups: Sequence[str]) -> None:
    if not subnets:
        raise InvalidParameterException("subnets can not be empty.")
    if len(subnets) > MAX_SUBNETS:
        raise InvalidParameterException(f"subnets can have at most {MAX_SUBNETS} items.")
    if len(groups) > MAX_SECURITY_GROUPS:
        raise InvalidParameterException(f"securityGroups can have at most {MAX_SECURITY_GROUPS} items.")


def _worded(error: AwsError, subnets: Sequence[str], groups: Sequence[str]) -> InvalidParameterException:
    """EC2's refusal as ECS passes it on."""
    what, ids = ("security group", groups) if "Group" in error.code else ("subnet", subnets)
    return InvalidParameterException(
        f"Error retrieving {what} information for [{', '.join(ids)}]: {error.message} (ErrorCode: {error.code})"
    )


def _network(attachment: NetworkAttachment, attachment_id: str) -> dict[str, Any]:
    details = {
        "subnetId": attachment.subnet_id,
        "networkInterfaceId": attachment.network_interface_id,
        "macAddress": attachment.mac_address,
        "privateDnsName": attachment.private_dns_name,
        "privateIPv4Address": attachment.private_address,
    }
    return {
        "interface_id": attachment.network_interface_id,
        "attachment_id": attachment_id,
        "key": attachment.network_key,
        "details": [{"name": name, "value": value} for name, value in details.items()],
    }


def _precreated(attachment: NetworkAttachment, attachment_id: str) -> dict[str, Any]:
    return {
        "id": attachment_id,
        "type": "ElasticNetworkInterface",
        "status": "PRECREATED",
        "details": [{"name": "subnetId", "value": attachment.subnet_id}],
    }


def _document(context: Context, wanted: Launch, task_id: str, attachment: NetworkAttachment | None) -> dict[str, Any]:
    """What AWS's Task shape says of a task from the start."""
    definition = wanted.definition.document
    containers = _containers(context, wanted, task_id)
    document: dict[str, Any] = {
        "attributes": [{"name": "ecs.cpu-architecture", "value": _architecture(definition)}],
        "availabilityZone": attachment.availability_zone if attachment else f"{context.region}a",
        "clusterArn": wanted.cluster.arn,
        "containers": containers,
        "cpu": size_of(wanted, "cpu"),
        "memory": size_of(wanted, "memory"),
        "enableExecuteCommand": wanted.enable_execute_command,
        "group": wanted.group,
        "launchType": wanted.launch_type,
        "overrides": {
            "inferenceAcceleratorOverrides": [],
            **wanted.overrides,
            "containerOverrides": _answered_overrides(wanted),
        },
        "taskDefinitionArn": wanted.definition.arn,
    }
    if wanted.volume_configurations:
        document["volumeSizesInGiB"] = volume_sizes(wanted.volume_configurations)
        document["volumeAttachments"] = attachments_of(wanted.volume_configurations)
    if wanted.started_by:
        document["startedBy"] = wanted.started_by
    if wanted.container_instance_arn:
        document["containerInstanceArn"] = wanted.container_instance_arn
    if wanted.capacity_provider:
        document["capacityProviderName"] = wanted.capacity_provider
    if wanted.launch_type == "FARGATE":
        storage = wanted.overrides.get("ephemeralStorage") or definition.get("ephemeralStorage")
        size_gib = (storage or {}).get("sizeInGiB", DEFAULT_EPHEMERAL_STORAGE_GIB)
        family = definition.get("runtimePlatform", {}).get("operatingSystemFamily", "LINUX")
        document["platformVersion"] = wanted.platform_version or PLATFORM_VERSION
        document["platformFamily"] = family.capitalize() if family == "LINUX" else family
        document["ephemeralStorage"] = {"sizeInGiB": size_gib}
        document["fargateEphemeralStorage"] = {"sizeInGiB": size_gib}
    return document


def _containers(context: Context, wanted: Launch, task_id: str) -> list[dict[str, Any]]:
    overrides = {override.get("name"): override for override in wanted.overrides.get("containerOverrides", ())}
    task = task_arn(context.account_id, context.region, wanted.cluster.name, task_id)
    described = []
    for definition in wanted.definition.document["containerDefinitions"]:
        container = overridden(definition, overrides.get(definition["name"]))
        shape = {
            "containerArn": container_arn(context.account_id, context.region, wanted.cluster.name, task_id, new_uuid()),
            "taskArn": task,
            "name": container["name"],
            "image": container["image"],
            "cpu": str(container.get("cpu", 0)),
        }
        for member in ("memory", "memoryReservation"):
            if member in container:
                shape[member] = str(container[member])
        described.append(shape)
    return described


def _answered_overrides(wanted: Launch) -> list[Shape]:
    """AWS answers an entry for every container, overridden or not."""
    given = {override.get("name"): override for override in wanted.overrides.get("containerOverrides", ())}
    names = [container["name"] for container in wanted.definition.document["containerDefinitions"]]
    return [given.get(name, {"name": name}) for name in names]


def size_of(wanted: Launch, member: str) -> str:
    """The task's cpu or memory; without one of its own, what its containers ask for together."""
    definition = wanted.definition.document
    if size := wanted.overrides.get(member) or definition.get(member):
        return str(size)
    overrides = {override.get("name"): override for override in wanted.overrides.get("containerOverrides", ())}
    containers = (
        overridden(container, overrides.get(container["name"])) for container in definition["containerDefinitions"]
    )
    if member == "cpu":
        return str(sum(container.get("cpu", 0) for container in containers))
    return str(sum(container.get("memory") or container.get("memoryReservation") or 0 for container in containers))


def _architecture(definition: Shape) -> str:
    architecture = definition.get("runtimePlatform", {}).get("cpuArchitecture", "X86_64")
    return "arm64" if architecture == "ARM64" else "x86_64"
