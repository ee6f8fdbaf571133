"""The agent's endpoint for a task's own scale-in protection: GetTaskProtection and UpdateTaskProtection, as its role.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings

from aws_api.core.context import Context, internal_context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import invoke
from aws_api.services.ecs.answers import Answer
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.roles import call_of, role_context, task_role_arn


def read(row: Task) -> Answer:
    """Whether the task is protected, and until when."""
    return _call(row, "GetTaskProtection", {})


def change(row: Task, body: bytes) -> Answer:
    """Protect the task, or let it go, as the request's body says."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _refusal(row, "UpdateTaskProtection: failed to decode request")
    if not isinstance(request, dict) or not request.keys() <= {"ProtectionEnabled", "ExpiresInMinutes"}:
        return _refusal(row, "UpdateTaskProtection: failed to decode request")
    enabled, minutes = request.get("ProtectionEnabled"), request.get("ExpiresInMinutes")
    if enabled is None:
        return _refusal(row, "Invalid request: does not contain 'ProtectionEnabled' field")
    if not isinstance(enabled, bool) or not (minutes is None or type(minutes) is int):
        return _refusal(row, "UpdateTaskProtection: failed to decode request")
    members = {"protectionEnabled": enabled, "expiresInMinutes": minutes}
    return _call(row, "UpdateTaskProtection", {name: value for name, value in members.items() if value is not None})


def _call(row: Task, operation: str, members: Mapping[str, Any]) -> Answer:
    context: Context | None = None
    try:
        context = _context(row)
        if context is None:
            return _error(row, 403, "AccessDeniedException", "Invalid Request: no task IAM role credentials available")
        answer = invoke(context, "ecs", operation, {"cluster": row.cluster.arn, "tasks": [row.arn], **members})
    except AwsError as error:
        failed = _error(row, error.status, error.code, error.message)
        return Answer(
            status=failed.status, body={**failed.body, "requestID": context.request_id} if context else failed.body
        )
    if failures := answer.get("failures"):
        failure = failures[0]
        shape = {"Arn": failure.get("arn"), "Detail": failure.get("detail"), "Reason": failure.get("reason")}
        return Answer(status=200, body={"failure": shape})
    protected = answer["protectedTasks"][0]
    return Answer(status=200, body={"protection": _protection(row, protected)})


def _context(row: Task) -> Context | None:
    """The task's role; the root user, whose keys a task without a role has; nobody where it has none."""
    role_arn = task_role_arn(row.document.get("overrides", {}), row.task_definition.document, row.account_id)
    if role_arn:
        return call_of(role_context(row.account_id, row.region, role_arn, row.task_id))
    return internal_context(row.account_id, row.region) if settings.SIMFRA_TASK_ROOT_CREDENTIALS else None


def _protection(row: Task, protected: Mapping[str, Any]) -> Mapping[str, Any]:
    expires: datetime | None = protected.get("expirationDate")
    return {
        "ExpirationDate": expires.isoformat(timespec="milliseconds").replace("+00:00", "Z") if expires else None,
        "ProtectionEnabled": protected.get("protectionEnabled", False),
        "TaskArn": protected.get("taskArn", row.arn),
    }


def _refusal(row: Task, message: str) -> Answer:
    return _error(row, 400, "InvalidParameterException", message)


def _error(row: Task, status: int, code: str, message: str) -> Answer:
    return Answer(status=status, body={"error": {"Arn": row.arn, "Code": code, "Message": message}})
