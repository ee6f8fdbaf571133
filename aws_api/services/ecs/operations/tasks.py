"""Tasks: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/standalone-tasks.html"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from django.db import connection
from django.db.models import F

from aws_api.core.arns import is_arn
from aws_api.core.context import Context
from aws_api.core.pagination import BadToken, decode_token, encode_token
from aws_api.core.reconcile import kick
from aws_api.core.tags import tags_from_list
from aws_api.services.ecs import describe, store
from aws_api.services.ecs.capacity_providers import BUILT_IN, check_strategy
from aws_api.services.ecs.clusters import active_cluster
from aws_api.services.ecs.configured_volumes import check_volumes
from aws_api.services.ecs.exec.agents import require_task_role
from aws_api.services.ecs.fargate import PLATFORM_VERSION, PLATFORM_VERSIONS
from aws_api.services.ecs.identifiers import (
    DEFAULT_CLUSTER,
    cluster_name,
    container_instance_arn,
    require_task_id_form,
    task_arn,
    task_id,
)
from aws_api.services.ecs.launch import Launch, launch
from aws_api.services.ecs.models import Cluster, DesiredStatus, RunTaskToken, Task, TaskDefinition
from aws_api.services.ecs.operations.tagging import require_tags
from aws_api.services.ecs.placement import providers_of
from aws_api.services.ecs.roles import require_assumable_roles, require_passing_roles, task_role_arn
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.shapes import (
    ClusterNotFoundException,
    ConflictException,
    DescribeTasksRequest,
    InvalidParameterException,
    ListTasksRequest,
    PlatformUnknownException,
    RunTaskRequest,
    StartTaskRequest,
    StopTaskRequest,
)
from aws_api.services.ecs.specification import StopCode
from aws_api.services.ecs.specifications import KIND
from aws_api.services.ecs.task_definitions import startable_task_definition
from aws_api.services.ecs.task_placement import Failures, placed_tasks, tasks_on

Shape = dict[str, Any]

MAX_COUNT = 10
MAX_DESCRIBED = 100
MAX_INSTANCES = 10
_MAX_STARTED_BY = 128
_MAX_REASON = 1024
_NEW_TOKEN = """
    INSERT INTO ecs_runtasktoken (account_id, region, token, request_digest, task_arns, created_at)
    VALUES (%(account_id)s, %(region)s, %(token)s, %(digest)s, '[]', %(now)s)
    ON CONFLICT (account_id, region, token) DO NOTHING
    RETURNING id
