"""Acting under a task's roles, as the ECS service does: STS decides whether the role lets it.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings

from aws_api.core.arns import Arn, is_arn
from aws_api.core.authorization import find_credential, require_access
from aws_api.core.context import Context, Principal, PrincipalType, internal_context
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_on_loop
from aws_api.core.ids import new_request_id
from aws_api.core.invoke import invoke
from aws_api.services.ecs.shapes import ClientException

#: What tasks' roles must trust.
ECS_TASKS = "ecs-tasks.amazonaws.com"

#: The session by which is found out whether a role can be assumed.
_TRIAL_SESSION = "trial"
_MIN_SESSION_S = 900
_MAX_SESSION_S = 3600
_ROLE = re.compile(r"(arn:aws[a-z-]*:iam::\d{12}:role/([\w+=,.@-]+/)*)?[\w+=,.@-]{1,64}", re.ASCII)


class CannotInitialize(Exception):
    """Something that a task needs before it starts cannot be had; the message is the task's stoppedReason."""


def ecs_tasks_context(account_id: str, region: str) -> Context:
    """The context in which ECS asks for a role's credentials."""
    service = Principal(type=PrincipalType.SERVICE, arn=ECS_TASKS, account_id=account_id, user_id=ECS_TASKS)
    return internal_context(account_id, region).as_principal(service)


def task_role_arn(overrides: Mapping[str, Any], definition: Mapping[str, Any], account_id: str) -> str:
    """The role that a task's containers act under; empty where it has none."""
    return _role_arn(overrides.get("taskRoleArn") or definition.get("taskRoleArn") or "", account_id)


def execution_role_arn(overrides: Mapping[str, Any], definition: Mapping[str, Any], account_id: str) -> str:
    """The role that ECS acts under to start a task; empty where it has none."""
    return _role_arn(overrides.get("executionRoleArn") or definition.get("executionRoleArn") or "", account_id)


def check_roles(definition: Mapping[str, Any]) -> None:
    """Raise ClientException for roles that are neither a role's ARN nor its name."""
    for member in ("taskRoleArn", "executionRoleArn"):
        if (role := definition.get(member)) and not _ROLE.fullmatch(role):
            raise ClientException("Role is not valid")


def require_passing_roles(context: Context, definition: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    """Raise AccessDeniedException where the caller may not hand a task its roles.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    for role_arn in _roles(context, definition, overrides):
        require_access(context, ("iam:PassRole", role_arn, {"iam:PassedToService": ECS_TASKS}))


def require_assumable_roles(context: Context, definition: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    """Raise ClientException where ECS may not assume a role that a task is to have, before there is a task."""
    for role_arn in _roles(context, definition, overrides):
        try:
            assume_role(context.account_id, context.region, role_arn, _TRIAL_SESSION)
        except AwsError as error:
            raise ClientException(cannot_assume(role_arn)) from error


def session_seconds() -> int:
    """How long a task's credentials hold.

    Never longer than a stopped task is remembered: a session is refused as long as its task is known to have stopped.
    """
    return min(_MAX_SESSION_S, max(_MIN_SESSION_S, settings.SIMFRA_STOPPED_TASK_RETENTION_S))


def assume_role(
    account_id: str, region: str, role_arn: str, task_id: str, duration_s: int | None = None
) -> Mapping[str, Any]:
    """AssumeRole's answer for a role and a session named after the task. Raises AwsError."""
    request = {
        "RoleArn": role_arn,
        "RoleSessionName": task_id,
        "DurationSeconds": duration_s or session_seconds(),
    }
    source = Arn(service="ecs", region=region, account_id=account_id, resource=f"task/{task_id}")
    context = replace(ecs_tasks_context(account_id, region), source_arn=str(source))
    return invoke(context, "sts", "AssumeRole", request)


def longest_session_seconds(account_id: str, region: str, role_arn: str) -> int:
    """How long a role lets its sessions be, for credentials that nobody can renew. Raises AwsError."""
    name = role_arn.rpartition("/")[2]
    role = invoke(internal_context(account_id, region), "iam", "GetRole", {"RoleName": name})["Role"]
    return int(role["MaxSessionDuration"])


def role_context(account_id: str, region: str, role_arn: str, task_id: str) -> Context:
    """The context of a role's session. Raises AwsError where ECS may not assume the role."""
    session = assume_role(account_id, region, role_arn, task_id)["Credentials"]
    credential = run_on_loop(find_credential(session["AccessKeyId"], session["SessionToken"]))
    assert credential is not None, "STS knows the sessions it makes"
    return internal_context(account_id, region).as_principal(credential.principal)


def require_accesses(context: Context, actions: Iterable[str], resource: str) -> None:
    """Raise AccessDeniedException for the first of the actions on a resource that the session's role does not allow."""
    for action in actions:
        require_access(context, (action, resource))


def call_of(context: Context) -> Context:
    """The circumstances of one more call of a session: a request id of its own, under which it is explained."""
    return replace(context, request_id=new_request_id())


def refusal_text(error: AwsError, context: Context) -> str:
    """An error as ECS's agent prints what its AWS SDK says."""
    return f"{error.code}: {error.message} status code: {error.status}, request id: {context.request_id}"


def cannot_assume(role_arn: str) -> str:
    """ECS's words for a role that does not trust it, or is not there."""
    return (
        f"ECS was unable to assume the role '{role_arn}' that was provided for this task. Please verify that the role "
        "being passed has the proper trust relationship and permissions and that your IAM user has permissions to "
        "pass this role."
    )


def _roles(context: Context, definition: Mapping[str, Any], overrides: Mapping[str, Any]) -> Iterable[str]:
    """The roles of a task, each once."""
    roles = (find(overrides, definition, context.account_id) for find in (task_role_arn, execution_role_arn))
    return dict.fromkeys(filter(None, roles))


def _role_arn(role: str, account_id: str) -> str:
    """ECS takes a role's name for its ARN."""
    if not role or is_arn(role):
        return role
    return str(Arn(service="iam", region="", account_id=account_id, resource=f"role/{role}"))
