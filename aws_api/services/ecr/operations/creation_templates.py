"""Templates of the repositories that ECR makes itself."""

from typing import Any

from django.db import IntegrityError, transaction

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_rows
from aws_api.services.ecr import shapes
from aws_api.services.ecr.models import RepositoryCreationTemplate
from aws_api.services.ecr.operations.policies import check_lifecycle_policy, check_policy
from aws_api.services.ecr.operations.repositories import bad_token
from aws_api.services.ecr.service import ecr
from aws_api.services.ecr.tagging import with_tags

DEFAULT_PAGE = 100
_KEPT = (
    "description",
    "encryptionConfiguration",
    "resourceTags",
    "imageTagMutability",
    "imageTagMutabilityExclusionFilters",
    "repositoryPolicy",
    "lifecyclePolicy",
    "appliedFor",
    "customRoleArn",
)
_DEFAULTS = {"encryptionConfiguration": {"encryptionType": "AES256"}, "imageTagMutability": "MUTABLE"}


@ecr.operation
def create_repository_creation_template(
    context: Context, request: shapes.CreateRepositoryCreationTemplateRequest
) -> Any:
    """Write what repositories below a prefix are made like."""
    prefix, now = request["prefix"], context.clock.now()
    try:
        with transaction.atomic():
            template = RepositoryCreationTemplate.objects.create(
                account_id=context.account_id,
                region=context.region,
                prefix=prefix,
                document={**_DEFAULTS, **_checked(request)},
                created_at=now,
                updated_at=now,
            )
    except IntegrityError:
        raise shapes.TemplateAlreadyExistsException(
            f"The repository creation template with prefix '{prefix}' already exists in the registry with id "
            f"'{context.account_id}'"
        ) from None
    return _answer(template)


@ecr.operation
def describe_repository_creation_templates(
    context: Context, request: shapes.DescribeRepositoryCreationTemplatesRequest
) -> Any:
    """The named templates, or a page of all."""
    rows = RepositoryCreationTemplate.objects.filter(account_id=context.account_id, region=context.region)
    if prefixes := request.get("prefixes"):
        rows = rows.filter(prefix__in=prefixes)
    page, token = page_of_rows(
        rows,
        by="prefix",
        token=request.get("nextToken"),
        limit=request.get("maxResults") or DEFAULT_PAGE,
        error=bad_token,
    )
    answer: dict[str, Any] = {
        "registryId": context.account_id,
        "repositoryCreationTemplates": [_describe(template) for template in page],
    }
    return {**answer, "nextToken": token} if token else answer


@ecr.operation
def update_repository_creation_template(
    context: Context, request: shapes.UpdateRepositoryCreationTemplateRequest
) -> Any:
    """Change members of a template; repositories that are there stay as they are."""
    template = _require(context, request["prefix"])
    template.document = {**template.document, **_checked(request)}
    template.updated_at = context.clock.now()
    template.save(update_fields=["document", "updated_at"])
    return _answer(template)


@ecr.operation
def delete_repository_creation_template(
    context: Context, request: shapes.DeleteRepositoryCreationTemplateRequest
) -> Any:
    """Forget a template."""
    template = _require(context, request["prefix"])
    answer = _answer(template)
    template.delete()
    return answer


def _checked(request: Any) -> dict[str, Any]:
    """The members of a request that are the template's. Raises for policies and tags that are none."""
    if policy := request.get("repositoryPolicy"):
        check_policy(policy, "RepositoryPolicy", "Statement")
    if policy := request.get("lifecyclePolicy"):
        check_lifecycle_policy(policy)
    with_tags({}, request.get("resourceTags"))
    return {member: request[member] for member in _KEPT if member in request}


def _require(context: Context, prefix: str) -> RepositoryCreationTemplate:
    rows = RepositoryCreationTemplate.objects.filter(account_id=context.account_id, region=context.region)
    template = rows.filter(prefix=prefix).first()
    if template is None:
        raise shapes.TemplateNotFoundException(
            f"The repository creation template with prefix '{prefix}' does not exist in the registry with id "
            f"'{context.account_id}'"
        )
    return template


def _answer(template: RepositoryCreationTemplate) -> dict[str, Any]:
    return {"registryId": template.account_id, "repositoryCreationTemplate": _describe(template)}


def _describe(template: RepositoryCreationTemplate) -> dict[str, Any]:
    return {
        "prefix": template.prefix,
        "createdAt": template.created_at,
        "updatedAt": template.updated_at,
        **template.document,
    }
