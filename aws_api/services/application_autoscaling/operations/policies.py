"""Scaling policies."""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.ids import new_uuid
from aws_api.core.pagination import page_of_rows
from aws_api.services.application_autoscaling import describe
from aws_api.services.application_autoscaling.models import ScalableTarget, ScalingPolicy
from aws_api.services.application_autoscaling.names import policy_arn
from aws_api.services.application_autoscaling.operations.targets import find_target
from aws_api.services.application_autoscaling.policies import (
    PREDICTIVE,
    STEP,
    TARGET_TRACKING,
    delete_alarms,
    put_alarms,
)
from aws_api.services.application_autoscaling.service import application_autoscaling
from aws_api.services.application_autoscaling.shapes import (
    DeleteScalingPolicyRequest,
    DescribeScalingPoliciesRequest,
    GetPredictiveScalingForecastRequest,
    InvalidNextTokenException,
    LimitExceededException,
    ObjectNotFoundException,
    PutScalingPolicyRequest,
    ValidationException,
)
from aws_api.services.application_autoscaling.step_scaling import StepsOverlap, check_steps
from aws_api.services.application_autoscaling.target_tracking import UnknownMetric, metric_of

PAGE = 50
MAX_POLICIES = 50

Shape = dict[str, Any]


@application_autoscaling.operation
def put_scaling_policy(context: Context, request: PutScalingPolicyRequest) -> Shape:
    """Make or replace a policy. Target tracking has its alarms when this answers."""
    target, kind = find_target(context, request), request.get("PolicyType", STEP)
    document: Mapping[str, Any] | None = request.get(describe.configuration_member(kind))  # type: ignore[assignment]
    if document is None:
        raise ValidationException(f"{describe.configuration_member(kind)} must be specified for {kind} policies.")
    _check(target, kind, document)
    policy = target.policies.filter(name=request["PolicyName"]).first()
    if policy is None:
        policy = _new(context, target, request["PolicyName"], kind, document)
    elif policy.type != kind:
        raise ValidationException("The type of a scaling policy cannot be changed.")
    else:
        policy.document = dict(document)
        policy.save(update_fields=["document"])
    if kind == TARGET_TRACKING and target.namespace == "ecs":
        put_alarms(policy)
    return {"PolicyARN": policy.arn, "Alarms": policy.alarms}


@application_autoscaling.operation
def delete_scaling_policy(context: Context, request: DeleteScalingPolicyRequest) -> Shape:
    """Delete a policy with the alarms that it made."""
    target = find_target(context, request)
    policy = target.policies.filter(name=request["PolicyName"]).first()
    if policy is None:
        raise ObjectNotFoundException(
            f"No scaling policy found for service namespace: {target.namespace}, resource ID: {target.resource_id}, "
            f"scalable dimension: {target.dimension}, policy name: {request['PolicyName']}"
        )
    delete_alarms(policy)
    policy.delete()
    return {}


@application_autoscaling.operation
def describe_scaling_policies(context: Context, request: DescribeScalingPoliciesRequest) -> Shape:
    """Policies of a namespace."""
    rows = ScalingPolicy.objects.filter(
        account_id=context.account_id, region=context.region, target__namespace=request["ServiceNamespace"]
    ).select_related("target")
    if request.get("PolicyNames"):
        rows = rows.filter(name__in=request["PolicyNames"])
    if request.get("ResourceId"):
        rows = rows.filter(target__resource_id=request["ResourceId"])
    if request.get("ScalableDimension"):
        rows = rows.filter(target__dimension=request["ScalableDimension"])
    limit = min(request.get("MaxResults") or PAGE, PAGE)
    page, token = page_of_rows(
        rows, by="pk", token=request.get("NextToken"), limit=limit, error=InvalidNextTokenException
    )
    answer: Shape = {"ScalingPolicies": [describe.scaling_policy(row) for row in page]}
    return {**answer, "NextToken": token} if token else answer


@application_autoscaling.operation
def get_predictive_scaling_forecast(context: Context, request: GetPredictiveScalingForecastRequest) -> Shape:
    """Refused: nothing here foresees load."""
    find_target(context, request)
    raise ValidationException("Simfra keeps predictive scaling policies and makes no forecasts.")


def _check(target: ScalableTarget, kind: str, document: Mapping[str, Any]) -> None:
    if kind == PREDICTIVE or target.namespace != "ecs":
        return
    try:
        if kind == STEP:
            if "AdjustmentType" not in document:
                raise ValidationException("AdjustmentType must be specified.")
            check_steps(document)
            return
        specifications = ("PredefinedMetricSpecification", "CustomizedMetricSpecification")
        if sum(name in document for name in specifications) != 1:
            raise ValidationException(
                "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified."
            )
        if document["TargetValue"] <= 0:
            raise ValidationException("TargetValue must be greater than 0.")
        metric_of(document, target.resource_id)
    except (StepsOverlap, UnknownMetric) as error:
        raise ValidationException(str(error)) from error


def _new(context: Context, target: ScalableTarget, name: str, kind: str, document: Mapping[str, Any]) -> ScalingPolicy:
    if target.policies.count() >= MAX_POLICIES:
        raise LimitExceededException(f"A scalable target may have {MAX_POLICIES} policies.")
    return ScalingPolicy.objects.create(
        account_id=context.account_id,
        region=context.region,
        target=target,
        name=name,
        arn=policy_arn(context.account_id, context.region, new_uuid(), target.place, name),
        type=kind,
        document=dict(document),
        created_at=context.clock.now(),
    )
