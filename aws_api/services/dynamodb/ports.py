"""DynamoDB's part in the ports of core: its chores, its streams for the service that answers for them, and what
authorisation asks of its tables.
"""

from collections.abc import Mapping

from aws_api.core import database
from aws_api.core.arns import Arn
from aws_api.core.authorization import register_resource_policies, register_resource_tags
from aws_api.core.context import Context
from aws_api.core.housekeeping import register_chore
from aws_api.core.item_streams import register_item_streams
from aws_api.services.dynamodb.chores import CHORES
from aws_api.services.dynamodb.streams import StoredStreams

_POLICY = "SELECT policy FROM dynamodb_resourcepolicy WHERE arn = $1"
_TAGS = "SELECT tags FROM dynamodb_table WHERE account_id = $1 AND region = $2 AND name = $3"


async def _policy(_context: Context, arn: str) -> str | None:
    # A table's policy is that of its indexes, too.
    row = await database.fetch_row(_POLICY, arn.partition("/index/")[0])
    return None if row is None else str(row["policy"])


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    parsed = Arn.parse(arn)
    name = parsed.resource.removeprefix("table/").partition("/")[0]
    row = await database.fetch_row(_TAGS, parsed.account_id, parsed.region, name)
    return {} if row is None else dict(row["tags"])


for chore in CHORES:
    register_chore(chore)
register_item_streams(StoredStreams())
register_resource_policies("dynamodb", _policy)
register_resource_tags("dynamodb", _tags)
