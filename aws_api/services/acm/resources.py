"""What the console lists of Certificate Manager."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.acm.describe import certificate_summary
from aws_api.services.acm.models import Certificate

#: A page for people; who has more asks the API.
MAX_LISTED = 1000


def _certificates(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    now = SYSTEM_CLOCK.now()
    rows = Certificate.objects.filter(account_id=account_id, region=region).order_by("pk")[:MAX_LISTED]
    return (certificate_summary(row, now) for row in rows)


register_resource_type(
    ResourceType(
        service="acm",
        name="certificate",
        plural="certificates",
        columns=("CertificateArn", "DomainName", "Type", "Status", "InUse"),
        list=_certificates,
    )
)
