"""ExecuteCommand: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.arns import is_arn
from aws_api.core.context import Context
from aws_api.core.ids import new_hex_id
from aws_api.core.service import Access
from aws_api.services.ecs.clusters import active_cluster
from aws_api.services.ecs.exec.agents import require_connected, role_of
from aws_api.services.ecs.exec.resumption import stream_url
from aws_api.services.ecs.exec.sessions import ALIVE_FOR, MAX_SESSIONS_PER_CONTAINER, TOKEN_LIFETIME, token_of
from aws_api.services.ecs.identifiers import cluster_arn, cluster_name, require_task_id_form, task_arn, task_id
from aws_api.services.ecs.models import Cluster, ExecuteCommandSession, Task
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.shapes import ClientException, ExecuteCommandRequest, InvalidParameterException
from aws_api.services.ecs.specifications import task_container_name

Shape = dict[str, Any]

_NOT_ENABLED = (
    "The execute command failed because execute command was not enabled when the task was run or the execute command "
    "agent isn’t running. Wait and try again or run a new task with execute command enabled and try again."
)


def _access(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
    """The cluster and the task, with the container where the caller names one."""
    cluster = cluster_name(request.get("cluster"))
    keys = {"ecs:cluster": cluster_arn(context.account_id, context.region, cluster)}
    task = request["task"]
    arn = task if is_arn(task) else task_arn(context.account_id, context.region, cluster, task)
    keys["ecs:task"] = arn
    if container := request.get("container"):
        keys["ecs:container-name"] = container
    return [("ecs:ExecuteCommand", keys["ecs:cluster"], keys), ("ecs:ExecuteCommand", arn, keys)]


@ecs.operation(access=_access)
def execute_command(context: Context, request: ExecuteCommandRequest) -> Shape:
    """Make a session in which a command runs in a container, when a client opens it."""
    if not request["interactive"]:
        raise InvalidParameterException("Interactive is the only mode supported currently.")
    if not request["command"].strip():
        raise InvalidParameterException("Command cannot be blank.")
    cluster = active_cluster(context, request.get("cluster"))
    row = _task(request["task"], cluster)
    container = _container(row, request.get("container"))
    record = row.last_containers.get(container["name"], {})
    if not row.document.get("enableExecuteCommand") or record.get("status") != "RUNNING":
        raise InvalidParameterException(_NOT_ENABLED)
    if row.last_status != "RUNNING" or row.desired_status != "RUNNING":
        raise InvalidParameterException(_NOT_ENABLED)
    require_connected(row)
    session = _new_session(context, row, container["name"], request["command"])
    return {
        "clusterArn": cluster.arn,
        "containerArn": container["containerArn"],
        "containerName": container["name"],
        "interactive": True,
        "session": {
            "sessionId": session.session_id,
            "streamUrl": stream_url(context, session.session_id),
            "tokenValue": token_of(session.session_id),
        },
        "taskArn": row.arn,
    }


def _task(identifier: str, cluster: Cluster) -> Task:
    rows = Task.objects.select_related("cluster", "task_definition")
    row = rows.filter(cluster=cluster, task_id=task_id(identifier, cluster.name)).first()
    if row is None:
        require_task_id_form(identifier)
        raise InvalidParameterException("The referenced task was not found.")
    return row


def _container(row: Task, name: str | None) -> Shape:
    """AWS's shape of the container meant: of a task with one, that."""
    containers: list[Shape] = row.document["containers"]
    if not name:
        if len(containers) > 1:
            raise InvalidParameterException(
                "A container name must be specified for tasks that have multiple containers."
            )
        return containers[0]
    for container in containers:
        if container["name"] == name:
            return container
    raise InvalidParameterException(f"The container {name} is not in the task.")


def _new_session(context: Context, row: Task, container: str, command: str) -> ExecuteCommandSession:
    now = context.clock.now()
    # The row's lock lets two calls count one after the other.
    Task.objects.select_for_update().only("pk").get(pk=row.pk)
    open_sessions = row.execute_command_sessions.filter(container=container, ended_at=None, alive_until__gt=now)
    if open_sessions.count() >= MAX_SESSIONS_PER_CONTAINER:
        raise ClientException(
            f"The container {container} has the most sessions it can have: {MAX_SESSIONS_PER_CONTAINER}."
        )
    log_group, log_region = _log_group(row, container)
    return ExecuteCommandSession.objects.create(
        account_id=row.account_id,
        region=row.region,
        session_id=new_hex_id("ecs-execute-command-"),
        task=row,
        container=container,
        engine_container=task_container_name(row, container),
        command=command,
        role_arn=role_of(row),
        log_group=log_group,
        log_region=log_region,
        kms_key_id=_configuration(row).get("kmsKeyId", ""),
        target_id=_target_id(row, container),
        created_at=now,
        expires_at=now + TOKEN_LIFETIME,
        alive_until=now + max(ALIVE_FOR, TOKEN_LIFETIME),
    )


def _log_group(row: Task, container: str) -> tuple[str, str]:
    """The log group of a session's output and its region, by the cluster's configuration; empty where none."""
    configuration = _configuration(row)
    logging = configuration.get("logging", "DEFAULT")
    if logging == "OVERRIDE":
        return configuration.get("logConfiguration", {}).get("cloudWatchLogGroupName", ""), row.region
    if logging == "NONE":
        return "", ""
    for definition in row.task_definition.document["containerDefinitions"]:
        log = definition.get("logConfiguration", {})
        if definition["name"] == container and log.get("logDriver") == "awslogs":
            options = log.get("options", {})
            return options["awslogs-group"], options.get("awslogs-region", row.region)
    return "", ""


def _configuration(row: Task) -> Shape:
    configuration: Shape = row.cluster.document.get("configuration", {}).get("executeCommandConfiguration", {})
    return configuration


def _target_id(row: Task, container: str) -> str:
    """The container as clients name it to Session Manager, by what DescribeTasks answers."""
    runtime_id = row.last_containers.get(container, {}).get("runtime_id", "")
    return f"ecs:{row.cluster.name}_{row.task_id}_{runtime_id}"
