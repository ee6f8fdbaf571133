"""What the console lists of CloudWatch Logs."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Sum

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.logs.describe import describe_group
from aws_api.services.logs.models import LogGroup

MAX_LISTED = 1000


def _groups(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = LogGroup.objects.filter(account_id=account_id, region=region).order_by("name")
    measured = rows.annotate(stored_bytes=Sum("streams__stored_bytes", default=0))[:MAX_LISTED]
    return [describe_group(row, row.stored_bytes) for row in measured]


register_resource_type(
    ResourceType(
        service="logs",
        name="log group",
        plural="Log groups",
        columns=("logGroupName", "retentionInDays", "storedBytes", "arn"),
        command="aws logs describe-log-groups --log-group-name-prefix {logGroupName}",
        list=_groups,
    )
)
