"""What DynamoDB's operations need: the action on each table or index that the request names.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_api.core.arns import is_arn
from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.core.service import Access
from aws_api.services.dynamodb.partiql.statements import Change, Delete, Exists, Insert, Select, parse_statement
from aws_api.services.dynamodb.service import dynamodb
from aws_api.services.dynamodb.shapes import ResourceNotFoundException
from aws_api.services.dynamodb.tables import find_table

#: The members that hold an item's key.
_KEY_MEMBERS = ("Key", "Item")
_WRITES = {"PutRequest": "Item", "DeleteRequest": "Key"}
#: A transaction needs what its parts would need by themselves.
_TRANSACTED = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Get": "dynamodb:GetItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}
_STATEMENTS = {
    Select: "dynamodb:PartiQLSelect",
    Exists: "dynamodb:PartiQLSelect",
    Insert: "dynamodb:PartiQLInsert",
    Change: "dynamodb:PartiQLUpdate",
    Delete: "dynamodb:PartiQLDelete",
}


@dynamodb.access
async def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    if tables := request.get("RequestItems"):
        return [
            (action, _table_arn(context, name), await _leading(context, name, _items(tables[name]))) for name in tables
        ]
    if transacted := request.get("TransactItems"):
        parts = [(kind, part) for asked in transacted for kind, part in asked.items()]
        return [
            (
                _TRANSACTED[kind],
                _table_arn(context, part["TableName"]),
                await _leading(context, part["TableName"], _keyed(part)),
            )
            for kind, part in parts
        ]
    if "Statement" in request:
        return _of_statements(context, [request])
    for member in ("Statements", "TransactStatements"):
        if member in request:
            return _of_statements(context, request[member])
    name = request.get("TableName")
    if name is None:
        return ((action, str(request.get("ResourceArn") or request.get("BackupArn") or "*")),)
    arn = _table_arn(context, name)
    if index := request.get("IndexName"):
        return ((action, f"{arn}/index/{index}"),)
    items = _keyed(request)
    return ((action, arn, await _leading(context, name, items)) if items else (action, arn),)


@dynamodb.owner
def owner(context: Context, _action: str, request: Mapping[str, Any]) -> str:
    """Whose table a call names: another account's by its ARN. A batch is about one account's."""
    transacted = [part for asked in request.get("TransactItems") or () for part in asked.values()]
    names = [
        *(request.get("RequestItems") or ()),
        *(part.get("TableName") for part in transacted),
        *(request.get(member) for member in ("TableName", "ResourceArn")),
    ]
    owners = {_account_of(name) or context.account_id for name in names if name}
    return owners.pop() if len(owners) == 1 else context.account_id


def _account_of(name: str) -> str:
    parts = name.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[2] == "dynamodb" and parts[4].isdigit() else ""


def _of_statements(context: Context, asked: Sequence[Mapping[str, Any]]) -> list[Access]:
    """The permissions of PartiQL statements; one that cannot be read is refused by the operation."""
    found: list[Access] = []
    for one in asked:
        try:
            statement = parse_statement(one["Statement"], one.get("Parameters", ()))
        except ValidationException:
            continue
        read = statement.select if isinstance(statement, Exists) else statement
        arn = _table_arn(context, read.table)
        if isinstance(read, Select) and read.index is not None:
            arn = f"{arn}/index/{read.index}"
        found.append((_STATEMENTS[type(statement)], arn))
    return found


def _keyed(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [request[member] for member in _KEY_MEMBERS if member in request]


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
