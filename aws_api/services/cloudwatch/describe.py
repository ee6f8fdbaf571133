"""Rows as AWS's shapes."""

from aws_api.services.cloudwatch.models import Alarm, AlarmHistory
from aws_api.services.cloudwatch.shapes import AlarmHistoryItem, CompositeAlarm, MetricAlarm


def metric_alarm(row: Alarm) -> MetricAlarm:
    """A metric alarm."""
    shape: MetricAlarm = {
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        **row.document,  # type: ignore[typeddict-item]
        "AlarmName": row.name,
        "AlarmArn": row.arn,
        "AlarmConfigurationUpdatedTimestamp": row.configured_at,
        "ActionsEnabled": row.actions_enabled,
        "StateValue": row.last_state,  # type: ignore[typeddict-item]
        "StateReason": row.last_reason,
        "StateUpdatedTimestamp": row.last_updated_at,
        "StateTransitionedTimestamp": row.last_transitioned_at,
    }
    if "Metrics" not in row.document:
        shape.setdefault("Dimensions", [])
    if row.last_reason_data:
        shape["StateReasonData"] = row.last_reason_data
    return shape


def composite_alarm(row: Alarm) -> CompositeAlarm:
    """A composite alarm."""
    return {
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        **row.document,  # type: ignore[typeddict-item]
        "AlarmName": row.name,
        "AlarmArn": row.arn,
        "AlarmConfigurationUpdatedTimestamp": row.configured_at,
        "ActionsEnabled": row.actions_enabled,
        "StateValue": row.last_state,  # type: ignore[typeddict-item]
        "StateReason": row.last_reason,
        "StateReasonData": row.last_reason_data or "{}",
        "StateUpdatedTimestamp": row.last_updated_at,
        "StateTransitionedTimestamp": row.last_transitioned_at,
    }


def history_item(row: AlarmHistory) -> AlarmHistoryItem:
    """An entry of an alarm's history."""
    return {
        "AlarmName": row.alarm_name,
        "AlarmType": row.alarm_type,  # type: ignore[typeddict-item]
        "Timestamp": row.at,
        "HistoryItemType": row.item_type,  # type: ignore[typeddict-item]
        "HistorySummary": row.summary,
        "HistoryData": row.data,
    }
