"""DescribeScalingActivities."""

from typing import Any

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.services.application_autoscaling import describe
from aws_api.services.application_autoscaling.models import ScalingActivity
from aws_api.services.application_autoscaling.service import application_autoscaling
from aws_api.services.application_autoscaling.shapes import (
    DescribeScalingActivitiesRequest,
    InvalidNextTokenException,
    ValidationException,
)

PAGE = 50
MAX_LISTED = 5000


@application_autoscaling.operation
def describe_scaling_activities(context: Context, request: DescribeScalingActivitiesRequest) -> dict[str, Any]:
    """What was done to targets of a namespace in the last six weeks, the newest first."""
    if request.get("ScalableDimension") and not request.get("ResourceId"):
        raise ValidationException("If you specify a scalable dimension, you must also specify a resource ID.")
    rows = ScalingActivity.objects.filter(
        account_id=context.account_id, region=context.region, namespace=request["ServiceNamespace"]
    )
    if request.get("ResourceId"):
        rows = rows.filter(resource_id=request["ResourceId"])
    if request.get("ScalableDimension"):
        rows = rows.filter(dimension=request["ScalableDimension"])
    if not request.get("IncludeNotScaledActivities"):
        rows = rows.filter(not_scaled_reasons=[])
    found = list(rows.order_by("-started_at", "-pk")[:MAX_LISTED])
    limit = min(request.get("MaxResults") or PAGE, PAGE)
    page, token = page_of_list(found, token=request.get("NextToken"), limit=limit, error=InvalidNextTokenException)
    answer: dict[str, Any] = {"ScalingActivities": [describe.scaling_activity(row) for row in page]}
    return {**answer, "NextToken": token} if token else answer
