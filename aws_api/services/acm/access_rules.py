"""What Certificate Manager's operations need: the action on the certificate that the request names.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscertificatemanager.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.authorization import register_resource_tags
from aws_api.core.context import Context
from aws_api.core.database import fetch_row
from aws_api.core.service import Access
from aws_api.services.acm.service import acm

_TAGS = "SELECT tags FROM acm_certificate WHERE arn = $1 AND account_id = $2"


@acm.access
def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    if action == "acm:ListCertificates":
        return ((action, "*"),)
    new = f"arn:aws:acm:{context.region}:{context.account_id}:certificate/*"
    return ((action, request.get("CertificateArn", new)),)


async def _tags(context: Context, arn: str) -> Mapping[str, str]:
    row = await fetch_row(_TAGS, arn, context.account_id)
    return row["tags"] if row else {}


register_resource_tags("acm", _tags)
