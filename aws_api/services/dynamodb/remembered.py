"""The items that this process wrote or read to write last: what an update begins from without reading it again.

Whoever begins from a remembered item writes only where the row still has its revision, so what is remembered may be
old, never wrong.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

MAX_ENTRIES = 10_000
#: Larger items are not remembered: reading them again is little beside what else they cost.
MAX_ITEM_BYTES = 4096


class Remembered(Generic[Key, Value]):
    """A bounded memory that forgets what was used longest ago."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """What is remembered of a key."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def keep(self, key: Key, value: Value) -> None:
        """Remember a key's value."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)

    def forget(self, key: Key) -> None:
        """Remember nothing of a key."""
        self._entries.pop(key, None)
