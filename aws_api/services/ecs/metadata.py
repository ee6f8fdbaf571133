"""What a task is told about itself: the task metadata endpoint, version 4.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aws_api.services.ecs.describe import moment, task_row
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.specifications import task_container_name

Shape = dict[str, Any]


def task_metadata(row: Task, *, with_tags: bool = False) -> Shape:
    """The answer of ``${ECS_CONTAINER_METADATA_URI_V4}/task``."""
    task, definition = task_row(row), row.task_definition
    metadata: Shape = {
        "Cluster": row.cluster.arn,
        "TaskARN": row.arn,
        "Family": definition.family,
        "Revision": str(definition.revision),
        "DesiredStatus": task["desiredStatus"],
        "KnownStatus": task["lastStatus"],
        "Limits": _limits(int(task["cpu"]) / 1024, int(task["memory"])),
        "PullStartedAt": _text(row.last_pull_started_at),
        "PullStoppedAt": _text(row.last_pull_stopped_at),
        "AvailabilityZone": task["availabilityZone"],
        "LaunchType": row.launch_type,
        "Containers": [container_metadata(row, index) for index in range(len(task["containers"]))],
    }
    if row.service_name:
        metadata["ServiceName"] = row.service_name
    if with_tags:
        metadata["TaskTags"] = row.tags
    return {name: value for name, value in metadata.items() if value not in (None, "")}


def container_metadata(row: Task, index: int) -> Shape:
    """The answer of ``${ECS_CONTAINER_METADATA_URI_V4}`` for the container at a place of the definition.

    Raises IndexError where there is none.
    """
    described = task_row(row)["containers"][index]
    definition = row.task_definition.document["containerDefinitions"][index]
    record = row.last_containers.get(described["name"], {})
    metadata: Shape = {
        "DockerId": record.get("runtime_id", ""),
        "Name": described["name"],
        "DockerName": task_container_name(row, described["name"]),
        "Image": described["image"],
        "ImageID": record.get("image_digest", ""),
        "Labels": {
            "com.amazonaws.ecs.cluster": row.cluster.arn,
            "com.amazonaws.ecs.container-name": described["name"],
            "com.amazonaws.ecs.task-arn": row.arn,
            "com.amazonaws.ecs.task-definition-family": row.task_definition.family,
            "com.amazonaws.ecs.task-definition-version": str(row.task_definition.revision),
        },
        "DesiredStatus": "STOPPED" if row.desired_stop_code or row.last_stop_code else "RUNNING",
        "KnownStatus": described["lastStatus"],
        "Limits": _limits(definition.get("cpu", 0), definition.get("memory", 0)),
        "CreatedAt": _text(row.last_pull_stopped_at),
        "StartedAt": _text(moment(record.get("started_at"))),
        "ExitCode": record.get("exit_code"),
        "Type": "NORMAL",
        "ContainerARN": described["containerArn"],
        "Networks": [_network(row)],
    }
    if log := definition.get("logConfiguration"):
        metadata["LogDriver"] = log["logDriver"]
        metadata["LogOptions"] = log.get("options", {})
    return {name: value for name, value in metadata.items() if value not in (None, "")}


def _network(row: Task) -> Mapping[str, Any]:
    details = {detail["name"]: detail["value"] for detail in row.network.get("details", ())}
    return {
        "NetworkMode": row.task_definition.document.get("networkMode", "bridge"),
        "IPv4Addresses": [details["privateIPv4Address"]] if details else [],
        "AttachmentIndex": 0,
        "MACAddress": details.get("macAddress", ""),
        "PrivateDNSName": details.get("privateDnsName", ""),
    }


def _limits(cpu: float, memory_mib: int) -> Shape:
    return {"CPU": cpu, "Memory": memory_mib}


def _text(time: datetime | None) -> str | None:
    return time.isoformat().replace("+00:00", "Z") if time else None
