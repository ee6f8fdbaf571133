"""Copies of public registries' images, kept for engines that cannot reach those: after a wipe, offline, elsewhere.

They are in a registry that belongs to no account: one copy serves all, and no client of any account sees it.
"""

from django.conf import settings
from django.db import IntegrityError, transaction

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.images import ImageArchive, ImageNotFound, PullProgressed
from aws_api.services.ecr.archive import archive_of
from aws_api.services.ecr.copies import Origin, copy_image
from aws_api.services.ecr.images import find_image
from aws_api.services.ecr.models import Repository
from aws_api.services.ecr.names import PublicReference, public_reference
from aws_api.services.ecr.upstream import Upstream, UpstreamError

#: No account has such an id, and no path of the registry names it.
ACCOUNT = "public"
REGION = "aws-global"


class PublicImages:
    """The image mirror of this instance."""

    def copy(self, reference: str, progress: PullProgressed) -> str:
        """Copy an image from its registry, asked as anybody; its digest. Raises ImageNotFound with the reason."""
        wanted = _parse(reference)
        if not settings.SIMFRA_PULL_THROUGH:
            raise ImageNotFound("SIMFRA_PULL_THROUGH is off")
        origin = Origin(upstream=Upstream(host=wanted.host), name=wanted.name)
        try:
            if find_mirrored(wanted) is None:
                # Nothing is made for an image that its registry does not have.
                origin.upstream.manifest(origin.name, wanted.wanted)
            return copy_image(origin, wanted.wanted, mirror_of(wanted), progress).digest
        except UpstreamError as error:
            raise ImageNotFound(str(error)) from error

    def archive(self, reference: str) -> ImageArchive:
        """The copy of an image. Raises ImageNotFound."""
        wanted = _parse(reference)
        repository = find_mirrored(wanted)
        image = find_image(repository, wanted.wanted) if repository else None
        if image is None:
            raise ImageNotFound(f"no copy of {reference} was made")
        return archive_of(image, reference)


def find_mirrored(wanted: PublicReference) -> Repository | None:
    """The repository of copies, where there is one."""
    return Repository.objects.filter(account_id=ACCOUNT, region=REGION, name=_name(wanted)).first()


def mirror_of(wanted: PublicReference) -> Repository:
    """The repository of copies, made where it is not there."""
    try:
        with transaction.atomic():
            return Repository.objects.create(
                account_id=ACCOUNT, region=REGION, name=_name(wanted), created_at=SYSTEM_CLOCK.now()
            )
    except IntegrityError:
        return Repository.objects.get(account_id=ACCOUNT, region=REGION, name=_name(wanted))


def _name(wanted: PublicReference) -> str:
    return f"{wanted.host.replace(':', '-')}/{wanted.name}"


def _parse(reference: str) -> PublicReference:
    wanted = public_reference(reference)
    if wanted is None:
        raise ImageNotFound(f"invalid reference format: {reference}")
    return wanted
