"""DescribeAlarmHistory."""

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.services.cloudwatch import describe
from aws_api.services.cloudwatch.models import AlarmHistory
from aws_api.services.cloudwatch.service import cloudwatch
from aws_api.services.cloudwatch.shapes import DescribeAlarmHistoryInput, DescribeAlarmHistoryOutput, InvalidNextToken

PAGE = 100
MAX_LISTED = 10_000


@cloudwatch.operation
def describe_alarm_history(context: Context, request: DescribeAlarmHistoryInput) -> DescribeAlarmHistoryOutput:
    """What happened to alarms, the newest first unless asked otherwise; also to alarms that were deleted."""
    rows = AlarmHistory.objects.filter(account_id=context.account_id, region=context.region)
    if request.get("AlarmName"):
        rows = rows.filter(alarm_name=request["AlarmName"])
    rows = rows.filter(alarm_type__in=request.get("AlarmTypes") or ["MetricAlarm"])
    if request.get("HistoryItemType"):
        rows = rows.filter(item_type=request["HistoryItemType"])
    if request.get("StartDate"):
        rows = rows.filter(at__gte=request["StartDate"])
    if request.get("EndDate"):
        rows = rows.filter(at__lte=request["EndDate"])
    is_ascending = request.get("ScanBy") == "TimestampAscending"
    found = list(rows.order_by(*(("at", "pk") if is_ascending else ("-at", "-pk")))[:MAX_LISTED])
    limit = min(request.get("MaxRecords", PAGE), PAGE)
    page, token = page_of_list(found, token=request.get("NextToken"), limit=limit, error=InvalidNextToken)
    answer: DescribeAlarmHistoryOutput = {"AlarmHistoryItems": [describe.history_item(row) for row in page]}
    if token:
        answer["NextToken"] = token
    return answer
