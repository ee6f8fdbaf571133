"""BatchGetItem and BatchWriteItem: many items in one request, each on its own.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.BatchOperations
"""

from collections.abc import Mapping
from typing import Any, cast

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb import capacity, store
from aws_api.services.dynamodb.attribute_values import MAX_ITEM_BYTES, Item, normalise_item
from aws_api.services.dynamodb.expressions.nodes import Projection
from aws_api.services.dynamodb.expressions.paths import project
from aws_api.services.dynamodb.keys import EncodedKey, key_of_item, key_of_request, normalise_key
from aws_api.services.dynamodb.operations.items import projection_of_request
from aws_api.services.dynamodb.schema import TableSchema
from aws_api.services.dynamodb.service import dynamodb
from aws_api.services.dynamodb.shapes import (
    BatchGetItemInput,
    BatchGetItemOutput,
    BatchWriteItemInput,
    BatchWriteItemOutput,
)
from aws_api.services.dynamodb.store import StaleSchema, Superseded, Write, Written
from aws_api.services.dynamodb.stored import Stored
from aws_api.services.dynamodb.tables import find_table, forget_table
from aws_api.services.dynamodb.writing import item_collection_metrics, write_until_settled

MAX_WRITES = 25
MAX_READS = 100
MAX_ANSWER_BYTES = 16 * 1024 * 1024

_DUPLICATES = "Provided list of item keys contains duplicates"


@dynamodb.operation
async def batch_get_item(context: Context, request: BatchGetItemInput) -> BatchGetItemOutput:
    """Items by their keys, in no promised order; what would make the answer too large is handed back unprocessed.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """
    wanted: list[tuple[str, TableSchema, Item, EncodedKey]] = []
    projections: dict[str, Projection | None] = {}
    if sum(len(asked["Keys"]) for asked in request["RequestItems"].values()) > MAX_READS:
        raise ValidationException("Too many items requested for the BatchGetItem call")
    for name, asked in request["RequestItems"].items():
        projections[name] = projection_of_request(asked)
        table = await find_table(context, name)
        keys = [(key, key_of_request(table.keys, normalise_key(key))) for key in asked["Keys"]]
        if len({encoded for _, encoded in keys}) != len(keys):
            raise ValidationException(_DUPLICATES)
        wanted.extend((name, table, key, encoded) for key, encoded in keys)
    found = await store.read_items([(table, encoded) for _, table, _, encoded in wanted])

    responses: dict[str, list[Item]] = {name: [] for name in request["RequestItems"]}
    unprocessed: dict[str, Any] = {}
    tally = capacity.Tally(request)
    size = 0
    for (name, table, key, _), stored in zip(wanted, found, strict=True):
        asked = request["RequestItems"][name]
        size += 0 if stored is None else stored.size
        if size > MAX_ANSWER_BYTES:
            unprocessed.setdefault(name, {**asked, "Keys": []})["Keys"].append(key)
            continue
        read = capacity.read_units(0 if stored is None else stored.size, consistent=asked.get("ConsistentRead", False))
        tally.add(table, read)
        if stored is not None:
            projection = projections[name]
            responses[name].append(stored.item if projection is None else project(stored.item, projection))
    answer: dict[str, Any] = {"Responses": responses, "UnprocessedKeys": unprocessed}
    if capacity.is_wanted(request):
        answer["ConsumedCapacity"] = tally.shapes()
    return cast(BatchGetItemOutput, answer)


@dynamodb.operation
async def batch_write_item(context: Context, request: BatchWriteItemInput) -> BatchWriteItemOutput:
    """Puts and deletions of up to 25 different items; none is made where one of them is not valid.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """
    if sum(map(len, request["RequestItems"].values())) > MAX_WRITES:
        raise ValidationException("Too many items requested for the BatchWriteItem call")
    changes: list[tuple[TableSchema, _Change]] = []
    for name, writes in request["RequestItems"].items():
        table = await find_table(context, name)
        of_table = [_Change(write, needs_before=capacity.is_wanted(request)) for write in writes]
        if len({change.key(table) for change in of_table}) != len(of_table):
            raise ValidationException(_DUPLICATES)
        changes.extend((table, change) for change in of_table)
    settled = await _settle(context, changes)

    answer: dict[str, Any] = {"UnprocessedItems": {}}
    if capacity.is_wanted(request):
        tally = capacity.Tally(request)
        for table, written in settled:
            tally.add(table, *capacity.write_units(table, written))
        answer["ConsumedCapacity"] = tally.shapes()
    if request.get("ReturnItemCollectionMetrics") == "SIZE":
        metrics: dict[str, list[Mapping[str, Any]]] = {}
        for table, change in changes:
            if table.has_local_indexes:
                metrics.setdefault(table.name, []).append(item_collection_metrics(table, change.attributes))
        answer["ItemCollectionMetrics"] = metrics
    return cast(BatchWriteItemOutput, answer)


class _Change:
    """One PutRequest or DeleteRequest, checked as far as it can be without its table."""

    def __init__(self, request: Mapping[str, Any], *, needs_before: bool) -> None:
        if len(request) != 1:
            raise ValidationException("Supplied WriteRequest must contain exactly one of PutRequest and DeleteRequest")
        self._needs_before = needs_before
        self._after: Stored | None = None
        self._key: tuple[TableSchema, EncodedKey] | None = None
        if "PutRequest" in request:
            self.attributes, size = normalise_item(request["PutRequest"]["Item"])
            if size > MAX_ITEM_BYTES:
                raise ValidationException("Item size has exceeded the maximum allowed size")
            self._after = Stored(self.attributes, size)
        else:
            self.attributes, _ = normalise_item(request["DeleteRequest"]["Key"])

    def key(self, table: TableSchema) -> EncodedKey:
        """The key of the item. Raises ValidationException where it does not fit the table."""
        if self._key is None or self._key[0] is not table:
            if self._after is None:
                self._key = table, key_of_request(table.keys, self.attributes)
            else:
                self._key = table, key_of_item(table, self.attributes)
        return self._key[1]

    def write(self, table: TableSchema) -> Write:
        """The write of the item."""
        return Write(table=table, key=self.key(table), change=lambda _: self._after, needs_before=self._needs_before)


async def _settle(context: Context, changes: list[tuple[TableSchema, _Change]]) -> list[tuple[TableSchema, Written]]:
    """Make all changes in one statement, and one by one those that came too late for it."""
    settled: list[tuple[TableSchema, Written]] = []
    answers = await store.write_items([change.write(table) for table, change in changes])
    for (table, change), answer in zip(changes, answers, strict=True):
        if isinstance(answer, Written):
            settled.append((table, answer))
        elif isinstance(answer, StaleSchema | Superseded):
            if isinstance(answer, StaleSchema):
                await forget_table(context, table.name)
            settled.append(await write_until_settled(context, table.name, change.write))
        else:
            raise answer
    return settled
