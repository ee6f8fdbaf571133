"""What the console lists of ECS."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.ecs import describe, describe_services
from aws_api.services.ecs.models import (
    Cluster,
    ClusterStatus,
    Service,
    ServiceStatus,
    TaskDefinition,
    TaskDefinitionStatus,
)

MAX_LISTED = 1000


def _clusters(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = Cluster.objects.filter(account_id=account_id, region=region, status=ClusterStatus.ACTIVE)
    return [
        {"clusterName": row.name, "clusterArn": row.arn, "status": row.status}
        for row in rows.order_by("name")[:MAX_LISTED]
    ]


def _task_definitions(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = TaskDefinition.objects.filter(account_id=account_id, region=region, status=TaskDefinitionStatus.ACTIVE)
    return [describe.task_definition(row) for row in rows.order_by("family", "-revision")[:MAX_LISTED]]


register_resource_type(
    ResourceType(
        service="ecs",
        name="cluster",
        plural="clusters",
        columns=("clusterName", "status", "clusterArn"),
        command="aws ecs describe-clusters --clusters {clusterName}",
        list=_clusters,
    )
)


def _services(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = Service.objects.filter(account_id=account_id, region=region).exclude(last_status=ServiceStatus.INACTIVE)
    return describe_services.services(list(rows.select_related("cluster").order_by("arn")[:MAX_LISTED]))


register_resource_type(
    ResourceType(
        service="ecs",
        name="service",
        plural="services",
        columns=("serviceName", "status", "desiredCount", "runningCount", "taskDefinition"),
        identity="serviceArn",
        command="aws ecs describe-services --cluster {clusterArn} --services {serviceArn}",
        list=_services,
    )
)
register_resource_type(
    ResourceType(
        service="ecs",
        name="task definition",
        plural="task definitions",
        columns=("family", "revision", "status", "registeredAt"),
        identity="taskDefinitionArn",
        command="aws ecs describe-task-definition --task-definition {taskDefinitionArn}",
        list=_task_definitions,
    )
)
