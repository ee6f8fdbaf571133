"""Rows as AWS's shapes."""

from datetime import datetime
from typing import Any

from aws_api.services.application_autoscaling.models import (
    ScalableTarget,
    ScalingActivity,
    ScalingPolicy,
    ScheduledAction,
)

Shape = dict[str, Any]

_CONFIGURATIONS = {
    "StepScaling": "StepScalingPolicyConfiguration",
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
    "PredictiveScaling": "PredictiveScalingPolicyConfiguration",
}
SUSPENSIONS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")


def configuration_member(policy_type: str) -> str:
    """The member that holds the configuration of a policy of a type."""
    return _CONFIGURATIONS[policy_type]


def scalable_target(row: ScalableTarget) -> Shape:
    """A scalable target."""
    return {
        **_place(row),
        "MinCapacity": row.min_capacity,
        "MaxCapacity": row.max_capacity,
        "RoleARN": row.role_arn,
        "CreationTime": row.created_at,
        "SuspendedState": {name: row.suspended.get(name, False) for name in SUSPENSIONS},
        "ScalableTargetARN": row.arn,
    }


def scaling_policy(row: ScalingPolicy) -> Shape:
    """A policy with its configuration and the alarms that it made."""
    return {
        **_place(row.target),
        "PolicyARN": row.arn,
        "PolicyName": row.name,
        "PolicyType": row.type,
        _CONFIGURATIONS[row.type]: row.document,
        "Alarms": row.alarms,
        "CreationTime": row.created_at,
    }


def scheduled_action(row: ScheduledAction) -> Shape:
    """A scheduled action."""
    told = dict(row.document)
    for member in ("StartTime", "EndTime"):
        if member in told:
            told[member] = datetime.fromisoformat(told[member])
    return {
        **_place(row.target),
        **told,
        "ScheduledActionName": row.name,
        "ScheduledActionARN": row.arn,
        "CreationTime": row.created_at,
    }


def scaling_activity(row: ScalingActivity) -> Shape:
    """An activity."""
    shape: Shape = {
        "ActivityId": row.activity_id,
        **_place(row),
        "Description": row.description,
        "Cause": row.cause,
        "StartTime": row.started_at,
        "StatusCode": row.status,
        "StatusMessage": row.status_message,
    }
    if row.ended_at:
        shape["EndTime"] = row.ended_at
    if row.not_scaled_reasons:
        shape["NotScaledReasons"] = row.not_scaled_reasons
    return shape


def _place(row: ScalableTarget | ScalingActivity) -> Shape:
    return {"ServiceNamespace": row.namespace, "ResourceId": row.resource_id, "ScalableDimension": row.dimension}
