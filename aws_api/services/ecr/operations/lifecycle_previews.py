"""Previews of lifecycle policies: what one would expire now."""

from typing import Any

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.services.ecr import shapes
from aws_api.services.ecr.expiry import LIFECYCLE_POLICY, previewed
from aws_api.services.ecr.lifecycle import read_policy
from aws_api.services.ecr.models import Repository
from aws_api.services.ecr.operations.images import filtered_images, require_image
from aws_api.services.ecr.operations.policies import check_lifecycle_policy, lifecycle_policy_missing, store_member
from aws_api.services.ecr.operations.repositories import bad_token
from aws_api.services.ecr.repositories import requested_repository
from aws_api.services.ecr.service import ecr

DEFAULT_PAGE = 100
_PREVIEW = "lifecyclePolicyPreview"


@ecr.operation
def start_lifecycle_policy_preview(context: Context, request: shapes.StartLifecyclePolicyPreviewRequest) -> Any:
    """Preview a policy, or the repository's own. It is worked out whenever it is asked for, so it is complete at once.

    The answer says IN_PROGRESS, as AWS's does, so that waiters go on to ask.
    """
    repository = requested_repository(context, request)
    text = request.get("lifecyclePolicyText") or repository.document.get(LIFECYCLE_POLICY)
    if text is None:
        raise lifecycle_policy_missing(repository)
    check_lifecycle_policy(text)
    store_member(repository, _PREVIEW, text)
    return {**_named(repository), "lifecyclePolicyText": text, "status": "IN_PROGRESS"}


@ecr.operation
def get_lifecycle_policy_preview(context: Context, request: shapes.GetLifecyclePolicyPreviewRequest) -> Any:
    """What the previewed policy would expire now."""
    repository = requested_repository(context, request)
    text = repository.document.get(_PREVIEW)
    if text is None:
        raise shapes.LifecyclePolicyPreviewNotFoundException(
            f"Lifecycle policy preview does not exist for the repository with name '{repository.name}' in the registry "
            f"with id '{repository.account_id}'"
        )
    expiring = previewed(repository, read_policy(text), context.clock.now())
    images = filtered_images(repository, request.get("filter")).filter(digest__in=list(expiring))
    if image_ids := request.get("imageIds"):
        images = images.filter(pk__in=[require_image(repository, image_id).pk for image_id in image_ids])
    page, token = page_of_list(
        sorted(images.distinct().prefetch_related("image_tags"), key=lambda image: list(expiring).index(image.digest)),
        token=request.get("nextToken"),
        limit=request.get("maxResults") or DEFAULT_PAGE,
        error=bad_token,
    )
    results = [
        {
            "imageTags": sorted(tag.name for tag in image.image_tags.all()),
            "imageDigest": image.digest,
            "imagePushedAt": image.pushed_at,
            "action": {"type": "EXPIRE"},
            "appliedRulePriority": expiring[image.digest].priority,
            "storageClass": "STANDARD",
        }
        for image in page
    ]
    return {
        **_named(repository),
        "lifecyclePolicyText": text,
        "status": "COMPLETE",
        "previewResults": results,
        "summary": {"expiringImageTotalCount": len(expiring)},
        **({"nextToken": token} if token else {}),
    }


def _named(repository: Repository) -> dict[str, str]:
    return {"registryId": repository.account_id, "repositoryName": repository.name}
