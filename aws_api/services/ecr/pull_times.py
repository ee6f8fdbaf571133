"""When images were last pulled; pulls of those whom the registry excludes do not count."""

from datetime import datetime, timedelta

from aws_api.services.ecr.models import Image
from aws_api.services.ecr.registry_settings import registry_setting

#: The registry's setting: principals to the moment since when they are excluded.
EXCLUSIONS = "pullTimeUpdateExclusions"
#: A pull is written down this often; ECR's own record is a day's.
RECORD_INTERVAL = timedelta(hours=1)


def record_pull(image: Image, now: datetime, principal_arn: str = "") -> None:
    """Remember when an image was last pulled."""
    if image.pulled_at is not None and now - image.pulled_at < RECORD_INTERVAL:
        return
    repository = image.repository
    excluded = registry_setting(repository.account_id, repository.region, EXCLUSIONS, {})
    if not excluded or _identity(principal_arn) not in excluded:
        Image.objects.filter(pk=image.pk).update(pulled_at=now)


def _identity(arn: str) -> str:
    """The role of a session; whoever else is already an identity."""
    head, separator, session = arn.partition(":assumed-role/")
    if not separator:
        return arn
    account_id = head.rpartition(":")[2]
    return f"arn:aws:iam::{account_id}:role/{session.rpartition('/')[0]}"
