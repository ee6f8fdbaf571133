"""Parameters for the console's lists; without their values."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import F

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.ssm import describe
from aws_api.services.ssm.models import ParameterVersion

MAX_LISTED = 1000


def _parameters(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = ParameterVersion.objects.select_related("parameter").filter(
        parameter__account_id=account_id, parameter__region=region, version=F("parameter__latest_version")
    )
    return [describe.metadata(row) for row in rows.order_by("parameter__name")[:MAX_LISTED]]


register_resource_type(
    ResourceType(
        service="ssm",
        name="parameter",
        plural="parameters",
        columns=("Name", "Type", "Version", "Tier", "LastModifiedDate"),
        command="aws ssm get-parameter --name {Name}",
        list=_parameters,
    )
)