"""


@ecs.operation
def run_task(context: Context, request: RunTaskRequest) -> Shape:
    """Write tasks that should run, and answer at once; their reconciler runs them.

    The same clientToken with the same request answers the same tasks; with another request it is a conflict.
    """
    count = request.get("count", 1)
    if not 1 <= count <= MAX_COUNT:
        raise InvalidParameterException(f"Count must be between 1 and {MAX_COUNT}.")
    token = _remember_token(context, request)
    if token and token.task_arns:
        return _answer(list(Task.objects.filter(arn__in=token.task_arns).order_by("pk")), [])
    wanted = _launch_of(context, request)
    launches, failures = placed_tasks(_typed(wanted, request, count), request)
    # An id that the caller demands can be one task's.
    others = replace(context, forced_ids={})
    tasks = [launch(others if index else context, each) for index, each in enumerate(launches)]
    if token:
        RunTaskToken.objects.filter(pk=token.pk).update(task_arns=[task.arn for task in tasks])
    return _answer(tasks, failures)


@ecs.operation
def start_task(context: Context, request: StartTaskRequest) -> Shape:
    """Start a task on each container instance named; those that cannot take it are failures."""
    instances = request["containerInstances"]
    if not instances:
        raise InvalidParameterException("Container instances cannot be empty.")
    if len(instances) > MAX_INSTANCES:
        raise InvalidParameterException(f"Container instances can have at most {MAX_INSTANCES} items.")
    launches, failures = tasks_on(_launch_of(context, request), instances)
    return _answer([launch(context, each) for each in launches], failures)


@ecs.operation
def stop_task(context: Context, request: StopTaskRequest) -> Shape:
    """Ask a task to stop; the reconciler stops it. A stopped task is answered as it is."""
    cluster = active_cluster(context, request.get("cluster"))
    reason = request.get("reason", "")
    if len(reason) > _MAX_REASON:
        raise InvalidParameterException(f"reason longer than {_MAX_REASON}.")
    identifier = task_id(request["task"], cluster.name)
    rows = Task.objects.filter(cluster=cluster, task_id=identifier)
    found = rows.first()
    if found is None:
        require_task_id_form(request["task"])
        raise InvalidParameterException("The referenced task was not found.")
    wanted = rows.filter(desired_status=DesiredStatus.RUNNING).exclude(last_status="STOPPED")
    if wanted.update(
        desired_status=DesiredStatus.STOPPED,
        desired_stop_code=StopCode.USER_INITIATED,
        desired_stopped_reason=reason or "Task stopped by user",
        version=F("version") + 1,
    ):
        kick(KIND, found.arn)
    found.refresh_from_db()
    return {"task": describe.task_row(found)}


@ecs.operation
async def describe_tasks(context: Context, request: DescribeTasksRequest) -> Shape:
    """Describe tasks by id or ARN; those that are not there are failures MISSING."""
    cluster = cluster_name(request.get("cluster"))
    identifiers = request["tasks"]
    if not identifiers:
        raise InvalidParameterException("Tasks cannot be empty.")
    if len(identifiers) > MAX_DESCRIBED:
        raise InvalidParameterException(f"Tasks can have at most {MAX_DESCRIBED} items.")
    ids = {identifier: task_id(identifier, cluster) for identifier in identifiers}
    with_tags = "TAGS" in request.get("include", ())
    tasks = await store.describe_tasks(context, cluster, list(ids.values()), with_tags=with_tags)
    missing = [identifier for identifier, key in ids.items() if key not in tasks]
    if missing:
        await _require_cluster(context, cluster)
        for identifier in missing:
            require_task_id_form(identifier)
    return {
        "tasks": [tasks[key] for key in dict.fromkeys(ids.values()) if key in tasks],
        "failures": [
            {"arn": task_arn(context.account_id, context.region, cluster, ids[identifier]), "reason": "MISSING"}
            for identifier in missing
        ],
    }


@ecs.operation
async def list_tasks(context: Context, request: ListTasksRequest) -> Shape:
    """ARNs of a cluster's tasks by what they should be, and by whatever else is given."""
    cluster = cluster_name(request.get("cluster"))
    limit = request.get("maxResults") or 100
    service = request.get("serviceName")
    ids = await store.list_task_ids(
        context,
        cluster,
        after=_position(request.get("nextToken")),
        limit=limit + 1,
        is_stopped=request.get("desiredStatus", "RUNNING") == "STOPPED",
        family=request.get("family"),
        service_name=service.rpartition("/")[2] if service else None,
        started_by=request.get("startedBy"),
        launch_type=request.get("launchType"),
        container_instance_arn=_instance_arn(context, cluster, request.get("containerInstance")),
    )
    if not ids:
        await _require_cluster(context, cluster)
    arns = [task_arn(context.account_id, context.region, cluster, key) for key in ids[:limit]]
    answer: Shape = {"taskArns": arns}
    return {**answer, "nextToken": encode_token(ids[limit - 1])} if len(ids) > limit else answer


# What a task is to be -------------------------------------------------------------------------------------------------


def _launch_of(context: Context, request: Mapping[str, Any]) -> Launch:
    """What RunTask and StartTask say alike, checked."""
    cluster = active_cluster(context, request.get("cluster"))
    definition = startable_task_definition(context, request["taskDefinition"])
    started_by, group = request.get("startedBy", ""), request.get("group") or f"family:{definition.family}"
    if len(started_by) > _MAX_STARTED_BY:
        raise InvalidParameterException(f"startedBy longer than {_MAX_STARTED_BY}.")
    if group.startswith("service:"):
        raise InvalidParameterException("Invalid namespace for group.")
    overrides = request.get("overrides", {})
    require_passing_roles(context, definition.document, overrides)
    require_assumable_roles(context, definition.document, overrides)
    names = {container["name"] for container in definition.document["containerDefinitions"]}
    for override in overrides.get("containerOverrides", ()):
        if override.get("name") not in names:
            raise InvalidParameterException(
                f"Override for container named {override.get('name')} is not a container in the TaskDefinition."
            )
    check_volumes(request.get("volumeConfigurations", ()), definition)
    return Launch(
        cluster=cluster,
        definition=definition,
        launch_type="EC2",
        group=group,
        started_by=started_by,
        overrides=overrides,
        network_configuration=request.get("networkConfiguration", {}),
        enable_execute_command=request.get("enableExecuteCommand", False),
        tags=_tags(request, cluster, definition),
        volume_configurations=request.get("volumeConfigurations", ()),
    )


