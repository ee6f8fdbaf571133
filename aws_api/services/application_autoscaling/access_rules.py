"""What calls need of IAM: the action, with the namespace and dimension that policies may ask for.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.service import Access
from aws_api.services.application_autoscaling.service import application_autoscaling

_PREFIX = "application-autoscaling"


@application_autoscaling.access
def scaling_access(_context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The action on the resource of a tag operation, or on nothing in particular."""
    if "ResourceARN" in request:
        return ((action, str(request["ResourceARN"])),)
    conditions = {
        f"{_PREFIX}:{key}": str(request[member])
        for key, member in (("service-namespace", "ServiceNamespace"), ("scalable-dimension", "ScalableDimension"))
        if member in request
    }
    return ((action, "*", conditions),)
