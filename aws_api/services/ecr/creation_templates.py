"""Repositories that ECR makes itself: as the template of their longest prefix says.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
"""

from datetime import datetime

from aws_api.core.tags import tags_from_list
from aws_api.services.ecr.expiry import LIFECYCLE_POLICY
from aws_api.services.ecr.models import Repository, RepositoryCreationTemplate, TagMutability
from aws_api.services.ecr.names import RepositoryName

#: The template of every repository that no other is about.
ROOT = "ROOT"


def template_of(name: RepositoryName, applied_for: str) -> RepositoryCreationTemplate | None:
    """The template that a repository is made by, or None."""
    parts = name.name.split("/")
    prefixes = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
    rows = RepositoryCreationTemplate.objects.filter(
        account_id=name.account_id, region=name.region, prefix__in=[*prefixes, ROOT]
    )
    by_prefix = {row.prefix: row for row in rows if applied_for in row.document["appliedFor"]}
    return next((by_prefix[prefix] for prefix in (*prefixes, ROOT) if prefix in by_prefix), None)


def create_by_template(name: RepositoryName, applied_for: str, now: datetime) -> Repository:
    """Make a repository. Raises IntegrityError where it is there."""
    template = template_of(name, applied_for)
    shape = template.document if template else {}
    document = {
        member: shape[member]
        for member in ("encryptionConfiguration", "imageTagMutabilityExclusionFilters")
        if member in shape
    }
    if policy := shape.get("repositoryPolicy"):
        document["repositoryPolicy"] = policy
    if policy := shape.get("lifecyclePolicy"):
        document[LIFECYCLE_POLICY] = policy
    return Repository.objects.create(
        account_id=name.account_id,
        region=name.region,
        name=name.name,
        tag_mutability=shape.get("imageTagMutability", TagMutability.MUTABLE),
        tags=tags_from_list(shape.get("resourceTags")),
        document=document,
        created_at=now,
    )
