"""Volumes whose sizes are said when a task is launched, or by its service.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/configure-ebs-volume.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.ids import new_hex_id, new_uuid
from aws_api.services.ecs.models import TaskDefinition
from aws_api.services.ecs.shapes import InvalidParameterException

Configurations = Iterable[Mapping[str, Any]]


def check_volumes(configurations: Configurations, definition: TaskDefinition) -> None:
    """Raise InvalidParameterException unless volumes that are configured at launch are, and no others."""
    waiting = {volume["name"] for volume in definition.document["volumes"] if volume.get("configuredAtLaunch")}
    given = {configuration["name"] for configuration in configurations}
    if unknown := given - waiting:
        raise InvalidParameterException(
            f"Volume configuration {min(unknown)} does not match a volume in the task definition that is configured "
            "at launch."
        )
    if missing := waiting - given:
        raise InvalidParameterException(f"Volume configuration for {min(missing)} is required.")


def volume_sizes(configurations: Configurations) -> dict[str, int]:
    """The sizes in GiB of volumes that are configured, by name; one from a snapshot may have none."""
    sizes = ((one["name"], one.get("managedEBSVolume", {}).get("sizeInGiB")) for one in configurations)
    return {name: size for name, size in sizes if size}


def attachments_of(configurations: Configurations) -> list[dict[str, Any]]:
    """AWS's Attachment shapes, without their statuses, of the volumes that a task gets.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Attachment.html
    """
    return [_attachment(each["name"], each.get("managedEBSVolume", {})) for each in configurations]


def _attachment(name: str, volume: Mapping[str, Any]) -> dict[str, Any]:
    is_deleted = volume.get("terminationPolicy", {}).get("deleteOnTermination", True)
    details = {
        "roleArn": volume.get("roleArn", ""),
        "deleteOnTermination": str(is_deleted).lower(),
        "volumeName": name,
        "volumeId": f"vol-{new_hex_id(digits=17)}",
    }
    return {
        "id": new_uuid(),
        "type": "AmazonElasticBlockStorage",
        "details": [{"name": member, "value": value} for member, value in details.items() if value],
    }
