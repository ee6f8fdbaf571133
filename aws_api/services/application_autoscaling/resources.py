"""What the console lists of Application Auto Scaling."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.application_autoscaling import describe
from aws_api.services.application_autoscaling.models import ScalableTarget, ScalingActivity, ScalingPolicy

MAX_LISTED = 500


def _targets(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = ScalableTarget.objects.filter(account_id=account_id, region=region).order_by("resource_id", "pk")
    return [describe.scalable_target(row) for row in rows[:MAX_LISTED]]


def _policies(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = ScalingPolicy.objects.filter(account_id=account_id, region=region).select_related("target")
    return [describe.scaling_policy(row) for row in rows.order_by("name", "pk")[:MAX_LISTED]]


def _activities(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = ScalingActivity.objects.filter(account_id=account_id, region=region).order_by("-started_at", "-pk")
    return [describe.scaling_activity(row) for row in rows[:MAX_LISTED]]


for _name, _plural, _columns, _identity, _list in (
    (
        "scalable target",
        "Scalable targets",
        ("ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity"),
        "ScalableTargetARN",
        _targets,
    ),
    ("scaling policy", "Scaling policies", ("PolicyName", "PolicyType", "ResourceId"), "PolicyARN", _policies),
    (
        "scaling activity",
        "Scaling activities",
        ("StartTime", "Description", "StatusCode", "Cause"),
        "ActivityId",
        _activities,
    ),
):
    register_resource_type(
        ResourceType(
            service="application-autoscaling",
            name=_name,
            plural=_plural,
            columns=_columns,
            identity=_identity,
            list=_list,
            command=f"aws application-autoscaling describe-{_plural.lower().replace(' ', '-')}"
            " --service-namespace {ServiceNamespace}",
        )
    )
