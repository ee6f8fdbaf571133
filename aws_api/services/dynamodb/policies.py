"""The policies of tables and streams.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html
"""

import orjson

from aws_api.core.errors import ValidationException
from aws_api.core.ids import new_uuid
from aws_api.services.dynamodb.models import ResourcePolicy

MAX_POLICY_BYTES = 20 * 1024


def put_policy(arn: str, policy: str) -> str:
    """Attach a policy to a resource in place of its own. Answers the revision. Raises ValidationException."""
    if len(policy.encode()) > MAX_POLICY_BYTES:
        raise ValidationException(f"Resource policy cannot exceed {MAX_POLICY_BYTES // 1024} KB")
    try:
        document = orjson.loads(policy)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "Statement" not in document:
        raise ValidationException("Invalid policy document: it is not a policy in JSON")
    row, _ = ResourcePolicy.objects.update_or_create(arn=arn, defaults={"policy": policy, "revision": new_uuid()})
    return row.revision
