"""Metadata that hot operations read (queues, tables, keys): kept per process, dropped when any process changes it."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from aws_api.core import bus

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MAX_ENTRIES = 10_000

_names: set[str] = set()


def forget_everything() -> None:
    """Drop all that any process keeps: after an account's rows changed by the thousand, behind the services' backs."""
    for name in _names:
        bus.publish(f"cache.{name}")


class MetadataCache(Generic[Key, Value]):
    """``await cache.get(key)`` loads on a miss; ``invalidate(text of key)`` drops it everywhere.

    Nothing is kept while the bus may miss a process's word that something changed: each read loads then.

    ``name`` is the bus topic's; ``load`` returns None for what does not exist, which is not kept.
    """

    def __init__(
        self, name: str, load: Callable[[Key], Awaitable[Value | None]], key_text: Callable[[Key], str] = str
    ) -> None:
        _names.add(name)
        self._topic = f"cache.{name}"
        self._load = load
        self._key_text = key_text
        self._entries: dict[str, Value] = {}
        self._generation = 0
        self._hears = False
        self._listening_to: bus.Bus | None = None

    async def get(self, key: Key) -> Value | None:
        """The value of a key, from this process's memory where it is there."""
        text = self._key_text(key)
        value = self._entries.get(text)
        if value is not None:
            return value
        await self._listen()
        generation = self._generation
        value = await self._load(key)
        # A change that arrived while loading makes what was loaded old: answer it, but do not keep it.
        if value is not None and self._hears and generation == self._generation:
            if len(self._entries) >= MAX_ENTRIES:
                self._entries.clear()
            self._entries[text] = value
        return value

    def invalidate(self, key: Key) -> None:
        """Drop a key here and in every other process. Call it after the commit, before answering."""
        text = self._key_text(key)
        self._forget(text.encode())
        bus.publish(self._topic, text.encode())

    async def invalidate_async(self, key: Key) -> None:
        """The same from the event loop."""
        text = self._key_text(key)
        self._forget(text.encode())
        await bus.publish_async((self._topic, text.encode()))

    def _forget(self, text: bytes) -> None:
        self._generation += 1
        if text:
            self._entries.pop(text.decode(), None)
        else:
            self._entries.clear()

    async def _listen(self) -> None:
        current = bus.process_bus()
        if self._listening_to is not current:
            self._listening_to = current
            self._hear(False)
            await current.listen(self._topic, self._forget, self._hear)

    def _hear(self, hears: bool) -> None:
        """What was loaded before may have changed unheard."""
        self._hears = hears
        self._forget(b"")
