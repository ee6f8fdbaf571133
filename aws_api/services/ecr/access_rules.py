"""What ECR's operations need: the action on the repository.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.service import Access
from aws_api.services.ecr.service import ecr

#: About the registry, or about the caller.
_ON_NO_REPOSITORY = frozenset({"ecr:DescribeRegistry", "ecr:GetAuthorizationToken"})


@ecr.access
def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    if action in _ON_NO_REPOSITORY:
        return ((action, "*"),)
    if arn := request.get("resourceArn"):
        return ((action, arn),)
    account_id = request.get("registryId") or context.account_id
    names = request.get("repositoryNames") or [request.get("repositoryName") or "*"]
    return [(action, f"arn:aws:ecr:{context.region}:{account_id}:repository/{name}") for name in names]
