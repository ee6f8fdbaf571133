"""Finding repositories and the layers in them, worded as ECR words it. Plain code, in the caller's transaction."""

from collections.abc import Mapping
from typing import Any

from django.db import connection

from aws_api.core.context import Context
from aws_api.services.ecr.models import Layer, Repository
from aws_api.services.ecr.names import RepositoryName
from aws_api.services.ecr.shapes import RepositoryNotFoundException


def find_repository(name: RepositoryName) -> Repository:
    """The repository of a name. Raises RepositoryNotFoundException."""
    repository = Repository.objects.filter(account_id=name.account_id, region=name.region, name=name.name).first()
    if repository is None:
        raise RepositoryNotFoundException(
            f"The repository with name '{name.name}' does not exist in the registry with id '{name.account_id}'"
        )
    return repository


def requested_repository(context: Context, request: Mapping[str, Any]) -> Repository:
    """The repository that a request names. Another account's registry shows nothing."""
    registry_id, name = request.get("registryId") or context.account_id, request["repositoryName"]
    if registry_id != context.account_id:
        raise RepositoryNotFoundException(
            f"The repository with name '{name}' does not exist in the registry with id '{registry_id}'"
        )
    return find_repository(RepositoryName(account_id=registry_id, region=context.region, name=name))


def find_layer(repository: Repository, digest: str) -> Layer | None:
    """The blob of a digest, where the repository has it."""
    return repository.layers.filter(digest=digest).first()


def lock_blob(digest: str) -> None:
    """Keep other processes from storing or collecting the same blob until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"ecr.blob {digest}"])
