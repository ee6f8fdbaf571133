"""Acting under a task's roles, as the ECS service does: STS decides whether the role lets it."""

from collections.abc import Mapping
from typing import Any

from aws_api.core.arns import Arn
from aws_api.core.context import Context, Principal, PrincipalType, internal_context
from aws_api.core.invoke import invoke

#: What tasks' roles must trust.
ECS_TASKS = "ecs-tasks.amazonaws.com"


def ecs_tasks_context(account_id: str, region: str) -> Context:
    """The context in which ECS asks for a role's credentials."""
    service = Principal(type=PrincipalType.SERVICE, arn=ECS_TASKS, account_id=account_id, user_id=ECS_TASKS)
    return internal_context(account_id, region).as_principal(service)


def assume_role(account_id: str, region: str, role_arn: str, task_id: str) -> Mapping[str, Any]:
    """AssumeRole's answer for a role and a session named after the task. Raises AwsError."""
    return invoke(ecs_tasks_context(account_id, region), "sts", "AssumeRole", assume_role_request(role_arn, task_id))


def assume_role_request(role_arn: str, task_id: str) -> dict[str, str]:
    return {"RoleArn": role_arn, "RoleSessionName": task_id}


def role_context(account_id: str, region: str, role_arn: str, task_id: str) -> Context:
    """The context of a role's session. Raises AwsError where ECS may not assume the role."""
    user = assume_role(account_id, region, role_arn, task_id)["AssumedRoleUser"]
    session = Principal(
        type=PrincipalType.ASSUMED_ROLE,
        arn=user["Arn"],
        account_id=Arn.parse(role_arn).account_id,
        user_id=user["AssumedRoleId"],
    )
    return internal_context(account_id, region).as_principal(session)
