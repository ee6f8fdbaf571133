"""Task sets of services with another deployment controller.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-external.html
"""

from collections.abc import Mapping
from typing import Any

from django.db.models import F

from aws_api.core.context import Context
from aws_api.core.reconcile import kick
from aws_api.core.tags import tags_from_list
from aws_api.services.ecs import describe_services as describe
from aws_api.services.ecs import service_rules
from aws_api.services.ecs.capacity_providers import check_strategy
from aws_api.services.ecs.models import Deployment, DeploymentStatus, Service
from aws_api.services.ecs.operations.tagging import require_tags
from aws_api.services.ecs.roles import require_passing_roles
from aws_api.services.ecs.scheduler.deploying import REVISION_MEMBERS, new_deployment_id
from aws_api.services.ecs.scheduler.progress import KIND
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.services import active_service
from aws_api.services.ecs.shapes import (
    CreateTaskSetRequest,
    DeleteTaskSetRequest,
    DescribeTaskSetsRequest,
    InvalidParameterException,
    LimitExceededException,
    TaskSetNotFoundException,
    UnsupportedFeatureException,
    UpdateServicePrimaryTaskSetRequest,
    UpdateTaskSetRequest,
)
from aws_api.services.ecs.task_definitions import startable_task_definition

Shape = dict[str, Any]

MAX_TASK_SETS = 5
_ECS_CONTROLS = "The service's deployment controller is ECS: task sets need EXTERNAL or CODE_DEPLOY."


@ecs.operation
def create_task_set(context: Context, request: CreateTaskSetRequest) -> Shape:
    """Write a task set; the scheduler starts its share of the service's tasks."""
    service = _service(context, request)
    living = _living(service)
    if len(living) >= MAX_TASK_SETS:
        raise LimitExceededException(f"A service can have at most {MAX_TASK_SETS} task sets.")
    service_rules.check_one_of_launch(request)
    definition = startable_task_definition(context, request["taskDefinition"])
    revision: Shape = {member: request[member] for member in REVISION_MEMBERS if request.get(member)}  # type: ignore[literal-required]
    if strategy := revision.get("capacityProviderStrategy"):
        check_strategy(service.cluster, strategy)
    else:
        revision.setdefault("launchType", "EC2")
    service_rules.check_revision(definition, revision, "REPLICA", service.deployment_controller)
    require_passing_roles(context, definition.document, {})
    require_tags(tags := tags_from_list(request.get("tags")))
    now = context.clock.now()
    row = Deployment.objects.create(
        account_id=service.account_id,
        region=service.region,
        service=service,
        deployment_id=new_deployment_id(),
        task_definition=definition,
        is_task_set=True,
        desired_scale_percent=_percent(request.get("scale", {"value": 0.0, "unit": "PERCENT"})),
        document={**revision, "externalId": request.get("externalId", "")},
        tags=tags,
        created_at=now,
        last_status=DeploymentStatus.ACTIVE,
        last_updated_at=now,
    )
    return _answer(service, row)


@ecs.operation
def update_task_set(context: Context, request: UpdateTaskSetRequest) -> Shape:
    """Change a task set's share of the service's count."""
    service = _service(context, request)
    row = _find(service, request["taskSet"])
    row.desired_scale_percent = _percent(request["scale"])
    Deployment.objects.filter(pk=row.pk).update(
        desired_scale_percent=row.desired_scale_percent, last_is_steady=False, last_updated_at=context.clock.now()
    )
    return _answer(service, row)


@ecs.operation
def delete_task_set(context: Context, request: DeleteTaskSetRequest) -> Shape:
    """Let a task set go; without force it must be at none."""
    service = _service(context, request)
    row = _find(service, request["taskSet"])
    if not request.get("force") and row.desired_scale_percent:
        raise InvalidParameterException("The task set cannot be deleted while it is scaled above 0. Use force.")
    Deployment.objects.filter(pk=row.pk).update(desired_is_deleted=True, last_updated_at=context.clock.now())
    row.desired_is_deleted = True
    return _answer(service, row)


@ecs.operation
def describe_task_sets(context: Context, request: DescribeTaskSetsRequest) -> Shape:
    """Describe a service's task sets, all or those named; those that are not there are failures MISSING."""
    service = active_service(context, request["cluster"], request["service"])
    _require_other_controller(service)
    living = {row.deployment_id: row for row in _living(service)}
    named = [_id(identifier) for identifier in request.get("taskSets", ())] or list(living)
    with_tags = "TAGS" in request.get("include", ())
    return {
        "taskSets": [describe.task_set(living[key], with_tags=with_tags) for key in named if key in living],
        "failures": [{"arn": f"ecs-svc/{key}", "reason": "MISSING"} for key in named if key not in living],
    }


@ecs.operation
def update_service_primary_task_set(context: Context, request: UpdateServicePrimaryTaskSetRequest) -> Shape:
    """Make a task set the one that the service shows as its own."""
    service = _service(context, request)
    row = _find(service, request["primaryTaskSet"])
    living = service.deployments.filter(last_status=DeploymentStatus.PRIMARY)
    living.exclude(pk=row.pk).update(last_status=DeploymentStatus.ACTIVE)
    Deployment.objects.filter(pk=row.pk).update(
        last_status=DeploymentStatus.PRIMARY, last_updated_at=context.clock.now()
    )
    row.last_status = DeploymentStatus.PRIMARY
    return _answer(service, row)


def _service(context: Context, request: Mapping[str, Any]) -> Service:
    service = active_service(context, request["cluster"], request["service"], is_locked=True)
    _require_other_controller(service)
    return service


def _require_other_controller(service: Service) -> None:
    if service.deployment_controller == "ECS":
        raise UnsupportedFeatureException(_ECS_CONTROLS)


def _living(service: Service) -> list[Deployment]:
    rows = service.deployments.filter(is_task_set=True).exclude(last_status=DeploymentStatus.INACTIVE)
    found = list(rows.select_related("task_definition").order_by("pk"))
    for row in found:
        row.service = service
    return found


def _find(service: Service, identifier: str) -> Deployment:
    found = next((row for row in _living(service) if row.deployment_id == _id(identifier)), None)
    if found is None:
        raise TaskSetNotFoundException("The specified task set was not found.")
    return found


def _id(identifier: str) -> str:
    """The number in ``ecs-svc/123`` or in an ARN that ends in it."""
    return identifier.rpartition("/")[2]


def _percent(scale: Mapping[str, Any]) -> float:
    value = float(scale.get("value", 0.0))
    if not 0 <= value <= 100:
        raise InvalidParameterException("The scale of a task set must be between 0 and 100 percent.")
    return value


def _answer(service: Service, row: Deployment) -> Shape:
    Service.objects.filter(pk=service.pk).update(version=F("version") + 1)
    kick(KIND, service.arn)
    row.service = service
    return {"taskSet": describe.task_set(row, with_tags=True)}
