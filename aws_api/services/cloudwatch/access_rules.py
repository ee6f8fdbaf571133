"""What calls need of IAM: the action on the alarms they name; metrics have no resources of their own.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.service import Access
from aws_api.services.cloudwatch.names import alarm_arn
from aws_api.services.cloudwatch.service import cloudwatch

_ON_NAMED_ALARMS = (
    "DeleteAlarms",
    "DescribeAlarmHistory",
    "DescribeAlarms",
    "DisableAlarmActions",
    "EnableAlarmActions",
    "PutCompositeAlarm",
    "PutMetricAlarm",
    "SetAlarmState",
)


@cloudwatch.access
def alarm_access(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The action on each alarm named, on the resource of a tag operation, or on nothing in particular."""
    name = action.partition(":")[2]
    if "ResourceARN" in request:
        return ((action, str(request["ResourceARN"])),)
    if name == "PutMetricData":
        return ((action, "*", {"cloudwatch:namespace": str(request["Namespace"])}),)
    if name not in _ON_NAMED_ALARMS:
        return ((action, "*"),)
    names = request.get("AlarmNames") or ([request["AlarmName"]] if request.get("AlarmName") else ["*"])
    return [(action, alarm_arn(context.account_id, context.region, each)) for each in names]
