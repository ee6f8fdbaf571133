"""What a task is told about itself: the task metadata endpoint, versions 4 and 3.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_api.core.network import NetworkAttachment, network_provider
from aws_api.core.sidecars import private_domain
from aws_api.services.ecs.clock_drift import clock_drift
from aws_api.services.ecs.describe import moment, task_row
from aws_api.services.ecs.logging_driver import log_stream
from aws_api.services.ecs.models import ContainerInstance, Task
from aws_api.services.ecs.specifications import pause_container_name, task_container_name

Shape = dict[str, Any]

#: What version 4 added, of a task, a container and a container's network.
_V4_MEMBERS = frozenset(
    {
        "ClockDrift",
        "ContainerARN",
        "FaultInjectionEnabled",
        "LaunchType",
        "LogDriver",
        "LogOptions",
        "RestartCount",
        "ServiceName",
        "VPCID",
    }
)
_V3_NETWORK_MEMBERS = ("NetworkMode", "IPv4Addresses")


@dataclass(frozen=True, kw_only=True)
class EngineContainer:
    """A container as the engine and the metadata endpoint call it."""

    engine_name: str
    runtime_id: str


@dataclass(frozen=True, kw_only=True)
class EngineNames:
    """A task's containers in the definition's order, and the owner of their network namespace where they have one."""

    containers: Sequence[EngineContainer]
    pause: str | None


def task_metadata(row: Task, *, with_tags: bool = False) -> Shape:
    """The answer of ``${ECS_CONTAINER_METADATA_URI_V4}/task``."""
    task, definition = task_row(row), row.task_definition
    attachment = _attachment(row)
    metadata: Shape = {
        "Cluster": row.cluster.arn,
        "TaskARN": row.arn,
        "Family": definition.family,
        "Revision": str(definition.revision),
        "ServiceName": row.service_name,
        "DesiredStatus": task["desiredStatus"],
        "KnownStatus": task["lastStatus"],
        "Limits": _limits(int(task["cpu"]) / 1024, int(task["memory"])),
        "PullStartedAt": _text(row.last_pull_started_at),
        "PullStoppedAt": _text(row.last_pull_stopped_at),
        "ExecutionStoppedAt": _text(row.last_execution_stopped_at),
        "AvailabilityZone": task["availabilityZone"],
        "VPCID": attachment.vpc_id if attachment else "",
        "LaunchType": row.launch_type,
        "FaultInjectionEnabled": False,
        "ClockDrift": clock_drift() if row.launch_type == "FARGATE" else None,
        "Containers": [_container(row, index, attachment) for index in range(len(task["containers"]))],
    }
    if with_tags:
        metadata["TaskTags"] = row.tags
        metadata["ContainerInstanceTags"] = _instance_tags(row)
    return _present(metadata)


def container_metadata(row: Task, index: int) -> Shape:
    """The answer of ``${ECS_CONTAINER_METADATA_URI_V4}`` for the container at a place of the definition.

    Raises IndexError where there is none.
    """
    return _container(row, index, _attachment(row))


def without_v4_members(metadata: Mapping[str, Any]) -> Shape:
    """The same metadata for ``${ECS_CONTAINER_METADATA_URI}``, version 3."""
    older = {name: value for name, value in metadata.items() if name not in _V4_MEMBERS}
    if "Containers" in older:
        older["Containers"] = [without_v4_members(container) for container in older["Containers"]]
    if "Networks" in older:
        older["Networks"] = [
            {name: network[name] for name in _V3_NETWORK_MEMBERS if name in network} for network in older["Networks"]
        ]
    return older


def engine_names(row: Task) -> EngineNames:
    """What the engine calls a task's containers."""
    names = [container["name"] for container in row.task_definition.document["containerDefinitions"]]
    return EngineNames(
        containers=[
            EngineContainer(
                engine_name=task_container_name(row, name),
                runtime_id=row.last_containers.get(name, {}).get("runtime_id", ""),
            )
            for name in names
        ],
        pause=pause_container_name(row) if row.network else None,
    )


