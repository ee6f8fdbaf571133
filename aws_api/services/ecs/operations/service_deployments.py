"""Service deployments and revisions: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html"""

from collections.abc import Iterable
from typing import Any

from django.db.models import F

from aws_api.core.arns import Arn, is_arn
from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.core.reconcile import kick
from aws_api.services.ecs import describe_services as describe
from aws_api.services.ecs.clusters import active_cluster
from aws_api.services.ecs.models import Deployment, Service, ServiceDeployment
from aws_api.services.ecs.scheduler.lifecycle_hooks import OPEN, PAUSE
from aws_api.services.ecs.scheduler.loading import UNDER_WAY
from aws_api.services.ecs.scheduler.progress import KIND
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.services import find_service
from aws_api.services.ecs.shapes import (
    ConflictException,
    ContinueServiceDeploymentRequest,
    DescribeServiceDeploymentsRequest,
    DescribeServiceRevisionsRequest,
    InvalidParameterException,
    ListServiceDeploymentsRequest,
    ServiceDeploymentNotFoundException,
    ServiceNotFoundException,
    StopServiceDeploymentRequest,
    UnsupportedFeatureException,
)

Shape = dict[str, Any]

MAX_DESCRIBED = 20
MAX_LISTED = 1000


@ecs.operation
def list_service_deployments(context: Context, request: ListServiceDeploymentsRequest) -> Shape:
    """A service's deployments, the newest first."""
    service = find_service(active_cluster(context, request.get("cluster")), request["service"])
    if service is None:
        raise ServiceNotFoundException("Service not found.")
    rows = service.service_deployments.select_related("service__cluster", "target__service").order_by("-pk")
    created = request.get("createdAt", {})
    if "before" in created:
        rows = rows.filter(created_at__lt=created["before"])
    if "after" in created:
        rows = rows.filter(created_at__gt=created["after"])
    found = [
        row for row in rows[:MAX_LISTED] if describe.status_of(row) in request.get("status", [describe.status_of(row)])
    ]
    page, token = page_of_list(
        found, token=request.get("nextToken"), limit=request.get("maxResults") or 20, error=InvalidParameterException
    )
    answer: Shape = {"serviceDeployments": [describe.service_deployment_brief(row) for row in page]}
    return {**answer, "nextToken": token} if token else answer


@ecs.operation
def describe_service_deployments(context: Context, request: DescribeServiceDeploymentsRequest) -> Shape:
    """Describe service deployments by ARN; those that are not there are failures MISSING."""
    ids = _ids(request["serviceDeploymentArns"], "service-deployment")
    rows = _service_deployments(context).filter(service_deployment_id__in=ids.values())
    found = {row.arn: row for row in rows}
    return {
        "serviceDeployments": [describe.service_deployment(found[arn]) for arn in ids if arn in found],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in ids if arn not in found],
    }


@ecs.operation
def stop_service_deployment(context: Context, request: StopServiceDeploymentRequest) -> Shape:
    """Ask for a service deployment to end: with a rollback, or where it is."""
    row = _under_way(context, request["serviceDeploymentArn"])
    ServiceDeployment.objects.filter(pk=row.pk).update(desired_stop=request.get("stopType", "ROLLBACK"))
    _wake(row)
    return {"serviceDeploymentArn": row.arn}


@ecs.operation
def continue_service_deployment(context: Context, request: ContinueServiceDeploymentRequest) -> Shape:
    """Answer a deployment that pauses: it goes on, or back."""
    row = _under_way(context, request["serviceDeploymentArn"])
    hook = next((each for each in row.last_hooks if each["id"] == request["hookId"]), None)
    if hook is None:
        raise InvalidParameterException(f"The lifecycle hook {request['hookId']} was not found.")
    if hook["type"] != PAUSE:
        raise UnsupportedFeatureException("Only PAUSE hooks can be continued.")
    if hook["status"] not in OPEN:
        raise InvalidParameterException(f"The lifecycle hook {request['hookId']} is not awaiting an action.")
    answers = {**row.desired_answers, hook["id"]: request.get("action", "CONTINUE")}
    ServiceDeployment.objects.filter(pk=row.pk).update(desired_answers=answers)
    _wake(row)
    return {"serviceDeploymentArn": row.arn}


@ecs.operation
def describe_service_revisions(context: Context, request: DescribeServiceRevisionsRequest) -> Shape:
    """Describe service revisions by ARN; those that are not there are failures MISSING."""
    ids = _ids(request["serviceRevisionArns"], "service-revision")
    rows = Deployment.objects.filter(
        account_id=context.account_id, region=context.region, deployment_id__in=ids.values(), is_task_set=False
    ).select_related("service__cluster", "task_definition")
    found = {row.revision_arn: row for row in rows}
    return {
        "serviceRevisions": [describe.service_revision(found[arn]) for arn in ids if arn in found],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in ids if arn not in found],
    }


def _ids(arns: Iterable[str], kind: str) -> dict[str, str]:
    """The ids in ARNs, by ARN."""
    found = {}
    for arn in arns:
        if not is_arn(arn) or not Arn.parse(arn).resource.startswith(f"{kind}/"):
            raise InvalidParameterException(f"Invalid identifier: {arn} is not the ARN of a {kind}.")
        found[arn] = arn.rpartition("/")[2]
    if not 1 <= len(found) <= MAX_DESCRIBED:
        raise InvalidParameterException(f"Give between 1 and {MAX_DESCRIBED} ARNs.")
    return found


def _service_deployments(context: Context) -> Any:
    rows = ServiceDeployment.objects.filter(account_id=context.account_id, region=context.region)
    return rows.select_related("service__cluster", "target__service")


def _under_way(context: Context, arn: str) -> ServiceDeployment:
    (identifier,) = _ids([arn], "service-deployment").values()
    row: ServiceDeployment | None = (
        _service_deployments(context).select_for_update(of=("self",)).filter(service_deployment_id=identifier).first()
    )
    if row is None:
        raise ServiceDeploymentNotFoundException("Service deployment not found.")
    if row.last_status not in UNDER_WAY or row.last_status.startswith("ROLLBACK"):
        raise ConflictException(
            f"The service deployment cannot be stopped because it is in the {row.last_status} state.",
            resourceIds=[row.arn],
        )
    return row


def _wake(row: ServiceDeployment) -> None:
    Service.objects.filter(pk=row.service_id).update(version=F("version") + 1)
    kick(KIND, row.service.arn)
