"""What ECR's operations need: the action on the repository.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from aws_api.core.authorization import register_resource_policies, register_resource_tags
from aws_api.core.context import Context
from aws_api.core.database import fetch_row
from aws_api.core.service import Access
from aws_api.services.ecr.service import ecr

#: About the registry, or about the caller.
_ON_NO_REPOSITORY = frozenset(
    f"ecr:{operation}"
    for operation in (
        "CreatePullThroughCacheRule",
        "CreateRepositoryCreationTemplate",
        "DeletePullThroughCacheRule",
        "DeleteRegistryPolicy",
        "DeleteRepositoryCreationTemplate",
        "DeleteSigningConfiguration",
        "DeregisterPullTimeUpdateExclusion",
        "DescribePullThroughCacheRules",
        "DescribeRegistry",
        "DescribeRepositoryCreationTemplates",
        "GetAccountSetting",
        "GetAuthorizationToken",
        "GetRegistryPolicy",
        "GetRegistryScanningConfiguration",
        "GetSigningConfiguration",
        "ListPullTimeUpdateExclusions",
        "PutAccountSetting",
        "PutRegistryPolicy",
        "PutRegistryScanningConfiguration",
        "PutReplicationConfiguration",
        "PutSigningConfiguration",
        "RegisterPullTimeUpdateExclusion",
        "UpdatePullThroughCacheRule",
        "UpdateRepositoryCreationTemplate",
        "ValidatePullThroughCacheRule",
    )
)
_REPOSITORY = """
SELECT tags, document->>'repositoryPolicy' AS policy FROM ecr_repository
 WHERE account_id = $1 AND region = $2 AND name = $3
"""
_REGISTRY = """
SELECT document->>'registryPolicy' AS policy FROM ecr_registrysettings WHERE account_id = $1 AND region = $2
"""


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


@ecr.owner
def owner(context: Context, _action: str, request: Mapping[str, Any]) -> str:
    """Whose registry a call names."""
    if registry_id := request.get("registryId"):
        return str(registry_id)
    parts = str(request.get("resourceArn") or "").split(":", 5)
    return parts[4] if len(parts) == 6 and parts[4].isdigit() else context.account_id


async def _policy(_context: Context, arn: str) -> str | None:
    """The statements of a repository's policy and of its registry's, which hold for each of its repositories."""
    _, _, _, region, account_id, _ = arn.split(":", 5)
    rows = (await _repository(arn), await fetch_row(_REGISTRY, account_id, region))
    texts = [row["policy"] for row in rows if row is not None and row["policy"]]
    return _joined(texts) if len(texts) > 1 else next(iter(texts), None)


def _joined(texts: Sequence[str]) -> str:
    documents = [orjson.loads(text) for text in texts]
    statements: list[Any] = []
    for document in documents:
        its_own = document["Statement"]
        statements += its_own if isinstance(its_own, list) else [its_own]
    return orjson.dumps({**documents[0], "Statement": statements}).decode()


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    repository = await _repository(arn)
    return repository["tags"] if repository else {}


async def _repository(arn: str) -> Any | None:
    _, _, _, region, account_id, resource = arn.split(":", 5)
    return await fetch_row(_REPOSITORY, account_id, region, resource.removeprefix("repository/"))


register_resource_policies("ecr", _policy)
register_resource_tags("ecr", _tags)
