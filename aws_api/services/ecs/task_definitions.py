"""Finding a task definition by whatever its caller calls it."""

from django.db.models import QuerySet

from aws_api.core.context import Context
from aws_api.services.ecs.identifiers import task_definition_revision
from aws_api.services.ecs.models import TaskDefinition, TaskDefinitionStatus
from aws_api.services.ecs.shapes import ClientException


def definitions(context: Context) -> QuerySet[TaskDefinition]:
    """Every revision of the account in the region."""
    return TaskDefinition.objects.filter(account_id=context.account_id, region=context.region)


def find_task_definition(context: Context, identifier: str) -> TaskDefinition | None:
    """The revision of a ``family:revision`` or ARN; of a family alone, its latest active one."""
    wanted = task_definition_revision(identifier)
    rows = definitions(context).filter(family=wanted.family)
    if wanted.revision is None:
        return rows.filter(status=TaskDefinitionStatus.ACTIVE).order_by("-revision").first()
    return rows.filter(revision=wanted.revision).first()


def startable_task_definition(context: Context, identifier: str) -> TaskDefinition:
    """The revision that a task is to be started from. Raises ClientException where it is not there or not active."""
    row = find_task_definition(context, identifier)
    if row is None:
        raise ClientException("TaskDefinition not found.")
    if row.status != TaskDefinitionStatus.ACTIVE:
        raise ClientException("TaskDefinition is inactive")
    return row
