"""What Cloud Map's operations need: the action on the namespace or service that the request names.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudmap.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.service import Access
from aws_api.services.servicediscovery.service import servicediscovery


@servicediscovery.access
def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    return ((action, _resource(context, action, request)),)


def _resource(context: Context, action: str, request: Mapping[str, Any]) -> str:
    if "ResourceARN" in request:
        return str(request["ResourceARN"])
    identifier = request.get("ServiceId") or request.get("Id") or request.get("NamespaceId")
    if not identifier:
        return "*"
    is_service = "ServiceId" in request or ("Id" in request and action.endswith("Service"))
    kind = "service" if is_service else "namespace"
    bare = str(identifier).rpartition("/")[2]
    return f"arn:aws:servicediscovery:{context.region}:{context.account_id}:{kind}/{bare}"