def _container(row: Task, index: int, attachment: NetworkAttachment | None) -> Shape:
    described = task_row(row)["containers"][index]
    definition = row.task_definition.document["containerDefinitions"][index]
    record = row.last_containers.get(described["name"], {})
    return _present(
        {
            "DockerId": record.get("runtime_id", ""),
            "Name": described["name"],
            "DockerName": task_container_name(row, described["name"]),
            "Image": described["image"],
            "ImageID": record.get("image_digest", ""),
            "Ports": [_port(binding) for binding in record.get("bindings", ())] or None,
            "Labels": {
                **definition.get("dockerLabels", {}),
                "com.amazonaws.ecs.cluster": row.cluster.arn,
                "com.amazonaws.ecs.container-name": described["name"],
                "com.amazonaws.ecs.task-arn": row.arn,
                "com.amazonaws.ecs.task-definition-family": row.task_definition.family,
                "com.amazonaws.ecs.task-definition-version": str(row.task_definition.revision),
            },
            "DesiredStatus": "STOPPED" if row.desired_stop_code or row.last_stop_code else "RUNNING",
            "KnownStatus": described["lastStatus"],
            "ExitCode": record.get("exit_code"),
            "Limits": _limits(definition.get("cpu", 0), definition.get("memory", 0)),
            "CreatedAt": _text(moment(record.get("created_at"))),
            "StartedAt": _text(moment(record.get("started_at"))),
            "FinishedAt": _text(moment(record.get("finished_at"))),
            "Type": "NORMAL",
            "Health": _health(definition, record),
            "Volumes": _volumes(definition, row.task_definition.document) or None,
            "LogDriver": definition.get("logConfiguration", {}).get("logDriver"),
            "LogOptions": _log_options(row, definition),
            "ContainerARN": described["containerArn"],
            "RestartCount": _restart_count(definition, record),
            "Networks": [_network(row, attachment)],
        }
    )


def _network(row: Task, attachment: NetworkAttachment | None) -> Shape:
    mode = row.task_definition.document.get("networkMode", "bridge")
    if attachment is None:
        return {"NetworkMode": mode}
    return {
        "NetworkMode": mode,
        "IPv4Addresses": [attachment.private_address],
        "AttachmentIndex": 0,
        "MACAddress": attachment.mac_address,
        "IPv4SubnetCIDRBlock": attachment.subnet_cidr,
        "DomainNameServers": [attachment.dns_address],
        "DomainNameSearchList": [private_domain(row.region)],
        "PrivateDNSName": attachment.private_dns_name,
        "SubnetGatewayIpv4Address": f"{attachment.gateway_address}/{attachment.prefix_length}",
    }


def _attachment(row: Task) -> NetworkAttachment | None:
    if not row.network:
        return None
    return network_provider().describe(row.account_id, row.region, row.network["interface_id"])


def _port(binding: Mapping[str, Any]) -> Shape:
    return _present(
        {
            "ContainerPort": binding["containerPort"],
            "Protocol": binding["protocol"],
            "HostPort": binding.get("hostPort"),
            "HostIp": binding.get("bindIP"),
        }
    )


def _health(definition: Mapping[str, Any], record: Mapping[str, Any]) -> Shape | None:
    if "healthCheck" not in definition:
        return None
    return _present({"status": record.get("health", "UNKNOWN"), "output": record.get("health_output")})


def _restart_count(definition: Mapping[str, Any], record: Mapping[str, Any]) -> int | None:
    """How often its restart policy started a container again; nothing for one without."""
    is_restarted = definition.get("restartPolicy", {}).get("enabled")
    return int(record.get("restarts", 0)) if is_restarted else None


def _log_options(row: Task, definition: Mapping[str, Any]) -> Shape | None:
    """The driver's options as it was given them: with the stream's name where the definition has its beginning."""
    configuration = definition.get("logConfiguration", {})
    options: Shape | None = configuration.get("options")
    if options is None or configuration.get("logDriver") != "awslogs":
        return options
    stream = log_stream(definition["name"], options, row.task_id)
    return {
        **{name: value for name, value in options.items() if name != "awslogs-stream-prefix"},
        "awslogs-stream": stream,
    }


def _instance_tags(row: Task) -> Shape | None:
    """The tags of the instance that a task of launch type EC2 is on."""
    if not row.container_instance_arn:
        return None
    instances = ContainerInstance.objects.filter(
        cluster=row.cluster, instance_id=row.container_instance_arn.rpartition("/")[2]
    )
    return instances.values_list("tags", flat=True).first()


def _volumes(definition: Mapping[str, Any], task_definition: Mapping[str, Any]) -> list[Shape]:
    sources = {volume["name"]: volume.get("host", {}).get("sourcePath") for volume in task_definition["volumes"]}
    return [
        _present(
            {
                "DockerName": point.get("sourceVolume"),
                "Source": sources.get(point.get("sourceVolume", "")),
                "Destination": point.get("containerPath"),
            }
        )
        for point in definition.get("mountPoints", ())
    ]


def _limits(cpu: float, memory_mib: int) -> Shape:
    return {"CPU": cpu, "Memory": memory_mib}


def _present(members: Mapping[str, Any]) -> Shape:
    """AWS leaves out what is not so."""
    return {name: value for name, value in members.items() if value not in (None, "")}


def _text(time: datetime | None) -> str | None:
    return time.isoformat().replace("+00:00", "Z") if time else None
