"""Rows to AWS's shapes. Reads only: what is described is what is written down."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from aws_api.core.tags import tags_to_list
from aws_api.services.ecs.exec.agents import managed_agents
from aws_api.services.ecs.identifiers import task_definition_arn
from aws_api.services.ecs.models import Cluster, Task, TaskDefinition

Shape = dict[str, Any]

#: What describe.task reads, as columns of the table.
TASK_COLUMNS = (
    "arn",
    "document",
    "tags",
    "version",
    "created_at",
    "desired_status",
    "desired_stop_code",
    "desired_stopped_reason",
    "last_status",
    "last_stop_code",
    "last_stopped_reason",
    "last_health_status",
    "last_containers",
    "last_attachment",
    "last_connectivity_at",
    "last_pull_started_at",
    "last_pull_stopped_at",
    "last_started_at",
    "last_stopping_at",
    "last_execution_stopped_at",
    "last_stopped_at",
)
_TIMES = {
    "connectivityAt": "last_connectivity_at",
    "pullStartedAt": "last_pull_started_at",
    "pullStoppedAt": "last_pull_stopped_at",
    "startedAt": "last_started_at",
    "stoppingAt": "last_stopping_at",
    "executionStoppedAt": "last_execution_stopped_at",
    "stoppedAt": "last_stopped_at",
}
#: What AWS's Container shape has of a container's record.
_CONTAINER_MEMBERS = {
    "runtime_id": "runtimeId",
    "exit_code": "exitCode",
    "reason": "reason",
    "image_digest": "imageDigest",
}


def tags(mapping: Mapping[str, str]) -> list[dict[str, str]]:
    return tags_to_list(mapping, key="key", value="value")


def cluster(
    row: Cluster,
    *,
    running: int,
    pending: int,
    instances: int,
    services: int,
    statistics: Mapping[str, int],
    include: Iterable[str] = (),
) -> Shape:
    """AWS's Cluster shape; settings, configuration, tags and statistics only where ``include`` asks for them."""
    included = set(include)
    shape: Shape = {
        "clusterArn": row.arn,
        "clusterName": row.name,
        "status": row.status,
        "registeredContainerInstancesCount": instances,
        "runningTasksCount": running,
        "pendingTasksCount": pending,
        "activeServicesCount": services,
        "statistics": [
            {"name": name, "value": str(count)} for name, count in statistics.items() if "STATISTICS" in included
        ],
        "tags": tags(row.tags) if "TAGS" in included else [],
        "settings": row.document.get("settings", []) if "SETTINGS" in included else [],
        "capacityProviders": row.document.get("capacityProviders", []),
        "defaultCapacityProviderStrategy": row.document.get("defaultCapacityProviderStrategy", []),
    }
    if "CONFIGURATIONS" in included and "configuration" in row.document:
        shape["configuration"] = row.document["configuration"]
    if "serviceConnectDefaults" in row.document:
        shape["serviceConnectDefaults"] = row.document["serviceConnectDefaults"]
    return shape


def task_definition(row: TaskDefinition) -> Shape:
    """AWS's TaskDefinition shape."""
    shape: Shape = {
        **row.document,
        "taskDefinitionArn": task_definition_arn(row.account_id, row.region, row.family, row.revision),
        "family": row.family,
        "revision": row.revision,
        "status": row.status,
        "registeredAt": row.created_at,
    }
    if row.deregistered_at:
        shape["deregisteredAt"] = row.deregistered_at
    if row.delete_requested_at:
        shape["deleteRequestedAt"] = row.delete_requested_at
    return shape


def task(row: Mapping[str, Any], *, with_tags: bool = False) -> Shape:
    """AWS's Task shape of a row of TASK_COLUMNS."""
    attachment, records = row["last_attachment"], row["last_containers"]
    address = _address(attachment)
    shape: Shape = {
        **row["document"],
        "taskArn": row["arn"],
        "attachments": [*([attachment] if attachment else []), *_volume_attachments(row)],
        "containers": [
            _container(container, records.get(container["name"], {}), attachment, address)
            | _agents(row["document"], records.get(container["name"], {}))
            for container in row["document"]["containers"]
        ],
        "createdAt": row["created_at"],
        "desiredStatus": "STOPPED" if row["last_stop_code"] else row["desired_status"],
        "lastStatus": row["last_status"],
        "healthStatus": row["last_health_status"],
        "version": row["version"],
        "tags": tags(row["tags"]) if with_tags else [],
    }
    if row["last_connectivity_at"]:
        shape["connectivity"] = "CONNECTED"
    for member, column in _TIMES.items():
        if row[column]:
            shape[member] = row[column]
    if row["last_stop_code"] or row["desired_stop_code"]:
        shape["stopCode"] = row["last_stop_code"] or row["desired_stop_code"]
        shape["stoppedReason"] = row["last_stopped_reason"] or row["desired_stopped_reason"]
    return shape


def _volume_attachments(row: Mapping[str, Any]) -> list[Shape]:
    """The volumes that were configured at launch: they come with the first container, and go with the task."""
    status = {"PROVISIONING": "PRECREATED", "PENDING": "ATTACHING", "STOPPED": "DELETED"}.get(
        row["last_status"], "ATTACHED"
    )
    return [{**attachment, "status": status} for attachment in row["document"].get("volumeAttachments", ())]


def task_row(row: Task) -> Shape:
    """AWS's Task shape of a model's instance."""
    return task({column: getattr(row, column) for column in TASK_COLUMNS}, with_tags=True)


def _container(static: Mapping[str, Any], record: Mapping[str, Any], attachment: Shape, address: str) -> Shape:
    shape: Shape = {
        **static,
        "lastStatus": record.get("status", "PENDING"),
        "healthStatus": record.get("health", "UNKNOWN"),
        "networkInterfaces": [],
    }
    for name, member in _CONTAINER_MEMBERS.items():
        if record.get(name) not in (None, ""):
            shape[member] = record[name]
    if address:
        shape["networkInterfaces"] = [{"attachmentId": attachment["id"], "privateIpv4Address": address}]
    if not attachment:
        shape["networkBindings"] = record.get("bindings", [])
    return shape


def _agents(document: Mapping[str, Any], record: Mapping[str, Any]) -> Shape:
    if not document.get("enableExecuteCommand"):
        return {}
    return {"managedAgents": managed_agents(record.get("status", "PENDING"), moment(record.get("started_at")))}


def _address(attachment: Shape) -> str:
    details = attachment.get("details", ()) if attachment else ()
    return next((detail["value"] for detail in details if detail["name"] == "privateIPv4Address"), "")


def moment(text: str | None) -> datetime | None:
    """A time that a JSON column keeps as text."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
