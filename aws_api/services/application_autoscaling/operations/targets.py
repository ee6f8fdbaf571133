"""Scalable targets."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from aws_api.core.context import Context
from aws_api.core.ids import new_hex_id
from aws_api.core.pagination import page_of_rows
from aws_api.services.application_autoscaling import describe
from aws_api.services.application_autoscaling.capacity import (
    DESIRED_COUNT,
    can_scale,
    current_capacity,
    ensure_service_role,
)
from aws_api.services.application_autoscaling.models import ScalableTarget
from aws_api.services.application_autoscaling.names import service_role_arn, target_arn
from aws_api.services.application_autoscaling.policies import delete_alarms
from aws_api.services.application_autoscaling.service import application_autoscaling
from aws_api.services.application_autoscaling.shapes import (
    DeregisterScalableTargetRequest,
    DescribeScalableTargetsRequest,
    InvalidNextTokenException,
    ObjectNotFoundException,
    RegisterScalableTargetRequest,
    ValidationException,
)

PAGE = 50
MAX_TAGS = 50
_ID_DIGITS = 36

Shape = dict[str, Any]


@application_autoscaling.operation
def register_scalable_target(context: Context, request: RegisterScalableTargetRequest) -> Shape:
    """Register a capacity to be scaled, or change its bounds."""
    _check_place(request)
    row = _rows(context, request).select_for_update().first()
    least = request.get("MinCapacity", row.min_capacity if row else None)
    most = request.get("MaxCapacity", row.max_capacity if row else None)
    if least is None or most is None:
        raise ValidationException("MinCapacity and MaxCapacity must be specified for a new scalable target.")
    if least < 0 or least > most:
        raise ValidationException("Maximum capacity cannot be less than minimum capacity")
    if row is None:
        row = _new(context, request, least, most)
    else:
        row.min_capacity, row.max_capacity = least, most
        if "RoleARN" in request and request["ServiceNamespace"] == "custom-resource":
            row.role_arn = request["RoleARN"]
    if "SuspendedState" in request:
        row.suspended = {**row.suspended, **request["SuspendedState"]}
    row.tags = {**row.tags, **request.get("Tags", {})}
    row.save()
    return {"ScalableTargetARN": row.arn}


@application_autoscaling.operation
def deregister_scalable_target(context: Context, request: DeregisterScalableTargetRequest) -> Shape:
    """Forget a target with its policies, their alarms and its scheduled actions."""
    row = find_target(context, request)
    for policy in row.policies.all():
        delete_alarms(policy)
    row.delete()
    return {}


@application_autoscaling.operation
def describe_scalable_targets(context: Context, request: DescribeScalableTargetsRequest) -> Shape:
    """Targets of a namespace."""
    rows = ScalableTarget.objects.filter(
        account_id=context.account_id, region=context.region, namespace=request["ServiceNamespace"]
    )
    if request.get("ResourceIds"):
        rows = rows.filter(resource_id__in=request["ResourceIds"])
    if request.get("ScalableDimension"):
        rows = rows.filter(dimension=request["ScalableDimension"])
    limit = min(request.get("MaxResults") or PAGE, PAGE)
    page, token = page_of_rows(
        rows, by="pk", token=request.get("NextToken"), limit=limit, error=InvalidNextTokenException
    )
    answer: Shape = {"ScalableTargets": [describe.scalable_target(row) for row in page]}
    return {**answer, "NextToken": token} if token else answer


def find_target(context: Context, request: Mapping[str, Any]) -> ScalableTarget:
    """The target that a request names. Raises ObjectNotFoundException."""
    row = _rows(context, request).select_for_update().first()
    if row is None:
        raise ObjectNotFoundException(
            f"No scalable target found for service namespace: {request['ServiceNamespace']}, resource ID: "
            f"{request['ResourceId']}, scalable dimension: {request['ScalableDimension']}"
        )
    return row


def _rows(context: Context, request: Mapping[str, Any]) -> QuerySet[ScalableTarget]:
    return ScalableTarget.objects.filter(
        account_id=context.account_id,
        region=context.region,
        namespace=request["ServiceNamespace"],
        resource_id=request["ResourceId"],
        dimension=request["ScalableDimension"],
    )


def _new(context: Context, request: RegisterScalableTargetRequest, least: int, most: int) -> ScalableTarget:
    namespace = request["ServiceNamespace"]
    target_id = new_hex_id("0", digits=_ID_DIGITS - 1)
    role = request.get("RoleARN", "") if namespace == "custom-resource" else ""
    row = ScalableTarget(
        account_id=context.account_id,
        region=context.region,
        target_id=target_id,
        arn=target_arn(context.account_id, context.region, target_id),
        namespace=namespace,
        resource_id=request["ResourceId"],
        dimension=request["ScalableDimension"],
        min_capacity=least,
        max_capacity=most,
        role_arn=role or service_role_arn(context.account_id, namespace),
        created_at=context.clock.now(),
    )
    ensure_service_role(context, namespace)
    if can_scale(row) and current_capacity(row) is None:
        raise ValidationException("ECS service doesn't exist: " + row.resource_id)
    return row


def _check_place(request: RegisterScalableTargetRequest) -> None:
    namespace, dimension = request["ServiceNamespace"], request["ScalableDimension"]
    if dimension.partition(":")[0] != namespace:
        raise ValidationException(f"Unsupported service namespace, resource type or scalable dimension: {dimension}")
    parts = request["ResourceId"].split("/")
    if dimension == DESIRED_COUNT and (len(parts) != 3 or parts[0] != "service" or not all(parts)):
        raise ValidationException(f"Unsupported resource ID for {DESIRED_COUNT}: {request['ResourceId']}")
