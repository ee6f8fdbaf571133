"""KMS keys for the console's lists."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.kms.describe import key_metadata
from aws_api.services.kms.models import Key

MAX_LISTED = 1000


def _keys(account_id: str, region: str) -> Iterable[Mapping[str, Any]]:
    rows = Key.objects.filter(account_id=account_id, region=region)
    return [key_metadata(row) for row in rows.order_by("key_id")[:MAX_LISTED]]


register_resource_type(
    ResourceType(
        service="kms",
        name="key",
        plural="keys",
        columns=("KeyId", "Description", "KeySpec", "KeyState", "KeyManager"),
        command="aws kms describe-key --key-id {KeyId}",
        list=_keys,
    )
)
