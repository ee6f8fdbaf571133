"""Images of a repository: put, found and deleted, for the API and for the registry alike. Plain code."""

from collections.abc import Iterable
from datetime import datetime
from fnmatch import fnmatchcase

from aws_api.services.ecr import shapes
from aws_api.services.ecr.manifests import Manifest
from aws_api.services.ecr.models import Image, ImageTag, Repository, TagMutability
from aws_api.services.ecr.names import is_digest


def put_manifest(
    repository: Repository, manifest: Manifest, tag: str | None, now: datetime, *, is_copy: bool = False
) -> Image:
    """Store a manifest, and move the tag to it; storing it again is harmless.

    A copy of another registry's list may lack the platforms that nobody here needs.

    Raises LayersNotFoundException, ReferencedImagesNotFoundException, ImageTagAlreadyExistsException.
    """
    # The row's lock: of two that move an immutable tag at once, one is refused.
    repository = Repository.objects.select_for_update(no_key=True).get(pk=repository.pk)
    _check_blobs(repository, manifest)
    if not is_copy:
        _check_manifests(repository, manifest)
    image, _ = Image.objects.get_or_create(
        repository=repository,
        digest=manifest.digest,
        defaults={
            "media_type": manifest.media_type,
            "artifact_type": manifest.artifact_type,
            "subject": manifest.subject,
            "body": manifest.body,
            "blobs": manifest.needed_blobs,
            "manifests": manifest.needed_manifests,
            "size_bytes": manifest.size_bytes,
            "pushed_at": now,
        },
    )
    if tag is not None:
        _move_tag(repository, image, tag)
    return image


def find_image(repository: Repository, reference: str) -> Image | None:
    """The image of a tag or digest."""
    images = repository.images.select_related("repository")
    if is_digest(reference):
        return images.filter(digest=reference).first()
    return images.filter(image_tags__name=reference).first()


def lists_with(image: Image) -> list[str]:
    """The digests of the manifest lists that an image is in."""
    lists = image.repository.images.filter(manifests__contains=[image.digest])
    return list(lists.order_by("digest").values_list("digest", flat=True))


def images_with_blob(repository: Repository, digest: str) -> bool:
    """Whether an image of the repository is made of the blob."""
    return repository.images.filter(blobs__contains=[digest]).exists()


def _check_blobs(repository: Repository, manifest: Manifest) -> None:
    blobs = manifest.needed_blobs
    if missing := _missing(blobs, repository.layers.filter(digest__in=blobs).values_list("digest", flat=True)):
        raise shapes.LayersNotFoundException(f"Layers with digests '[{', '.join(missing)}]' {_required_by(repository)}")


def _check_manifests(repository: Repository, manifest: Manifest) -> None:
    images = manifest.needed_manifests
    if missing := _missing(images, repository.images.filter(digest__in=images).values_list("digest", flat=True)):
        digests = ", ".join(missing)
        raise shapes.ReferencedImagesNotFoundException(f"Images with digests '[{digests}]' {_required_by(repository)}")


def _required_by(repository: Repository) -> str:
    return (
        f"required for pushing image into repository with name '{repository.name}' in the registry with id "
        f"'{repository.account_id}' do not exist"
    )


def _missing(needed: Iterable[str], found: Iterable[str]) -> list[str]:
    there = set(found)
    return [digest for digest in needed if digest not in there]


def _move_tag(repository: Repository, image: Image, name: str) -> None:
    tag = ImageTag.objects.filter(repository=repository, name=name).first()
    if tag is None:
        ImageTag.objects.create(repository=repository, image=image, name=name)
    elif tag.image_id != image.pk:
        if not _may_move(repository, name):
            raise shapes.ImageTagAlreadyExistsException(
                f"The image tag '{name}' already exists in the '{repository.name}' repository and cannot be "
                f"overwritten because the tag is immutable."
            )
        ImageTag.objects.filter(pk=tag.pk).update(image=image)


def _may_move(repository: Repository, tag: str) -> bool:
    mutability = TagMutability(repository.tag_mutability)
    if mutability in (TagMutability.MUTABLE, TagMutability.IMMUTABLE):
        return mutability is TagMutability.MUTABLE
    filters = repository.document.get("imageTagMutabilityExclusionFilters", ())
    is_excluded = any(fnmatchcase(tag, exclusion["filter"]) for exclusion in filters)
    return is_excluded == (mutability is TagMutability.IMMUTABLE_WITH_EXCLUSION)
