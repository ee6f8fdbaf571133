"""Which permissions calls of Cloud Map and Route 53 need."""

import asyncio
from typing import Any

import pytest

from aws_api.core.context import Context
from aws_api.core.invoke import find_operation
from aws_api.core.service import get_service


@pytest.mark.parametrize(
    ("service", "operation", "request_", "resource"),
    [
        ("servicediscovery", "RegisterInstance", {"ServiceId": "srv-1"}, "service/srv-1"),
        ("servicediscovery", "GetService", {"Id": "srv-1"}, "service/srv-1"),
        ("servicediscovery", "CreateService", {"NamespaceId": "ns-1"}, "namespace/ns-1"),
        ("servicediscovery", "DeleteNamespace", {"Id": "ns-1"}, "namespace/ns-1"),
        ("servicediscovery", "DiscoverInstances", {"NamespaceName": "local", "ServiceName": "web"}, "*"),
        ("route53", "ChangeResourceRecordSets", {"HostedZoneId": "/hostedzone/Z1"}, "hostedzone/Z1"),
        ("route53", "GetHostedZone", {"Id": "Z1"}, "hostedzone/Z1"),
        ("route53", "GetChange", {"Id": "/change/C1"}, "change/C1"),
        ("route53", "GetHealthCheck", {"HealthCheckId": "1"}, "healthcheck/1"),
        ("route53", "ListHostedZones", {}, "*"),
    ],
)
def test_a_call_needs_its_action_on_what_it_names(
    context: Context, service: str, operation: str, request_: dict[str, Any], resource: str
) -> None:
    found = get_service(service)
    assert found is not None
    needed = asyncio.run(found.needed_access(find_operation(service, operation), context, request_))
    (access,) = needed
    assert access[0] == f"{service}:{operation}"
    assert access[1] == resource or access[1].endswith(f":{resource}")
