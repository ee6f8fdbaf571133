"""What tasks ask of ECS's agent: their role's credentials, their own metadata and figures, and their protection.

A task is known by the unguessable id in the path. In a VPC the agent is at 169.254.170.2, which the task's network
namespace forwards to Simfra; other tasks ask on Simfra's own port.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
"""

import re
from typing import Any
from uuid import UUID

import orjson

from aws_api.core.container_statistics import Statistics, container_statistics, written_bytes
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_in_thread
from aws_api.services.ecs import protection
from aws_api.services.ecs.answers import Answer
from aws_api.services.ecs.endpoint_ids import PATTERN, read_endpoint_id
from aws_api.services.ecs.environment import (
    AGENT_PATH,
    CREDENTIALS_PATH,
    METADATA_PATH,
    METADATA_V3_PATH,
    SHARED_AGENT_PATH,
    SHARED_CREDENTIALS_PATH,
)
from aws_api.services.ecs.exec import channel
from aws_api.services.ecs.exec.resumption import DATA_CHANNEL_PATH
from aws_api.services.ecs.metadata import (
    EngineNames,
    container_metadata,
    engine_names,
    task_metadata,
    without_v4_members,
)
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.roles import assume_role, cannot_assume, task_role_arn
from aws_api.services.ecs.service import ecs

HOST = "169.254.170.2"
MAX_BODY_BYTES = 4096

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_CREDENTIALS = re.compile(rf"(?:{CREDENTIALS_PATH}|{SHARED_CREDENTIALS_PATH})({_UUID})")
_METADATA = re.compile(rf"/v(3|4)/({PATTERN})(/task|/taskWithTags|/stats|/task/stats)?/?")
_PROTECTION = re.compile(rf"(?:{AGENT_PATH}|{SHARED_AGENT_PATH})({PATTERN})/task-protection/v1/state")


@ecs.data_plane(CREDENTIALS_PATH, host=HOST)
@ecs.data_plane(SHARED_CREDENTIALS_PATH)
async def credentials(scope: Any, receive: Any, send: Any) -> None:
    """The session credentials of the task's role: new ones at each call, so none is near its end."""
    await _send(send, await run_in_thread(_credentials, scope["path"]))


@ecs.data_plane(METADATA_PATH)
@ecs.data_plane(METADATA_V3_PATH)
async def metadata(scope: Any, receive: Any, send: Any) -> None:
    """The container's and the task's metadata and figures; version 3 has fewer members."""
    match = _METADATA.fullmatch(scope["path"])
    if match is None:
        await _send(send, _no_container("unable to get container ID from request"))
    elif (match[3] or "").endswith("stats"):
        await _send(send, await _statistics(match[2], is_of_task=match[3] == "/task/stats"))
    else:
        answer = await run_in_thread(_metadata, match[1], match[2], match[3] or "")
        if match[1] == "4" and match[3] and answer.body.get("LaunchType") == "FARGATE":
            answer.body["EphemeralStorageMetrics"] = await _ephemeral_storage(match[2])
        await _send(send, answer)


@ecs.data_plane(AGENT_PATH, host=HOST)
@ecs.data_plane(SHARED_AGENT_PATH)
async def agent(scope: Any, receive: Any, send: Any) -> None:
    """The task's scale-in protection, read by GET and set by PUT.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
    """
    body = await _read_body(receive)
    await _send(send, await run_in_thread(_protection, scope["method"], scope["path"], body))


@ecs.data_plane(DATA_CHANNEL_PATH, is_websocket=True)
async def data_channel(scope: Any, receive: Any, send: Any) -> None:
    """The data channel of an ExecuteCommand session; whoever has its token may open it, once.

    After its connection broke, it goes on with the token of ResumeSession.
    """
    await channel.serve(scope, receive, send)


# Credentials ----------------------------------------------------------------------------------------------------------


