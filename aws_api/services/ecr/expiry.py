"""Lifecycle policies at work: what each expires of its repository, previewed and done."""

from datetime import datetime

from django.db import transaction

from aws_api.core.housekeeping import register_chore
from aws_api.services.ecr.garbage import collect_if_due
from aws_api.services.ecr.lifecycle import Candidate, Expiry, Rule, expiries, read_policy
from aws_api.services.ecr.models import Image, Repository

#: The member of a repository's document that is its policy.
LIFECYCLE_POLICY = "lifecyclePolicy"
#: Repositories that one run looks at, and images that a policy may see of one.
MAX_REPOSITORIES = 500
MAX_IMAGES = 10_000


def previewed(repository: Repository, rules: tuple[Rule, ...], now: datetime) -> dict[str, Expiry]:
    """What the rules would expire of a repository, by digest, in the order in which they would."""
    images = list(repository.images.prefetch_related("image_tags").order_by("-pushed_at")[:MAX_IMAGES])
    listed = {digest for image in images for digest in image.manifests}
    candidates = (
        Candidate(
            digest=image.digest,
            tags=tuple(tag.name for tag in image.image_tags.all()),
            pushed_at=image.pushed_at,
            pulled_at=image.pulled_at,
            is_listed=image.digest in listed,
        )
        for image in images
    )
    return {expiry.digest: expiry for expiry in expiries(rules, candidates, now)}


@register_chore
def expire_images(now: datetime) -> None:
    """Delete what the policies expire, and then the blobs that nobody needs any more."""
    found = Repository.objects.filter(document__has_key=LIFECYCLE_POLICY).order_by("pk")[:MAX_REPOSITORIES]
    for repository in found:
        rules = read_policy(repository.document[LIFECYCLE_POLICY])
        with transaction.atomic():
            # The lock that putting an image takes: none becomes part of a list meanwhile.
            Repository.objects.select_for_update(no_key=True).filter(pk=repository.pk).first()
            if expired := list(previewed(repository, rules, now)):
                Image.objects.filter(repository=repository, digest__in=expired).delete()
    collect_if_due(now)
