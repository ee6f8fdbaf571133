"""What ECS's operations need: the action on the cluster, task or task definition. Passing roles is asked for where
tasks get them (``roles``).

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aws_api.core.arns import is_arn
from aws_api.core.authorization import register_resource_tags
from aws_api.core.context import Context
from aws_api.core.database import fetch_row
from aws_api.core.service import Access
from aws_api.services.ecs.identifiers import DEFAULT_CLUSTER
from aws_api.services.ecs.service import ecs

#: (member, kind, whether the kind's ARNs name the cluster): the first member that is there names the resource.
_NAMED_BY = (
    ("serviceName", "service", True),
    ("service", "service", True),
    ("services", "service", True),
    ("task", "task", True),
    ("tasks", "task", True),
    ("containerInstance", "container-instance", True),
    ("containerInstances", "container-instance", True),
    ("taskDefinition", "task-definition", False),
    ("taskDefinitions", "task-definition", False),
    ("clusters", "cluster", False),
    ("clusterName", "cluster", False),
    ("cluster", "cluster", False),
)
#: Operations that AWS lets nobody narrow to a resource.
_ON_ANYTHING = frozenset(
    {
        "ecs:DeregisterTaskDefinition",
        "ecs:DescribeTaskDefinition",
        "ecs:ListAccountSettings",
        "ecs:ListClusters",
        "ecs:ListServices",
        "ecs:ListTaskDefinitionFamilies",
        "ecs:ListTaskDefinitions",
        "ecs:ListTasks",
    }
)
#: Operations that start tasks: their resource is the task definition, whatever else the request names.
_STARTING = frozenset({"ecs:RunTask", "ecs:StartTask"})
_TAGS = {
    "cluster": "SELECT tags FROM ecs_cluster WHERE account_id = $1 AND region = $2 AND name = $3",
    "service": "SELECT tags FROM ecs_service WHERE account_id = $1 AND region = $2 AND name = $3 "
    "AND last_status <> 'INACTIVE'",
    "task": "SELECT tags FROM ecs_task WHERE account_id = $1 AND region = $2 AND task_id = $3",
    "task-definition": "SELECT tags FROM ecs_taskdefinition WHERE account_id = $1 AND region = $2 "
    "AND family || ':' || revision = $3",
}


@ecs.access
def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    keys = {"ecs:cluster": _arn(context, "cluster", request.get("cluster") or DEFAULT_CLUSTER)}
    return [(action, resource, keys) for resource in _resources(context, action, request)]


def _resources(context: Context, action: str, request: Mapping[str, Any]) -> Iterator[str]:
    if action in _ON_ANYTHING:
        yield "*"
    elif arn := request.get("resourceArn"):
        yield arn
    elif action == "ecs:RegisterTaskDefinition":
        yield _arn(context, "task-definition", f"{request['family']}:*")
    elif action in _STARTING:
        yield _arn(context, "task-definition", _with_revision(request["taskDefinition"]))
    else:
        yield from _named(context, request)


def _named(context: Context, request: Mapping[str, Any]) -> Iterator[str]:
    for member, kind, is_in_cluster in _NAMED_BY:
        if member not in request:
            continue
        cluster = str(request.get("cluster") or DEFAULT_CLUSTER).rpartition("/")[2]
        names = request[member] if isinstance(request[member], list) else [request[member]]
        for name in names:
            yield _arn(context, kind, f"{cluster}/{name}" if is_in_cluster else name) if not is_arn(name) else name
        if names:
            return
    yield "*"


def _arn(context: Context, kind: str, name: str) -> str:
    return name if is_arn(name) else f"arn:aws:ecs:{context.region}:{context.account_id}:{kind}/{name}"


def _with_revision(task_definition: str) -> str:
    """A family alone means its latest revision: policies speak of all of them."""
    family_and_revision = task_definition.rpartition("/")[2]
    return task_definition if ":" in family_and_revision else f"{task_definition}:*"


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    """The tags of a cluster, task or task definition."""
    _, _, _, region, account_id, resource = arn.split(":", 5)
    kind, _, rest = resource.partition("/")
    sql = _TAGS.get(kind)
    row = await fetch_row(sql, account_id, region, rest.rpartition("/")[2]) if sql else None
    return row["tags"] if row else {}


register_resource_tags("ecs", _tags)
