"""ExecuteStatement, BatchExecuteStatement, ExecuteTransaction: PartiQL.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson

from aws_api.core.context import Context
from aws_api.core.errors import AwsError, ValidationException
from aws_api.core.pagination import BadToken, decode_token, encode_token
from aws_api.services.dynamodb import capacity, store
from aws_api.services.dynamodb.attribute_values import Item, item_from_bytes, item_to_bytes
from aws_api.services.dynamodb.changes import Plan
from aws_api.services.dynamodb.expressions.evaluate import meets
from aws_api.services.dynamodb.expressions.key_condition import KeyInterval
from aws_api.services.dynamodb.expressions.nodes import Path
from aws_api.services.dynamodb.expressions.paths import value_at
from aws_api.services.dynamodb.keys import AFTER_EVERY_HASH, BEFORE_EVERY_KEY, key_of_request
from aws_api.services.dynamodb.operations.items import attributes_shown
from aws_api.services.dynamodb.partiql.planning import key_and_rest, plan_of, reading_of
from aws_api.services.dynamodb.partiql.statements import (
    Change,
    Delete,
    Exists,
    Insert,
    Select,
    Statement,
    parse_statement,
)
from aws_api.services.dynamodb.reading import Fetch, Source, read_page, source_of, start_position
from aws_api.services.dynamodb.schema import TableSchema
from aws_api.services.dynamodb.service import dynamodb
from aws_api.services.dynamodb.shapes import (
    BatchExecuteStatementInput,
    BatchExecuteStatementOutput,
    ConditionalCheckFailedException,
    DuplicateItemException,
    ExecuteStatementInput,
    ExecuteStatementOutput,
    ExecuteTransactionInput,
    ExecuteTransactionOutput,
    ResourceNotFoundException,
)
from aws_api.services.dynamodb.store import Position, Row, Written
from aws_api.services.dynamodb.stored import Stored
from aws_api.services.dynamodb.tables import find_table
from aws_api.services.dynamodb.transacting import SAME_ITEM, make_together
from aws_api.services.dynamodb.writing import write_until_settled

MAX_BATCH = 25

_ERROR_CODES = {
    ConditionalCheckFailedException: "ConditionalCheckFailed",
    DuplicateItemException: "DuplicateItem",
    ResourceNotFoundException: "ResourceNotFound",
    ValidationException: "ValidationError",
}


@dynamodb.operation
async def execute_statement(context: Context, request: ExecuteStatementInput) -> ExecuteStatementOutput:
    """Perform one statement; a SELECT page by page.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
    """
    statement = _parsed(request)
    if isinstance(statement, Select):
        return cast(ExecuteStatementOutput, await _select(context, statement, request))
    if isinstance(statement, Exists):
        raise ValidationException("EXISTS can be used in ExecuteTransaction only")
    answer: dict[str, Any] = {"Items": []}
    table, plan, written = await _write(context, statement, request)
    if isinstance(statement, Change | Delete):
        shown = attributes_shown(statement.return_values, plan.paths, written)
        answer["Items"] = [] if shown is None else [shown]
    if capacity.is_wanted(request):
        answer["ConsumedCapacity"] = capacity.consumed(request, table, *capacity.write_units(table, written))
    return cast(ExecuteStatementOutput, answer)


@dynamodb.operation
async def batch_execute_statement(context: Context, request: BatchExecuteStatementInput) -> BatchExecuteStatementOutput:
    """Perform up to 25 statements, each on its own: reads of single items, or writes.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
    """
    statements = [_parsed(asked) for asked in request["Statements"]]
    if len({isinstance(statement, Select) for statement in statements}) > 1:
        raise ValidationException("Batch statements must be either all reads or all writes")
    kind = "Read" if isinstance(statements[0], Select) else "Write"
    tally = capacity.Tally(request)
    responses: list[dict[str, Any]] = []
    for statement, asked in zip(statements, request["Statements"], strict=True):
        name = _table_of(statement)
        response: dict[str, Any] = {"TableName": name}
        wanted = {**asked, **{m: request[m] for m in ("ReturnConsumedCapacity",) if m in request}}
        try:
            if isinstance(statement, Select):
                table = await find_table(context, name)
                (item,) = await _read_single([(statement, table)])
                size = 0 if item is None else item.size
                tally.add(table, capacity.read_units(size, consistent=asked.get("ConsistentRead", False)))
                if item is not None and (shown := _shown(statement, item.item)) is not None:
                    response["Item"] = shown
            elif isinstance(statement, Exists):
                raise ValidationException("EXISTS can be used in ExecuteTransaction only")
            else:
                table, plan, written = await _write(context, statement, wanted)
                tally.add(table, *capacity.write_units(table, written))
                if isinstance(statement, Change | Delete):
                    attributes = attributes_shown(statement.return_values, plan.paths, written)
                    if attributes is not None:
                        response["Item"] = attributes
        except tuple(_ERROR_CODES) as error:
            response["Error"] = {"Code": _ERROR_CODES[type(error)], "Message": error.message, **error.members}
        responses.append(response)
    answer: dict[str, Any] = {"Responses": responses}
    if capacity.is_wanted(request):
        tally.kind = kind
        answer["ConsumedCapacity"] = tally.shapes()
    return cast(BatchExecuteStatementOutput, answer)


@dynamodb.operation
async def execute_transaction(context: Context, request: ExecuteTransactionInput) -> ExecuteTransactionOutput:
    """Perform up to 100 statements together: reads of single items, or writes and checks.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html
    """
    statements = [_parsed(asked) for asked in request["TransactStatements"]]
    reads = [statement for statement in statements if isinstance(statement, Select)]
    if reads and len(reads) != len(statements):
        raise ValidationException("Transaction statements must be either all reads or all writes")
    tables = [await find_table(context, _table_of(statement)) for statement in statements]
    answer: dict[str, Any] = {}
    if reads:
        asked = list(zip(reads, tables, strict=True))
        found = await _read_single(asked)
        shown = [None if item is None else _shown(select, item.item) for select, item in zip(reads, found, strict=True)]
        answer["Responses"] = [{} if item is None else {"Item": item} for item in shown]
        if capacity.is_wanted(request):
            tally = capacity.Tally(request, kind="Read")
            for table, item in zip(tables, found, strict=True):
                tally.add(table, 2 * capacity.read_units(0 if item is None else item.size, consistent=True))
            answer["ConsumedCapacity"] = tally.shapes()
        return cast(ExecuteTransactionOutput, answer)
    shared = {member: request[member] for member in ("ReturnConsumedCapacity",) if member in request}
    plans = [
        plan_of(statement, table, {**asked, **shared})
        for statement, table, asked in zip(statements, tables, request["TransactStatements"], strict=True)
    ]
    made = await make_together(context, plans, request, token=request.get("ClientRequestToken"))
    answer["Responses"] = [{} for _ in plans]
    if capacity.is_wanted(request):
        answer["ConsumedCapacity"] = made.consumed(request)
    return cast(ExecuteTransactionOutput, answer)


def _parsed(asked: Mapping[str, Any]) -> Statement:
    return parse_statement(asked["Statement"], asked.get("Parameters", ()))


def _table_of(statement: Statement) -> str:
    return statement.select.table if isinstance(statement, Exists) else statement.table


async def _write(
    context: Context, statement: Insert | Change | Delete, request: Mapping[str, Any]
) -> tuple[TableSchema, Plan, Written]:
    table = await find_table(context, statement.table)
    plan = plan_of(statement, table, request)
    table, written = await write_until_settled(context, statement.table, plan.make)
    return table, plan, written


async def _read_single(asked: Sequence[tuple[Select, TableSchema]]) -> list[Stored | None]:
    """The items of selects that name a whole key each, as they all were at one moment; None where one is not found."""
    keys = []
    for select, table in asked:
        if select.index is not None:
            raise ValidationException("Select statements of single items cannot use an index")
        try:
            key, _ = key_and_rest(select.condition, table.keys)
        except ValidationException:
            raise ValidationException(
                "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
            ) from None
        keys.append((table, key_of_request(table.keys, key)))
    if len({(table.id, key) for table, key in keys}) != len(keys):
        raise ValidationException(SAME_ITEM)
    found = await store.read_items(keys)
    return [
        stored if stored is not None and (select.condition is None or meets(stored.item, select.condition)) else None
        for (select, _), stored in zip(asked, found, strict=True)
    ]


async def _select(context: Context, select: Select, request: Mapping[str, Any]) -> dict[str, Any]:
    table = await find_table(context, select.table)
    asked = {member: request[member] for member in ("ConsistentRead",) if member in request}
    if select.index is not None:
        asked["IndexName"] = select.index
    source = source_of(table, asked, select.paths)
    reading = reading_of(select, table.keys if source.index is None else source.index.keys)
    parts: Sequence[KeyInterval | None] = (None,) if reading.intervals is None else reading.intervals
    at, start = _place(source, request.get("NextToken"))
    if at >= len(parts):
        raise ValidationException("Given NextToken is invalid")
    limit = request.get("Limit")
    items: list[Item] = []
    scanned = size = 0
    answer: dict[str, Any] = {"Items": items}
    while at < len(parts):
        fetch = _fetch(source, parts[at], forward=reading.forward)
        page = await read_page(
            source,
            fetch,
            start=start,
            limit=None if limit is None else limit - scanned,
            filter_by=select.condition,
            projection=None,
        )
        items.extend(shown for item in page.items if (shown := _shown(select, item)) is not None)
        scanned, size, start = scanned + page.scanned, size + page.size, None
        if page.last_key is not None:
            answer["NextToken"] = _token(at, page.last_key)
            answer["LastEvaluatedKey"] = page.last_key
            break
        at += 1
        if scanned == limit and at < len(parts):
            answer["NextToken"] = _token(at, None)
            break
    if capacity.is_wanted(request):
        units = capacity.read_units(size, consistent=request.get("ConsistentRead", False))
        if source.index is None:
            answer["ConsumedCapacity"] = capacity.consumed(request, table, units)
        else:
            answer["ConsumedCapacity"] = capacity.consumed(request, table, 0.0, {source.index.name: units})
    return answer


def _fetch(source: Source, interval: KeyInterval | None, *, forward: bool) -> Fetch:
    async def query(after: Position | None, limit: int) -> Sequence[Row]:
        assert interval is not None
        bounds = (interval.low, interval.high)
        return await store.query_page(
            source.table, source.index, interval.hash, bounds, after=after, forward=forward, limit=limit
        )

    async def scan(after: Position | None, limit: int) -> Sequence[Row]:
        return await store.scan_page(
            source.table, source.index, start=BEFORE_EVERY_KEY, end=AFTER_EVERY_HASH, after=after, limit=limit
        )

    return scan if interval is None else query


def _token(at: int, key: Item | None) -> str:
    return encode_token([at, None if key is None else orjson.Fragment(item_to_bytes(key))])


def _place(source: Source, token: str | None) -> tuple[int, Position | None]:
    if token is None:
        return 0, None
    try:
        at, key = decode_token(token)
        if key is None:
            return int(at), None
        return int(at), start_position(source, item_from_bytes(orjson.dumps(key)))
    except (BadToken, TypeError, ValueError, AttributeError, AwsError):
        raise ValidationException("Given NextToken is invalid") from None


def _shown(select: Select, item: Item) -> Item | None:
    """What a SELECT shows of an item: what lies at each path, by the path's last name."""
    if select.paths is None:
        return item
    return {
        _name(path, at): value for at, path in enumerate(select.paths, 1) if (value := value_at(item, path)) is not None
    }


def _name(path: Path, at: int) -> str:
    last = path.elements[-1]
    return last if isinstance(last, str) else f"_{at}"
