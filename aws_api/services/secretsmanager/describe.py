"""Rows as AWS's shapes. What a secret has not is left out."""

from datetime import UTC, date, datetime
from typing import Any

from aws_api.core.tags import tags_to_list
from aws_api.services.secretsmanager import shapes
from aws_api.services.secretsmanager.models import Secret, SecretVersion
from aws_api.services.secretsmanager.rotation import next_rotation
from aws_api.services.secretsmanager.versions import stages_of


def secret(row: Secret, now: datetime) -> shapes.DescribeSecretResponse:
    """What DescribeSecret answers."""
    described: dict[str, Any] = _facts(row, now)
    if labelled := _labelled(row):
        described["VersionIdsToStages"] = labelled
    for member in ("ReplicationStatus", "CrossAccountPrimary", "CrossAccountReplicas"):
        if row.document.get(member):
            described[member] = row.document[member]
    return described  # type: ignore[return-value]


def list_entry(row: Secret, now: datetime) -> shapes.SecretListEntry:
    """A secret as ListSecrets answers it."""
    described = _facts(row, now)
    if labelled := _labelled(row):
        described["SecretVersionsToStages"] = labelled
    return described  # type: ignore[return-value]


def version(row: SecretVersion) -> shapes.SecretVersionsListEntry:
    """A version as ListSecretVersionIds answers it."""
    described: shapes.SecretVersionsListEntry = {
        "VersionId": row.version_id,
        "CreatedDate": row.created_at,
        "KmsKeyIds": ["DefaultEncryptionKey" if row.has_managed_key else row.key_id],
    }
    if row.stages:
        described["VersionStages"] = row.stages
    if row.accessed_on is not None:
        described["LastAccessedDate"] = _midnight(row.accessed_on)
    return described


def _facts(row: Secret, now: datetime) -> dict[str, Any]:
    rules = row.document.get("RotationRules")
    is_rotating = bool(row.document.get("RotationEnabled"))
    optional = {
        "Description": row.description,
        "KmsKeyId": row.kms_key_id,
        "DeletedDate": row.deletion_at,
        "LastAccessedDate": row.accessed_on and _midnight(row.accessed_on),
        "RotationEnabled": True if is_rotating else None,
        "RotationRules": rules,
        "NextRotationDate": next_rotation(rules, row.rotation_started_at, now) if is_rotating else None,
        "Type": row.document.get("Type"),
        "PrimaryRegion": row.region if row.document.get("ReplicationStatus") else None,
    }
    return {
        "ARN": row.arn,
        "Name": row.name,
        "LastChangedDate": row.changed_at,
        "CreatedDate": row.created_at,
        "Tags": tags_to_list(row.tags),
    } | {member: value for member, value in optional.items() if value}


def _labelled(row: Secret) -> dict[str, list[str]]:
    return {version_id: list(labels) for version_id, labels in stages_of(row).items() if labels}


def _midnight(day: date) -> datetime:
    """AWS tells the day of an access, as its midnight."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
