"""SQS's part in the ports of core: its chore, and queues' policies and tags for authorisation."""

from collections.abc import Mapping

from aws_api.core.authorization import register_resource_policies, register_resource_tags
from aws_api.core.context import Context
from aws_api.core.database import fetch_row
from aws_api.core.housekeeping import register_chore
from aws_api.services.sqs.chores import delete_expired
from aws_api.services.sqs.queues import find_queue_by_key, key_of_arn

_TAGS = "SELECT tags FROM sqs_queue WHERE account_id = $1 AND region = $2 AND name = $3"


async def _policy(_context: Context, arn: str) -> str | None:
    key = key_of_arn(arn)
    queue = await find_queue_by_key(key) if key else None
    return queue.policy or None if queue else None


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    key = key_of_arn(arn)
    row = await fetch_row(_TAGS, *key) if key else None
    return row["tags"] if row else {}


register_chore(delete_expired)
register_resource_policies("sqs", _policy)
register_resource_tags("sqs", _tags)
