"""Names and ARNs of ECS resources: made, and read back in every spelling that ECS takes. Pure."""

import re
from dataclasses import dataclass

from aws_api.core.arns import Arn, is_arn
from aws_api.services.ecs.shapes import ClientException, InvalidParameterException

DEFAULT_CLUSTER = "default"
_TASK_ID_LENGTHS = (32, 36)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,255}")


def cluster_arn(account_id: str, region: str, name: str) -> str:
    return str(Arn(service="ecs", region=region, account_id=account_id, resource=f"cluster/{name}"))


def task_arn(account_id: str, region: str, cluster: str, task_id: str) -> str:
    return str(Arn(service="ecs", region=region, account_id=account_id, resource=f"task/{cluster}/{task_id}"))


def container_arn(account_id: str, region: str, cluster: str, task_id: str, container_id: str) -> str:
    resource = f"container/{cluster}/{task_id}/{container_id}"
    return str(Arn(service="ecs", region=region, account_id=account_id, resource=resource))


def container_instance_arn(account_id: str, region: str, cluster: str, instance_id: str) -> str:
    resource = f"container-instance/{cluster}/{instance_id}"
    return str(Arn(service="ecs", region=region, account_id=account_id, resource=resource))


def capacity_provider_arn(account_id: str, region: str, name: str) -> str:
    return str(Arn(service="ecs", region=region, account_id=account_id, resource=f"capacity-provider/{name}"))


def service_arn(account_id: str, region: str, cluster: str, name: str) -> str:
    return str(Arn(service="ecs", region=region, account_id=account_id, resource=f"service/{cluster}/{name}"))


def service_deployment_arn(service: str, deployment_id: str) -> str:
    return _of_service(service, "service-deployment", deployment_id)


def service_revision_arn(service: str, revision_id: str) -> str:
    return _of_service(service, "service-revision", revision_id)


def task_set_arn(service: str, task_set_id: str) -> str:
    return _of_service(service, "task-set", f"ecs-svc/{task_set_id}")


def _of_service(service: str, kind: str, name: str) -> str:
    """The ARN of something that a service has, from the service's."""
    return f"{service.replace(':service/', f':{kind}/', 1)}/{name}"


def task_definition_arn(account_id: str, region: str, family: str, revision: int) -> str:
    resource = f"task-definition/{family}:{revision}"
    return str(Arn(service="ecs", region=region, account_id=account_id, resource=resource))


def is_name(text: str) -> bool:
    """Whether a text is a possible name of a cluster, family or container."""
    return _NAME.fullmatch(text) is not None


def cluster_name(identifier: str | None) -> str:
    """The name in a cluster's name or ARN; no identifier means the default cluster."""
    if not identifier:
        return DEFAULT_CLUSTER
    kind, _, name = identifier.rpartition("/") if is_arn(identifier) else ("", "", identifier)
    if (kind and not kind.endswith(":cluster")) or not is_name(name):
        raise InvalidParameterException("Invalid identifier: Identifier is not a valid cluster name or ARN.")
    return name


def task_id(identifier: str, cluster: str) -> str:
    """The id in a task's id or ARN, which may or may not name the cluster.

    Raises InvalidParameterException where the ARN is of another cluster or of no task.
    """
    if not is_arn(identifier):
        return identifier
    parts = Arn.parse(identifier).resource.split("/")
    if parts[0] != "task" or len(parts) not in (2, 3):
        raise InvalidParameterException("Invalid identifier: Unexpected number of separators")
    if len(parts) == 3 and parts[1] != cluster:
        raise InvalidParameterException(f"Identifier is for {parts[1]}. Your cluster is {cluster}")
    return parts[-1]


def service_name(identifier: str, cluster: str) -> str:
    """The name in a service's name or ARN. Raises InvalidParameterException for an ARN of another cluster."""
    if not is_arn(identifier):
        return identifier
    parts = Arn.parse(identifier).resource.split("/")
    if parts[0] != "service" or len(parts) not in (2, 3):
        raise InvalidParameterException("Invalid identifier: Unexpected number of separators")
    if len(parts) == 3 and parts[1] != cluster:
        raise InvalidParameterException(f"Identifier is for {parts[1]}. Your cluster is {cluster}")
    return parts[-1]


def require_task_id_form(identifier: str) -> None:
    """Raise where a text that names no task could not name one."""
    if not is_arn(identifier) and len(identifier) not in _TASK_ID_LENGTHS:
        raise InvalidParameterException("taskId length should be one of [32,36]")


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A family and, where one is named, its revision."""

    family: str
    revision: int | None


def task_definition_revision(identifier: str) -> Revision:
    """The family and revision in ``family``, ``family:revision`` or an ARN of either.

    Raises InvalidParameterException for a revision that is no number.
    """
    name = identifier
    if is_arn(identifier):
        kind, _, name = Arn.parse(identifier).resource.partition("/")
        if kind != "task-definition":
            raise ClientException(f"Invalid arn syntax: {identifier}")
    family, _, revision = name.partition(":")
    if not revision:
        return Revision(family=family, revision=None)
    if not revision.isdecimal():
        raise InvalidParameterException(f"Invalid revision number. Number: {revision}")
    return Revision(family=family, revision=int(revision))
