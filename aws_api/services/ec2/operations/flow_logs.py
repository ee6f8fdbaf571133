"""Flow logs, kept as they are made; nothing is logged.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
"""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.describe import describe_flow_log
from aws_api.services.ec2.errors import (
    FlowLogAlreadyExists,
    InvalidParameter,
    InvalidParameterValue,
    MissingParameter,
    UnsupportedOperation,
    unsuccessful,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import Ec2Resource, FlowLog, NetworkInterface, Subnet, Vpc
from aws_api.services.ec2.quotas import FLOW_LOGS_PER_RESOURCE, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, rows_of
from aws_api.services.ec2.tagging import tags_for

FILTERS = FilterTable(
    {
        "deliver-log-status": "DeliverLogsStatus",
        "flow-log-id": "FlowLogId",
        "log-destination-type": "LogDestinationType",
        "log-group-name": "LogGroupName",
        "resource-id": "ResourceId",
        "traffic-type": "TrafficType",
    }
)
_DEFAULT_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}"
)
_TARGETS: Mapping[str, type[Vpc] | type[Subnet] | type[NetworkInterface]] = {
    "VPC": Vpc,
    "Subnet": Subnet,
    "NetworkInterface": NetworkInterface,
}
_INTERVALS_S = (60, 600)


@operation
def create_flow_logs(context: Context, request: shapes.CreateFlowLogsRequest) -> shapes.CreateFlowLogsResult:
    """Keep a flow log for each resource; those that there are not are answered as unsuccessful."""
    model = _TARGETS.get(request["ResourceType"])
    if model is None:
        raise UnsupportedOperation(f"Simfra has no {request['ResourceType']} to log.")
    if not request.get("TrafficType"):
        raise MissingParameter("The request must contain the parameter TrafficType")
    document = _document(request)
    tags = tags_for(kinds.FLOW_LOG, request)
    made: list[str] = []
    failures: dict[str, AwsError] = {}
    for target_id in dict.fromkeys(request["ResourceIds"]):
        try:
            made.append(_create(context, find(model, context, target_id), document, tags).resource_id)
        except AwsError as failure:
            failures[target_id] = failure
    answer: shapes.CreateFlowLogsResult = {"FlowLogIds": made, "Unsuccessful": unsuccessful(failures)}
    if token := request.get("ClientToken"):
        answer["ClientToken"] = token
    return answer


@operation
def delete_flow_logs(context: Context, request: shapes.DeleteFlowLogsRequest) -> shapes.DeleteFlowLogsResult:
    """Delete flow logs; those that there are not are answered as unsuccessful."""
    failures: dict[str, AwsError] = {}
    for flow_log_id in dict.fromkeys(request["FlowLogIds"]):
        try:
            find_to_delete(FlowLog, context, flow_log_id).delete()
        except AwsError as failure:
            failures[flow_log_id] = failure
    return {"Unsuccessful": unsuccessful(failures)}


@operation
def describe_flow_logs(context: Context, request: shapes.DescribeFlowLogsRequest) -> shapes.DescribeFlowLogsResult:
    """List flow logs."""
    flow_logs, next_token = listed(
        {**request, "Filters": request.get("Filter")},
        rows_of(FlowLog, context),
        ids_member="FlowLogIds",
        filters=FILTERS,
        describe=describe_flow_log,
    )
    return {"FlowLogs": flow_logs, **next_token}


def _document(request: Mapping[str, Any]) -> dict[str, Any]:
    """What a flow log keeps of the request: AWS's FlowLog shape without what is its own."""
    kind = request.get("LogDestinationType", "cloud-watch-logs")
    interval_s = request.get("MaxAggregationInterval", 600)
    if interval_s not in _INTERVALS_S:
        raise InvalidParameter(f"Invalid Max Aggregation Interval: {interval_s}. It is 60 or 600 seconds.")
    if kind == "cloud-watch-logs":
        if not request.get("LogGroupName") and not request.get("LogDestination"):
            raise InvalidParameter("LogDestination can't be empty if LogGroupName is not provided.")
        if request.get("LogGroupName") and request.get("LogDestination"):
            raise InvalidParameter("Please only provide LogGroupName or only provide LogDestination.")
        if not request.get("DeliverLogsPermissionArn"):
            raise InvalidParameter("DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.")
    elif not request.get("LogDestination"):
        raise InvalidParameter("LogDestination can't be empty.")
    document = {
        "TrafficType": request["TrafficType"],
        "LogDestinationType": kind,
        "LogFormat": request.get("LogFormat") or _DEFAULT_FORMAT,
        "MaxAggregationInterval": interval_s,
        "DeliverLogsStatus": "SUCCESS",
        "FlowLogStatus": "ACTIVE",
    }
    for member in ("LogGroupName", "LogDestination", "DeliverLogsPermissionArn", "DeliverCrossAccountRole"):
        if request.get(member):
            document[member] = request[member]
    if kind == "s3":
        options = request.get("DestinationOptions") or {}
        document["DestinationOptions"] = {
            "FileFormat": options.get("FileFormat", "plain-text"),
            "HiveCompatiblePartitions": options.get("HiveCompatiblePartitions", False),
            "PerHourPartition": options.get("PerHourPartition", False),
        }
    return document


def _create(context: Context, target: Ec2Resource, document: dict[str, Any], tags: dict[str, str]) -> FlowLog:
    others = rows_of(FlowLog, context).filter(target_id=target.resource_id)
    if any(other.document == document for other in others):
        raise FlowLogAlreadyExists("There is an existing Flow Log with the same configuration and log destination.")
    check_quota(FLOW_LOGS_PER_RESOURCE, others)
    if isinstance(target, Vpc):
        vpc = target
    elif isinstance(target, Subnet | NetworkInterface):
        vpc = target.vpc
    else:
        raise InvalidParameterValue(f"{target} has no traffic.")
    return FlowLog.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=demanded_id(context, kinds.FLOW_LOG, FlowLog, "FlowLogId"),
        tags=tags,
        document=document,
        vpc=vpc,
        target_id=target.resource_id,
    )
