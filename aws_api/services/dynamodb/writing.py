"""Writing an item until no other process is in the way."""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.services.dynamodb.attribute_values import Item
from aws_api.services.dynamodb.schema import TableSchema
from aws_api.services.dynamodb.shapes import InternalServerError
from aws_api.services.dynamodb.store import StaleSchema, Superseded, Write, Written, write_item
from aws_api.services.dynamodb.tables import find_table, forget_table

#: In every round some process gets ahead, so only a crowd of processes on one key comes near this.
MAX_ROUNDS = 100
_LONGEST_PAUSE_S = 0.02


async def write_until_settled(
    context: Context, table_name: str, make: Callable[[TableSchema], Write]
) -> tuple[TableSchema, Written]:
    """Make a write for the table as it is now and perform it, again and again while it comes too late.

    Raises what ``make`` and the write's change raise, and ResourceNotFoundException.
    """
    for rounds in range(MAX_ROUNDS):
        table = await find_table(context, table_name)
        try:
            return table, await write_item(make(table))
        except StaleSchema:
            await forget_table(context, table.name)
        except Superseded:
            # Apart from the other process, which was in the way just now and may be coming again.
            await asyncio.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, 0.001 * rounds)))
    raise InternalServerError("Too many writers of one item; try again.")


def item_collection_metrics(table: TableSchema, item: Item) -> Mapping[str, Any]:
    """The shape ItemCollectionMetrics; the estimate is the least there is, since nothing here limits a collection."""
    hash_name = table.keys.hash_name
    return {"ItemCollectionKey": {hash_name: item[hash_name]}, "SizeEstimateRangeGB": [0.0, 1.0]}
