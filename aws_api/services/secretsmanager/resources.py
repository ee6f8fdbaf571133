"""Secrets for the console's lists; without their values."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.core.tags import tags_to_list
from aws_api.services.secretsmanager.models import Secret

MAX_LISTED = 10_000


def _secrets(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = Secret.objects.filter(account_id=account_id, region=region).order_by("name")[:MAX_LISTED]
    return [_shape(row) for row in rows]


def _shape(row: Secret) -> Mapping[str, Any]:
    """What the row says by itself: a list of a thousand asks for nobody's versions."""
    described = {
        "Name": row.name,
        "ARN": row.arn,
        "Description": row.description,
        "KmsKeyId": row.kms_key_id,
        "CreatedDate": row.created_at,
        "LastChangedDate": row.changed_at,
        "DeletedDate": row.deletion_at,
        "Tags": tags_to_list(row.tags),
    }
    return {member: value for member, value in described.items() if value}


register_resource_type(
    ResourceType(
        service="secretsmanager",
        name="secret",
        plural="secrets",
        columns=("Name", "Description", "LastChangedDate", "ARN"),
        command="aws secretsmanager describe-secret --secret-id {Name}",
        list=_secrets,
    )
)
