"""Repositories."""

from typing import Any

from django.db import IntegrityError, transaction

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.pagination import page_of_rows
from aws_api.services.ecr import shapes
from aws_api.services.ecr.describe import describe_repository
from aws_api.services.ecr.models import Repository, TagMutability
from aws_api.services.ecr.repositories import requested_repository
from aws_api.services.ecr.service import ecr
from aws_api.services.ecr.tagging import with_tags

DEFAULT_PAGE = 100
_KEPT = ("imageScanningConfiguration", "encryptionConfiguration", "imageTagMutabilityExclusionFilters")


@ecr.operation
def create_repository(context: Context, request: shapes.CreateRepositoryRequest) -> shapes.CreateRepositoryResponse:
    """Make an empty repository."""
    name, registry_id = request["repositoryName"], request.get("registryId") or context.account_id
    if registry_id != context.account_id:
        raise shapes.InvalidParameterException(
            "Invalid parameter at 'registryId' failed to satisfy constraint: 'must be the account of the caller'"
        )
    document: dict[str, Any] = {member: request[member] for member in _KEPT if member in request}  # type: ignore[literal-required]
    try:
        with transaction.atomic():
            repository = Repository.objects.create(
                account_id=context.account_id,
                region=context.region,
                name=name,
                tag_mutability=request.get("imageTagMutability") or TagMutability.MUTABLE,
                tags=with_tags({}, request.get("tags")),
                document=document,
                created_at=context.clock.now(),
            )
    except IntegrityError:
        raise shapes.RepositoryAlreadyExistsException(
            f"The repository with name '{name}' already exists in the registry with id '{context.account_id}'"
        ) from None
    return {"repository": describe_repository(repository)}


@ecr.operation
def describe_repositories(
    context: Context, request: shapes.DescribeRepositoriesRequest
) -> shapes.DescribeRepositoriesResponse:
    """The named repositories, or a page of all."""
    registry_id = request.get("registryId") or context.account_id
    if names := request.get("repositoryNames"):
        found = [requested_repository(context, {"registryId": registry_id, "repositoryName": name}) for name in names]
        return {"repositories": [describe_repository(repository) for repository in found]}
    rows = Repository.objects.filter(account_id=context.account_id, region=context.region)
    page, token = page_of_rows(
        # Another account's registry shows nothing.
        rows.filter(account_id=registry_id),
        by="name",
        token=request.get("nextToken"),
        limit=request.get("maxResults") or DEFAULT_PAGE,
        error=bad_token,
    )
    response: shapes.DescribeRepositoriesResponse = {"repositories": [describe_repository(row) for row in page]}
    if token is not None:
        response["nextToken"] = token
    return response


@ecr.operation
def delete_repository(context: Context, request: shapes.DeleteRepositoryRequest) -> shapes.DeleteRepositoryResponse:
    """Delete a repository; one with images only by force."""
    repository = requested_repository(context, request)
    # The lock that putting an image takes.
    repository = Repository.objects.select_for_update().get(pk=repository.pk)
    if not request.get("force") and repository.images.exists():
        raise shapes.RepositoryNotEmptyException(
            f"The repository with name '{repository.name}' in registry with id '{repository.account_id}' cannot be "
            f"deleted because it still contains images"
        )
    description = describe_repository(repository)
    repository.delete()
    return {"repository": description}


def bad_token(_message: str) -> AwsError:
    """The error for a token that is not ours."""
    return shapes.InvalidParameterException(
        "Invalid parameter at 'nextToken' failed to satisfy constraint: 'must be a token of this operation'"
    )
