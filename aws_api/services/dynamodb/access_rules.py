"""What DynamoDB's operations need: the action on each table or index that the request names.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.arns import is_arn
from aws_api.core.authorization import register_resource_tags
from aws_api.core.context import Context
from aws_api.core.database import fetch_row
from aws_api.core.service import Access
from aws_api.services.dynamodb.service import dynamodb
from aws_api.services.dynamodb.shapes import ResourceNotFoundException
from aws_api.services.dynamodb.tables import find_table

#: The members that hold an item's key.
_KEY_MEMBERS = ("Key", "Item")
_WRITES = {"PutRequest": "Item", "DeleteRequest": "Key"}
_TAGS = "SELECT tags FROM dynamodb_table WHERE account_id = $1 AND region = $2 AND name = $3"


@dynamodb.access
async def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    if tables := request.get("RequestItems"):
        return [
            (action, _table_arn(context, name), await _leading(context, name, _items(tables[name]))) for name in tables
        ]
    name = request.get("TableName")
    if name is None:
        return ((action, str(request.get("ResourceArn") or "*")),)
    arn = _table_arn(context, name)
    if index := request.get("IndexName"):
        return ((action, f"{arn}/index/{index}"),)
    items = [request[member] for member in _KEY_MEMBERS if member in request]
    return ((action, arn, await _leading(context, name, items)) if items else (action, arn),)


def _table_arn(context: Context, name: str) -> str:
    return name if is_arn(name) else f"arn:aws:dynamodb:{context.region}:{context.account_id}:table/{name}"


def _items(batch: Any) -> list[Mapping[str, Any]]:
    """The keys or items in one table's part of a batch."""
    if isinstance(batch, Mapping):
        return list(batch.get("Keys") or ())
    return [write[kind][member] for write in batch for kind, member in _WRITES.items() if kind in write]


async def _leading(context: Context, table: str, items: Iterable[Mapping[str, Any]]) -> Mapping[str, list[str]]:
    """``dynamodb:LeadingKeys``: the partition keys of the items."""
    try:
        hash_name = (await find_table(context, table)).keys.hash_name
    except ResourceNotFoundException:
        return {}  # the operation says so
    found = [item[hash_name] for item in items if isinstance(item.get(hash_name), Mapping)]
    return {"dynamodb:LeadingKeys": [str(value) for attribute in found for value in attribute.values()]}


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    """A table's tags, which are its indexes' as well."""
    _, _, _, region, account_id, resource = arn.split(":", 5)
    row = await fetch_row(_TAGS, account_id, region, resource.split("/")[1] if "/" in resource else "")
    return row["tags"] if row else {}


register_resource_tags("dynamodb", _tags)
