"""Repository and lifecycle policies. Those of repositories are asked by IAM, lifecycles by the chore in expiry.py."""

from typing import Any

import orjson

from aws_api.core.context import Context
from aws_api.services.ecr import shapes
from aws_api.services.ecr.expiry import LIFECYCLE_POLICY
from aws_api.services.ecr.lifecycle import BadPolicy, read_policy
from aws_api.services.ecr.models import Repository
from aws_api.services.ecr.repositories import requested_repository
from aws_api.services.ecr.service import ecr

_ACCESS = "repositoryPolicy"


@ecr.operation
def set_repository_policy(
    context: Context, request: shapes.SetRepositoryPolicyRequest
) -> shapes.SetRepositoryPolicyResponse:
    """Write who else may use the repository."""
    repository = requested_repository(context, request)
    check_policy(request["policyText"], "PolicyText", "Statement")
    store_member(repository, _ACCESS, request["policyText"])
    return {"registryId": repository.account_id, "repositoryName": repository.name, "policyText": request["policyText"]}


@ecr.operation
def get_repository_policy(
    context: Context, request: shapes.GetRepositoryPolicyRequest
) -> shapes.GetRepositoryPolicyResponse:
    """Who else may use the repository."""
    repository = requested_repository(context, request)
    return {
        "registryId": repository.account_id,
        "repositoryName": repository.name,
        "policyText": _require_access(repository),
    }


@ecr.operation
def delete_repository_policy(
    context: Context, request: shapes.DeleteRepositoryPolicyRequest
) -> shapes.DeleteRepositoryPolicyResponse:
    """Nobody else may use the repository any more."""
    repository = requested_repository(context, request)
    text = _require_access(repository)
    store_member(repository, _ACCESS, None)
    return {"registryId": repository.account_id, "repositoryName": repository.name, "policyText": text}


@ecr.operation
def put_lifecycle_policy(
    context: Context, request: shapes.PutLifecyclePolicyRequest
) -> shapes.PutLifecyclePolicyResponse:
    """Write which images should expire."""
    repository = requested_repository(context, request)
    check_lifecycle_policy(request["lifecyclePolicyText"])
    store_member(repository, LIFECYCLE_POLICY, request["lifecyclePolicyText"])
    return {
        "registryId": repository.account_id,
        "repositoryName": repository.name,
        "lifecyclePolicyText": request["lifecyclePolicyText"],
    }


@ecr.operation
def get_lifecycle_policy(
    context: Context, request: shapes.GetLifecyclePolicyRequest
) -> shapes.GetLifecyclePolicyResponse:
    """Which images should expire."""
    repository = requested_repository(context, request)
    return {
        "registryId": repository.account_id,
        "repositoryName": repository.name,
        "lifecyclePolicyText": _require_lifecycle(repository),
    }


@ecr.operation
def delete_lifecycle_policy(
    context: Context, request: shapes.DeleteLifecyclePolicyRequest
) -> shapes.DeleteLifecyclePolicyResponse:
    """Images do not expire any more."""
    repository = requested_repository(context, request)
    text = _require_lifecycle(repository)
    store_member(repository, LIFECYCLE_POLICY, None)
    return {"registryId": repository.account_id, "repositoryName": repository.name, "lifecyclePolicyText": text}


def check_policy(text: str, parameter: str, member: str) -> None:
    """Raise InvalidParameterException for a text that is no policy."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict) or member not in document:
        raise shapes.InvalidParameterException(
            f"Invalid parameter at '{parameter}' failed to satisfy constraint: 'Invalid repository policy provided'"
        )


def check_lifecycle_policy(text: str) -> None:
    """Raise InvalidParameterException for a text that is no lifecycle policy, with the reason."""
    try:
        read_policy(text)
    except BadPolicy as error:
        raise shapes.InvalidParameterException(
            f"Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation "
            f"failure: {error}'"
        ) from error


def store_member(repository: Repository, member: str, text: str | None) -> None:
    """Write a member of the repository's document; None takes it away."""
    document: dict[str, Any] = {**repository.document}
    if text is None:
        del document[member]
    else:
        document[member] = text
    repository.document = document
    repository.save(update_fields=["document"])


def _require_access(repository: Repository) -> str:
    text = repository.document.get(_ACCESS)
    if text is None:
        raise shapes.RepositoryPolicyNotFoundException(
            f"Repository policy does not exist for the repository with name '{repository.name}' in the registry with "
            f"id '{repository.account_id}'"
        )
    return str(text)


def _require_lifecycle(repository: Repository) -> str:
    text = repository.document.get(LIFECYCLE_POLICY)
    if text is None:
        raise lifecycle_policy_missing(repository)
    return str(text)


def lifecycle_policy_missing(repository: Repository) -> shapes.LifecyclePolicyNotFoundException:
    """The error for a repository without a lifecycle policy."""
    return shapes.LifecyclePolicyNotFoundException(
        f"Lifecycle policy does not exist for the repository with name '{repository.name}' in the registry with "
        f"id '{repository.account_id}'"
    )
