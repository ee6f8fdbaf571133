"""What Route 53's operations need: the action on the hosted zone, health check or change that the request names.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.service import Access
from aws_api.services.route53.service import route53

#: Id means a zone's id, except here.
_ON_CHANGES = "route53:GetChange"
_KINDS = {"HostedZoneId": "hostedzone", "HealthCheckId": "healthcheck", "Id": "hostedzone"}


@route53.access
def needed(_context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    if "ResourceIds" in request:
        return [(action, _arn(request["ResourceType"], resource_id)) for resource_id in request["ResourceIds"]]
    if "ResourceId" in request:
        return ((action, _arn(request["ResourceType"], request["ResourceId"])),)
    if action == _ON_CHANGES:
        return ((action, _arn("change", request.get("Id", "*"))),)
    if action == "route53:ListHostedZonesByName":
        return ((action, "*"),)
    named = next(((kind, request[member]) for member, kind in _KINDS.items() if request.get(member)), None)
    return ((action, _arn(*named) if named else "*"),)


def _arn(kind: str, resource_id: str) -> str:
    return f"arn:aws:route53:::{kind}/{resource_id.rpartition('/')[2]}"
