"""Namespaces and services for the console's lists."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.servicediscovery.describe import describe_namespace, describe_service
from aws_api.services.servicediscovery.models import Namespace, Service

MAX_LISTED = 1000


def _namespaces(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = Namespace.objects.filter(account_id=account_id, region=region).annotate(count=Count("services"))
    return [describe_namespace(row, getattr(row, "count")) for row in rows.order_by("name")[:MAX_LISTED]]  # noqa: B009


def _services(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = Service.objects.filter(account_id=account_id, region=region).select_related("namespace")
    counted = rows.annotate(count=Count("instances")).order_by("name")[:MAX_LISTED]
    return [describe_service(row, getattr(row, "count")) for row in counted]  # noqa: B009


for _name, _plural, _columns, _list in (
    ("namespace", "namespaces", ("Name", "Id", "Type", "ServiceCount"), _namespaces),
    ("service", "services", ("Name", "Id", "NamespaceId", "InstanceCount"), _services),
):
    register_resource_type(
        ResourceType(service="servicediscovery", name=_name, plural=_plural, columns=_columns, list=_list)
    )
