"""What ECR offers the console to list."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.ecr.describe import describe_repository
from aws_api.services.ecr.models import Repository

MAX_LISTED = 1000


def _repositories(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = Repository.objects.filter(account_id=account_id, region=region).order_by("name")[:MAX_LISTED]
    return [describe_repository(row) for row in rows]


register_resource_type(
    ResourceType(
        service="ecr",
        name="repository",
        plural="Repositories",
        columns=("repositoryName", "repositoryUri", "imageTagMutability", "createdAt"),
        command="aws ecr describe-images --repository-name {repositoryName}",
        list=_repositories,
    )
)
