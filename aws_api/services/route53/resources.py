"""Hosted zones for the console's lists."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.route53.models import HostedZone

MAX_LISTED = 1000


def _zones(account_id: str, _region: str) -> Iterable[Mapping[str, Any]]:
    rows = HostedZone.objects.filter(account_id=account_id).annotate(record_count=Count("record_sets"))
    return [
        {"Id": zone.zone_id, "Name": zone.name, "Private": zone.is_private, "Records": getattr(zone, "record_count")}  # noqa: B009
        for zone in rows.order_by("sort_name")[:MAX_LISTED]
    ]


register_resource_type(
    ResourceType(
        service="route53",
        name="hosted zone",
        plural="hosted zones",
        columns=("Name", "Id", "Private", "Records"),
        identity="Id",
        command="aws route53 get-hosted-zone --id {Id}",
        list=_zones,
    )
)
