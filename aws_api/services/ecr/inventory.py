"""What tasks can have without the internet: every image of the registry, and every copy of a public one."""

from typing import Any

from aws_api.services.ecr.mirror import ACCOUNT
from aws_api.services.ecr.models import Image
from aws_api.services.ecr.names import RepositoryName
from aws_api.services.ecr.registry import registry

MAX_LISTED = 5000


def stored_images(account_id: str = "") -> list[dict[str, Any]]:
    """Images by name, the latest pushed first within a repository; of one account where that is said."""
    images = Image.objects.select_related("repository").prefetch_related("image_tags")
    if account_id:
        images = images.filter(repository__account_id=account_id)
    rows = images.order_by("repository__account_id", "repository__name", "-pushed_at")[:MAX_LISTED]
    return [_described(image) for image in rows]


def _described(image: Image) -> dict[str, Any]:
    repository = image.repository
    is_copy = repository.account_id == ACCOUNT
    name = RepositoryName(account_id=repository.account_id, region=repository.region, name=repository.name)
    return {
        "repository": repository.name if is_copy else registry().uri(name),
        "kind": "copy" if is_copy else "own",
        "imageDigest": image.digest,
        "imageTags": sorted(tag.name for tag in image.image_tags.all()),
        "sizeInBytes": image.size_bytes,
        "pushedAt": image.pushed_at,
    }
