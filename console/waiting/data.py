"""Queues that hold so many messages, and items that are in their tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.waiting.condition import Condition, Seen

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_TYPES = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"})


@dataclass(frozen=True, kw_only=True)
class QueueHolds(Condition):
    """A queue holds so many messages: those that wait, are in flight or delayed together. 0: it is empty."""

    queue: str
    messages: int = 0
    at_least: bool = False

    services = frozenset({"sqs"})

    async def seen(self) -> Seen:
        url = self.queue
        if "/" not in url:
            url = (await self.call("sqs", "GetQueueUrl", QueueName=url))["QueueUrl"]
        answer = await self.call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=list(_COUNTS))
        counts = {name: int(answer["Attributes"][name]) for name in _COUNTS}
        waiting, in_flight, delayed = counts.values()
        total = sum(counts.values())
        why = f"The queue holds {total} messages: {waiting} wait, {in_flight} are in flight, {delayed} are delayed."
        holds = total >= self.messages if self.at_least else total == self.messages
        return Seen(holds=holds, why=why, found=counts)


@dataclass(frozen=True, kw_only=True)
class ItemIsThere(Condition):
    """A table has an item with a key, and with these attributes. Values are plain, or as DynamoDB writes them."""

    table: str
    key: Mapping[str, Any]
    attributes: Mapping[str, Any]

    services = frozenset({"dynamodb"})

    async def seen(self) -> Seen:
        key = {name: attribute_value(value) for name, value in self.key.items()}
        answer = await self.call("dynamodb", "GetItem", TableName=self.table, Key=key, ConsistentRead=True)
        item = answer.get("Item")
        if item is None:
            return Seen(holds=False, why=f"The table {self.table} has no item with this key.")
        wanted = {name: attribute_value(value) for name, value in self.attributes.items()}
        differing = sorted(name for name, value in wanted.items() if item.get(name) != value)
        if differing:
            told = "; ".join(f"{name} is {_told(item.get(name))}" for name in differing)
            return Seen(holds=False, why=f"The item is there, but {told}.", found={"item": item})
        return Seen(holds=True, why="The item is there.", found={"item": item})


def attribute_value(value: Any) -> Mapping[str, Any]:
    """A plain JSON value as DynamoDB writes it; what is written so already stays. Raises ValueError for others."""
    if isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _TYPES:
        return value
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case list():
            return {"L": [attribute_value(member) for member in value]}
        case dict():
            return {"M": {name: attribute_value(member) for name, member in value.items()}}
    raise ValueError(f"{value!r} is no value of JSON")


def _told(value: Any) -> str:
    return "missing" if value is None else str(next(iter(value.values())))[:100]
