"""Tags of clusters, services, task sets, task definitions and tasks."""

from typing import Any

from aws_api.core.arns import Arn, is_arn
from aws_api.core.context import Context
from aws_api.core.models import AwsResource
from aws_api.core.tags import tags_from_list
from aws_api.services.ecs import describe
from aws_api.services.ecs.clusters import find_cluster
from aws_api.services.ecs.models import Deployment, Service, ServiceStatus, Task
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.shapes import (
    ClientException,
    InvalidParameterException,
    ListTagsForResourceRequest,
    ResourceNotFoundException,
    TagResourceRequest,
    UntagResourceRequest,
)
from aws_api.services.ecs.task_definitions import find_task_definition

MAX_TAGS = 50
_TAGGABLE = (
    "capacity-provider",
    "cluster",
    "container-instance",
    "daemon",
    "service",
    "task",
    "task-definition",
    "task-set",
)


@ecs.operation
def tag_resource(context: Context, request: TagResourceRequest) -> dict[str, Any]:
    """Add tags to a resource, over those of the same keys."""
    row = _resource(context, request["resourceArn"])
    require_tags(tags := {**row.tags, **tags_from_list(request["tags"])})
    type(row)._default_manager.filter(pk=row.pk).update(tags=tags)
    return {}


@ecs.operation
def untag_resource(context: Context, request: UntagResourceRequest) -> dict[str, Any]:
    """Take tags from a resource; those it has not are passed over."""
    row = _resource(context, request["resourceArn"])
    tags = {key: value for key, value in row.tags.items() if key not in request["tagKeys"]}
    type(row)._default_manager.filter(pk=row.pk).update(tags=tags)
    return {}


@ecs.operation
def list_tags_for_resource(context: Context, request: ListTagsForResourceRequest) -> dict[str, Any]:
    """The tags of a resource."""
    return {"tags": describe.tags(_resource(context, request["resourceArn"]).tags)}


def require_tags(tags: dict[str, str]) -> None:
    """Raise where a resource could not have these tags."""
    if len(tags) > MAX_TAGS:
        raise InvalidParameterException(f"The maximum number of tags for a resource is {MAX_TAGS}.")
    if any(key.lower().startswith("aws:") for key in tags if not key.startswith("aws:ecs:")):
        raise InvalidParameterException("Tag keys cannot start with 'aws:'.")


def _resource(context: Context, text: str) -> AwsResource:
    if not is_arn(text):
        raise InvalidParameterException("The ARN is not valid. Specify a valid ARN and try again.")
    arn = Arn.parse(text)
    kind, _, name = arn.resource.partition("/")
    if arn.service != "ecs" or kind not in _TAGGABLE:
        raise InvalidParameterException("The ARN is not valid. Specify a valid ARN and try again.")
    row: AwsResource | None = None
    if kind == "cluster":
        row = find_cluster(context, text)
        if row is None:
            raise ClientException("The specified cluster is inactive. Specify an active cluster and try again.")
    elif kind == "task-definition":
        row = find_task_definition(context, text)
    elif kind in ("service", "task-set"):
        row = _of_service(context, kind, text)
    elif kind == "task":
        row = Task.objects.filter(account_id=context.account_id, region=context.region, arn=text).first()
    if row is None:
        raise ResourceNotFoundException(f"The specified {kind.replace('-', ' ')} is not found: {name}")
    return row


def _of_service(context: Context, kind: str, arn: str) -> AwsResource | None:
    """The service or task set of an ARN."""
    rows = Service.objects.filter(account_id=context.account_id, region=context.region)
    if kind == "service":
        return rows.filter(arn=arn).exclude(last_status=ServiceStatus.INACTIVE).first()
    deployments = Deployment.objects.filter(service__in=rows, is_task_set=True).select_related("service")
    found = deployments.filter(deployment_id=arn.rpartition("/")[2]).first()
    return found if found and found.task_set_arn == arn else None
