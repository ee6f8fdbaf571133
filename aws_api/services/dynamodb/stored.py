"""An item with its size: what rows hold and writes make."""

from dataclasses import dataclass

from aws_api.services.dynamodb.attribute_values import Item


@dataclass(frozen=True, slots=True)
class Stored:
    """An item as it is in its row, or as a write leaves it."""

    item: Item
    size: int
