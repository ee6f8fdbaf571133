"""Secrets for the console's lists; without their values."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.secretsmanager import describe
from aws_api.services.secretsmanager.models import Secret

MAX_LISTED = 1000


def _secrets(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = Secret.objects.filter(account_id=account_id, region=region)
    now = SYSTEM_CLOCK.now()
    return [describe.list_entry(row, now) for row in rows.order_by("name")[:MAX_LISTED]]


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
