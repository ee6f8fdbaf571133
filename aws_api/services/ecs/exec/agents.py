"""The ExecuteCommandAgent of a task's containers: whether it runs, and whether the task's role lets it connect."""

from datetime import datetime
from typing import Any

from aws_api.core.context import Context, internal_context
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_in_thread
from aws_api.services.ecs.exec.sessions import Session
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.roles import require_accesses, role_context, task_role_arn
from aws_api.services.ecs.shapes import InvalidParameterException, TargetNotConnectedException

AGENT = "ExecuteCommandAgent"
#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html#ecs-exec-required-iam-permissions
NEEDED = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
NOT_CONNECTED = "The execute command failed due to an internal error. Try again later."


def require_task_role(launch_type: str, role_arn: str, refused: str = "The task couldn't be run") -> None:
    """Raise InvalidParameterException where a task with execute command could have no permissions to connect.

    On EC2 the agent may use its instance's role, so that a task needs none of its own.
    """
    if launch_type == "FARGATE" and not role_arn:
        raise InvalidParameterException(
            f"{refused} because a valid taskRoleArn is not being used. Specify a valid task role in your task "
            "definition and try again."
        )


def require_connected(row: Task) -> None:
    """Raise TargetNotConnectedException where the agent's role does not let it reach Session Manager."""
    role_arn = role_of(row)
    if not role_arn:
        return
    try:
        context = role_context(row.account_id, row.region, role_arn, row.task_id)
        require_accesses(context, NEEDED, "*")
    except AwsError as error:
        raise TargetNotConnectedException(NOT_CONNECTED) from error


def role_of(row: Task) -> str:
    """The task's role; empty where it has none."""
    return task_role_arn(row.document.get("overrides", {}), row.task_definition.document, row.account_id)


async def agent_context(session: Session) -> Context:
    """As whom the agent acts for a session: as its task's role; without one, as the instance may. Raises AwsError."""
    if not session.role_arn:
        return internal_context(session.account_id, session.region)
    return await run_in_thread(role_context, session.account_id, session.region, session.role_arn, session.task_id)


def managed_agents(status: str, started_at: datetime | None) -> list[dict[str, Any]]:
    """AWS's ManagedAgents of a container with execute command: the agent lives as its container does."""
    agent: dict[str, Any] = {"name": AGENT, "lastStatus": status if status in ("RUNNING", "STOPPED") else "PENDING"}
    if started_at:
        agent["lastStartedAt"] = started_at
    if status == "STOPPED":
        agent["reason"] = "Received Container Stopped event"
    return [agent]
