"""Scheduled actions."""

from datetime import datetime
from typing import Any

from aws_api.core.context import Context
from aws_api.core.ids import new_uuid
from aws_api.core.pagination import page_of_rows
from aws_api.services.application_autoscaling import describe
from aws_api.services.application_autoscaling.controller import next_run
from aws_api.services.application_autoscaling.models import ScheduledAction
from aws_api.services.application_autoscaling.names import scheduled_action_arn
from aws_api.services.application_autoscaling.operations.targets import find_target
from aws_api.services.application_autoscaling.schedules import ScheduleError
from aws_api.services.application_autoscaling.service import application_autoscaling
from aws_api.services.application_autoscaling.shapes import (
    DeleteScheduledActionRequest,
    DescribeScheduledActionsRequest,
    InvalidNextTokenException,
    LimitExceededException,
    ObjectNotFoundException,
    PutScheduledActionRequest,
    ValidationException,
)

PAGE = 50
MAX_ACTIONS = 200
_KEPT = ("Schedule", "Timezone", "StartTime", "EndTime", "ScalableTargetAction")

Shape = dict[str, Any]


@application_autoscaling.operation
def put_scheduled_action(context: Context, request: PutScheduledActionRequest) -> Shape:
    """Make a scheduled action, or change what is told of it."""
    target, name = find_target(context, request), request["ScheduledActionName"]
    action = target.scheduled_actions.filter(name=name).first()
    if action is None:
        if target.scheduled_actions.count() >= MAX_ACTIONS:
            raise LimitExceededException(f"A scalable target may have {MAX_ACTIONS} scheduled actions.")
        action = ScheduledAction(
            account_id=context.account_id,
            region=context.region,
            target=target,
            name=name,
            arn=scheduled_action_arn(context.account_id, context.region, new_uuid(), target.place, name),
            created_at=context.clock.now(),
        )
    told = {member: request[member] for member in _KEPT if member in request}  # type: ignore[literal-required]
    action.document = {**action.document, **{member: _kept(value) for member, value in told.items()}}
    _check(action)
    try:
        action.next_run_at = next_run(action, context.clock.now())
    except ScheduleError as error:
        raise ValidationException(str(error)) from error
    action.save()
    return {}


@application_autoscaling.operation
def delete_scheduled_action(context: Context, request: DeleteScheduledActionRequest) -> Shape:
    """Delete a scheduled action."""
    target = find_target(context, request)
    deleted, _ = target.scheduled_actions.filter(name=request["ScheduledActionName"]).delete()
    if not deleted:
        raise ObjectNotFoundException(
            f"No scheduled action found for service namespace: {target.namespace}, resource ID: {target.resource_id}, "
            f"scalable dimension: {target.dimension}, scheduled action name: {request['ScheduledActionName']}"
        )
    return {}


@application_autoscaling.operation
def describe_scheduled_actions(context: Context, request: DescribeScheduledActionsRequest) -> Shape:
    """Scheduled actions of a namespace."""
    rows = ScheduledAction.objects.filter(
        account_id=context.account_id, region=context.region, target__namespace=request["ServiceNamespace"]
    ).select_related("target")
    if request.get("ScheduledActionNames"):
        rows = rows.filter(name__in=request["ScheduledActionNames"])
    if request.get("ResourceId"):
        rows = rows.filter(target__resource_id=request["ResourceId"])
    if request.get("ScalableDimension"):
        rows = rows.filter(target__dimension=request["ScalableDimension"])
    limit = min(request.get("MaxResults") or PAGE, PAGE)
    page, token = page_of_rows(
        rows, by="pk", token=request.get("NextToken"), limit=limit, error=InvalidNextTokenException
    )
    answer: Shape = {"ScheduledActions": [describe.scheduled_action(row) for row in page]}
    return {**answer, "NextToken": token} if token else answer


def _kept(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _check(action: ScheduledAction) -> None:
    told = action.document
    if "Schedule" not in told:
        raise ValidationException("Schedule must be specified for a new scheduled action.")
    bounds = told.get("ScalableTargetAction", {})
    if not bounds:
        raise ValidationException("At least one of MinCapacity and MaxCapacity must be specified.")
    if bounds.get("MinCapacity", 0) > bounds.get("MaxCapacity", bounds.get("MinCapacity", 0)):
        raise ValidationException("Maximum capacity cannot be less than minimum capacity")