def _credentials(path: str) -> Answer:
    match = _CREDENTIALS.fullmatch(path)
    row = _find_task(UUID(match[1])) if match else None
    if row is None or row.last_status == "STOPPED":
        return _refusal(400, "InvalidIdInRequest", "CredentialsV2Request: ID not found")
    role_arn = task_role_arn(row.document.get("overrides", {}), row.task_definition.document, row.account_id)
    if not role_arn:
        return _refusal(400, "NoCredentialsAssociated", "CredentialsV2Request: Credentials not found")
    try:
        session = assume_role(row.account_id, row.region, role_arn, row.task_id)["Credentials"]
    except AwsError:
        return _refusal(500, "CredentialsUnavailable", cannot_assume(role_arn))
    body = {
        "RoleArn": role_arn,
        "AccessKeyId": session["AccessKeyId"],
        "SecretAccessKey": session["SecretAccessKey"],
        "Token": session["SessionToken"],
        "Expiration": session["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return Answer(status=200, body=body)


# Metadata -------------------------------------------------------------------------------------------------------------


def _metadata(version: str, endpoint_id: str, what: str) -> Answer:
    credentials_id, index = read_endpoint_id(endpoint_id)
    row = _find_task(credentials_id)
    if row is None:
        return _no_container("unable to get container ID from request")
    try:
        found = task_metadata(row, with_tags=what == "/taskWithTags") if what else container_metadata(row, index)
    except IndexError:
        return _no_container("no such container in the task")
    return Answer(status=200, body=without_v4_members(found) if version == "3" else found)


async def _statistics(endpoint_id: str, *, is_of_task: bool) -> Answer:
    """The engine's figures by container id; null for a container that does not run."""
    credentials_id, index = read_endpoint_id(endpoint_id)
    names = await run_in_thread(_names, credentials_id)
    if names is None or index >= len(names.containers):
        return _no_container("unable to get container ID from request")
    wanted = names.containers if is_of_task else names.containers[index : index + 1]
    engine_names = [container.engine_name for container in wanted]
    found = await container_statistics([*engine_names, names.pause] if names.pause else engine_names)
    network = _network_of(found.get(names.pause or ""))
    figures = {
        container.runtime_id: {**statistics, **network}
        if (statistics := found.get(container.engine_name)) is not None
        else None
        for container in wanted
    }
    return Answer(status=200, body=figures if is_of_task else next(iter(figures.values())))


async def _ephemeral_storage(endpoint_id: str) -> dict[str, int]:
    """MiB that a task's containers wrote, and that it may."""
    reserved_gib, names = await run_in_thread(_storage, read_endpoint_id(endpoint_id)[0])
    written = await written_bytes([container.engine_name for container in names.containers])
    return {"Utilized": sum(written.values()) // 2**20, "Reserved": reserved_gib * 1024}


def _storage(credentials_id: UUID) -> tuple[int, EngineNames]:
    row = _find_task(credentials_id)
    assert row is not None, "it was found just now, and rows outlive their tasks"
    return row.document["ephemeralStorage"]["sizeInGiB"], engine_names(row)


def _names(credentials_id: UUID) -> EngineNames | None:
    row = _find_task(credentials_id)
    return engine_names(row) if row else None


def _network_of(pause: Statistics | None) -> dict[str, Any]:
    """The figures of the network namespace that a task's containers share; the engine counts them for its owner."""
    return {name: pause[name] for name in ("networks", "network_rate_stats") if name in pause} if pause else {}


def _no_container(reason: str) -> Answer:
    return _refusal(404, "NotFound", f"V4 metadata handler: {reason}")


# Protection -----------------------------------------------------------------------------------------------------------


def _protection(method: str, path: str, body: bytes) -> Answer:
    match = _PROTECTION.fullmatch(path)
    row = _find_task(read_endpoint_id(match[1])[0]) if match else None
    if row is None:
        return _agent_error(404, "ResourceNotFoundException", "Failed to find a task for the request")
    if method == "GET":
        return protection.read(row)
    if method == "PUT":
        return protection.change(row, body)
    return _agent_error(405, "MethodNotAllowed", f"{method} is not allowed")


def _agent_error(status: int, code: str, message: str) -> Answer:
    return Answer(status=status, body={"error": {"Code": code, "Message": message}})


# The parts ------------------------------------------------------------------------------------------------------------


def _find_task(credentials_id: UUID) -> Task | None:
    rows = Task.objects.select_related("cluster", "task_definition")
    return rows.filter(credentials_id=credentials_id).first()


def _refusal(status: int, code: str, message: str) -> Answer:
    return Answer(status=status, body={"code": code, "message": message, "HTTPErrorCode": status})


async def _read_body(receive: Any) -> bytes:
    """The request's body; of one that is too long, its beginning, which is no JSON."""
    body = b""
    while len(body) <= MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    return body


async def _send(send: Any, answer: Answer) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(answer.body)})