def _typed(wanted: Launch, request: RunTaskRequest, count: int) -> list[Launch]:
    """The launches with their types, from launchType or a capacity provider strategy."""
    launch_type, strategy = request.get("launchType"), request.get("capacityProviderStrategy")
    if launch_type and strategy:
        raise InvalidParameterException(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
        )
    if not launch_type:
        strategy = strategy or wanted.cluster.document.get("defaultCapacityProviderStrategy")
    if launch_type or not strategy:
        return [_of_type(wanted, request, launch_type or "EC2", "")] * count
    check_strategy(wanted.cluster, strategy)
    return [
        _of_type(wanted, request, "FARGATE" if provider in BUILT_IN else "EC2", provider)
        for provider in providers_of(strategy, count)
    ]


def _of_type(wanted: Launch, request: RunTaskRequest, launch_type: str, provider: str) -> Launch:
    if launch_type not in wanted.definition.document["compatibilities"]:
        raise InvalidParameterException(f"Task definition does not support launch_type {launch_type}.")
    version = request.get("platformVersion", "")
    if version and launch_type != "FARGATE":
        raise InvalidParameterException("The platform version must be null when specifying an EC2 launch type.")
    if version and version not in PLATFORM_VERSIONS:
        raise PlatformUnknownException(f"The platform version {version} does not exist.")
    if wanted.enable_execute_command:
        require_task_role(
            launch_type, task_role_arn(wanted.overrides, wanted.definition.document, wanted.definition.account_id)
        )
    return replace(
        wanted,
        launch_type=launch_type,
        capacity_provider=provider,
        platform_version=PLATFORM_VERSION if version == "LATEST" else version,
    )


def _tags(request: Mapping[str, Any], cluster: Cluster, definition: TaskDefinition) -> dict[str, str]:
    propagate = request.get("propagateTags", "NONE")
    if propagate == "SERVICE":
        raise InvalidParameterException("SERVICE is not a valid value for propagateTags of a standalone task.")
    tags = dict(definition.tags) if propagate == "TASK_DEFINITION" else {}
    tags.update(tags_from_list(request.get("tags")))
    require_tags(tags)
    if request.get("enableECSManagedTags"):
        tags["aws:ecs:clusterName"] = cluster.name
    return tags


def _remember_token(context: Context, request: RunTaskRequest) -> RunTaskToken | None:
    """The token's row, new or that of the request's first answer; the unique row makes the second request wait."""
    client_token = request.get("clientToken")
    if not client_token:
        return None
    digest = hashlib.sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).hexdigest()
    mine = {"account_id": context.account_id, "region": context.region, "token": client_token}
    with connection.cursor() as cursor:
        # One statement where get_or_create needs four; it waits for whoever is answering the same token.
        cursor.execute(_NEW_TOKEN, {**mine, "digest": digest, "now": context.clock.now()})
        created = cursor.fetchone()
    if created:
        return RunTaskToken(pk=created[0], **mine, request_digest=digest, task_arns=[])
    token = RunTaskToken.objects.get(**mine)
    if token.request_digest != digest:
        raise ConflictException(
            "The request could not be processed because of conflict in the current state of the resource.",
            resourceIds=token.task_arns,
        )
    return token


def _answer(tasks: list[Task], failures: Failures) -> Shape:
    return {"tasks": [describe.task_row(task) for task in tasks], "failures": failures}


def _instance_arn(context: Context, cluster: str, identifier: str | None) -> str | None:
    if not identifier or is_arn(identifier):
        return identifier
    return container_instance_arn(context.account_id, context.region, cluster, identifier)


async def _require_cluster(context: Context, cluster: str) -> None:
    status = await store.cluster_status(context, cluster)
    if status is None and cluster != DEFAULT_CLUSTER:
        raise ClusterNotFoundException("Cluster not found.")


def _position(token: str | None) -> str:
    try:
        return str(decode_token(token)) if token else ""
    except BadToken as error:
        raise InvalidParameterException("Invalid token") from error
