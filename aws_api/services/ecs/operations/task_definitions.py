"""Task definitions: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definitions.html"""

from typing import Any

from django.db.models import F, QuerySet

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.core.tags import tags_from_list
from aws_api.services.ecs import describe
from aws_api.services.ecs.identifiers import task_definition_revision
from aws_api.services.ecs.models import TaskDefinition, TaskDefinitionFamily, TaskDefinitionStatus
from aws_api.services.ecs.roles import check_roles, require_passing_roles
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.shapes import (
    ClientException,
    DeleteTaskDefinitionsRequest,
    DeregisterTaskDefinitionRequest,
    DescribeTaskDefinitionRequest,
    InvalidParameterException,
    ListTaskDefinitionFamiliesRequest,
    ListTaskDefinitionsRequest,
    RegisterTaskDefinitionRequest,
)
from aws_api.services.ecs.task_definition_rules import complete
from aws_api.services.ecs.task_definitions import definitions, find_task_definition

Shape = dict[str, Any]

MAX_DELETED = 10
_STILL_ACTIVE = "The specified task definition is still in ACTIVE state. Please deregister the target and try again."


@ecs.operation
def register_task_definition(context: Context, request: RegisterTaskDefinitionRequest) -> Shape:
    """Register the next revision of a family. Revision numbers are never given twice."""
    document = complete(request)
    check_roles(document)
    require_passing_roles(context, document, {})
    family = document.pop("family")
    row = TaskDefinition.objects.create(
        account_id=context.account_id,
        region=context.region,
        family=family,
        revision=_next_revision(context, family),
        document={**document, "registeredBy": context.principal.arn},
        tags=tags_from_list(request.get("tags")),
        created_at=context.clock.now(),
    )
    return {"taskDefinition": describe.task_definition(row), "tags": describe.tags(row.tags)}


@ecs.operation
def describe_task_definition(context: Context, request: DescribeTaskDefinitionRequest) -> Shape:
    """Describe a revision; of a family alone, its latest active one."""
    row = find_task_definition(context, request["taskDefinition"])
    if row is None:
        raise ClientException("Unable to describe task definition.")
    tags = describe.tags(row.tags) if "TAGS" in request.get("include", ()) else []
    return {"taskDefinition": describe.task_definition(row), "tags": tags}


@ecs.operation
def list_task_definitions(context: Context, request: ListTaskDefinitionsRequest) -> Shape:
    """ARNs of the revisions of one status, by family and revision."""
    rows = definitions(context).filter(status=request.get("status", TaskDefinitionStatus.ACTIVE))
    if family := request.get("familyPrefix"):
        rows = rows.filter(family=family)
    by_revision = ("family", "revision") if request.get("sort", "ASC") == "ASC" else ("-family", "-revision")
    arns = [row.arn for row in rows.only("account_id", "region", "family", "revision").order_by(*by_revision)]
    return _page(arns, "taskDefinitionArns", request.get("nextToken"), request.get("maxResults"))


@ecs.operation
def list_task_definition_families(context: Context, request: ListTaskDefinitionFamiliesRequest) -> Shape:
    """Names of families, by status: an ACTIVE one has an active revision, an INACTIVE one has none."""
    rows = definitions(context).filter(family__startswith=request.get("familyPrefix", ""))
    active = _families(rows.filter(status=TaskDefinitionStatus.ACTIVE))
    every = _families(rows.exclude(status=TaskDefinitionStatus.DELETE_IN_PROGRESS))
    families = {"ACTIVE": active, "INACTIVE": every - active, "ALL": every}[request.get("status", "ACTIVE")]
    return _page(sorted(families), "families", request.get("nextToken"), request.get("maxResults"))


@ecs.operation
def deregister_task_definition(context: Context, request: DeregisterTaskDefinitionRequest) -> Shape:
    """Make a revision INACTIVE: it stays to be described, its tasks go on, and it starts no new ones."""
    if task_definition_revision(request["taskDefinition"]).revision is None:
        raise ClientException("Revision is missing.")
    row = find_task_definition(context, request["taskDefinition"])
    if row is None:
        raise ClientException("The specified task definition does not exist.")
    if row.status == TaskDefinitionStatus.DELETE_IN_PROGRESS:
        raise ClientException("The specified task definition is already in DELETE_IN_PROGRESS state.")
    TaskDefinition.objects.filter(pk=row.pk, status=TaskDefinitionStatus.ACTIVE).update(
        status=TaskDefinitionStatus.INACTIVE, deregistered_at=context.clock.now()
    )
    row.refresh_from_db()
    return {"taskDefinition": describe.task_definition(row)}


@ecs.operation
def delete_task_definitions(context: Context, request: DeleteTaskDefinitionsRequest) -> Shape:
    """Delete deregistered revisions: they go when nothing uses them any more."""
    identifiers = request["taskDefinitions"]
    if not identifiers:
        raise InvalidParameterException("At least one task definition must be specified.")
    if len(identifiers) > MAX_DELETED:
        raise InvalidParameterException(f"Task definitions can have at most {MAX_DELETED} items.")
    deleted, failures = [], []
    for identifier in identifiers:
        if task_definition_revision(identifier).revision is None:
            raise InvalidParameterException("Revision is missing.")
        row = find_task_definition(context, identifier)
        if row is None:
            failures.append({"arn": identifier, "reason": "The specified task definition identifier is invalid."})
        elif row.status == TaskDefinitionStatus.ACTIVE:
            failures.append({"arn": row.arn, "reason": _STILL_ACTIVE})
        else:
            row.status, row.delete_requested_at = TaskDefinitionStatus.DELETE_IN_PROGRESS, context.clock.now()
            TaskDefinition.objects.filter(pk=row.pk).update(
                status=row.status, delete_requested_at=row.delete_requested_at
            )
            deleted.append(describe.task_definition(row))
    return {"taskDefinitions": deleted, "failures": failures}


def _next_revision(context: Context, family: str) -> int:
    counter, _ = TaskDefinitionFamily.objects.get_or_create(
        account_id=context.account_id, region=context.region, name=family
    )
    # The update locks the row: two registrations at once get two numbers.
    TaskDefinitionFamily.objects.filter(pk=counter.pk).update(last_revision=F("last_revision") + 1)
    counter.refresh_from_db()
    return counter.last_revision


def _families(rows: "QuerySet[TaskDefinition]") -> set[str]:
    return set(rows.values_list("family", flat=True).distinct())


def _page(items: list[str], member: str, token: str | None, limit: int | None) -> Shape:
    page, next_token = page_of_list(items, token=token, limit=limit or 100, error=InvalidParameterException)
    return {member: page, "nextToken": next_token} if next_token else {member: page}
