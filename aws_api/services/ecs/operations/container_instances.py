"""Container instances. None ever registers: the Docker host runs every task without being one."""

from typing import Any

from aws_api.core.arns import is_arn
from aws_api.core.context import Context
from aws_api.services.ecs.clusters import active_cluster
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.shapes import (
    DescribeContainerInstancesRequest,
    InvalidParameterException,
    ListContainerInstancesRequest,
)

MAX_INSTANCES = 100


@ecs.operation
def list_container_instances(context: Context, request: ListContainerInstancesRequest) -> dict[str, Any]:
    """ARNs of the cluster's container instances."""
    active_cluster(context, request.get("cluster"))
    return {"containerInstanceArns": []}


@ecs.operation
def describe_container_instances(context: Context, request: DescribeContainerInstancesRequest) -> dict[str, Any]:
    """Describe container instances; those that are not there are failures MISSING."""
    cluster = active_cluster(context, request.get("cluster"))
    identifiers = request["containerInstances"]
    if not identifiers:
        raise InvalidParameterException("Container instance cannot be empty.")
    if len(identifiers) > MAX_INSTANCES:
        raise InvalidParameterException("Container instances cannot have more than 100 elements.")
    prefix = f"arn:aws:ecs:{context.region}:{context.account_id}:container-instance/{cluster.name}"
    return {
        "containerInstances": [],
        "failures": [
            {"arn": identifier if is_arn(identifier) else f"{prefix}/{identifier}", "reason": "MISSING"}
            for identifier in identifiers
        ],
    }
