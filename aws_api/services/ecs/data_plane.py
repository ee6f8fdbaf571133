"""What tasks ask of 169.254.170.2: their role's credentials and their own metadata.

A task is known by the unguessable id in the path. The gateway of its VPC forwards the address to Simfra.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from aws_api.core.errors import AwsError
from aws_api.core.execution import run_in_thread
from aws_api.services.ecs.environment import CREDENTIALS_PATH, METADATA_PATH, METADATA_V3_PATH
from aws_api.services.ecs.metadata import container_metadata, task_metadata
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.roles import assume_role
from aws_api.services.ecs.service import ecs

HOST = "169.254.170.2"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_CREDENTIALS = re.compile(rf"{CREDENTIALS_PATH}({_UUID})")
_METADATA = re.compile(rf"/v[34]/({_UUID})-(\d+)(/task|/taskWithTags)?/?")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer of JSON."""

    status: int
    body: Any


@ecs.data_plane(CREDENTIALS_PATH, host=HOST)
async def credentials(scope: Any, receive: Any, send: Any) -> None:
    """The session credentials of the task's role."""
    await _answer(_credentials, scope, send)


@ecs.data_plane(METADATA_PATH, host=HOST)
async def metadata(scope: Any, receive: Any, send: Any) -> None:
    """The container's and the task's metadata."""
    await _answer(_metadata, scope, send)


@ecs.data_plane(METADATA_V3_PATH, host=HOST)
async def metadata_v3(scope: Any, receive: Any, send: Any) -> None:
    """The same for clients of version 3, which version 4 adds members to."""
    await _answer(_metadata, scope, send)


def _credentials(path: str) -> Answer:
    match = _CREDENTIALS.fullmatch(path)
    row = _find_task(match[1]) if match else None
    if row is None:
        return _refusal(400, "InvalidIdInRequest", "CredentialsV2Request: ID not found")
    overridden = row.document.get("overrides", {}).get("taskRoleArn")
    role_arn = overridden or row.task_definition.document.get("taskRoleArn")
    if not role_arn or row.last_status == "STOPPED":
        return _refusal(400, "NoCredentialsAssociated", "CredentialsV2Request: Credentials not found")
    try:
        session = assume_role(row.account_id, row.region, role_arn, row.task_id)["Credentials"]
    except AwsError as error:
        return _refusal(500, error.code, error.message)
    body = {
        "RoleArn": role_arn,
        "AccessKeyId": session["AccessKeyId"],
        "SecretAccessKey": session["SecretAccessKey"],
        "Token": session["SessionToken"],
        "Expiration": session["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return Answer(status=200, body=body)


def _metadata(path: str) -> Answer:
    match = _METADATA.fullmatch(path)
    row = _find_task(match[1]) if match else None
    if match is None or row is None:
        return _refusal(404, "NotFound", "V4 metadata handler: unable to get container ID from request")
    if match[3]:
        return Answer(status=200, body=task_metadata(row, with_tags=match[3] == "/taskWithTags"))
    try:
        return Answer(status=200, body=container_metadata(row, int(match[2])))
    except IndexError:
        return _refusal(404, "NotFound", "V4 metadata handler: no such container in the task")


def _find_task(credentials_id: str) -> Task | None:
    rows = Task.objects.select_related("cluster", "task_definition")
    return rows.filter(credentials_id=UUID(credentials_id)).first()


def _refusal(status: int, code: str, message: str) -> Answer:
    return Answer(status=status, body={"code": code, "message": message, "HTTPErrorCode": status})


async def _answer(find: Callable[[str], Answer], scope: Any, send: Any) -> None:
    answer = await run_in_thread(find, scope["path"])
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(answer.body)})
