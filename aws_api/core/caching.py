"""Metadata that hot operations read (queues, tables, keys): kept per process, dropped when any process changes it."""

from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

from aws_api.core.execution import run_on_loop
from aws_api.core.forgetting import Word, forgetters, process_forgetting

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MAX_ENTRIES = 10_000


def forget_everything() -> None:
    """Drop all that any process keeps: after an account's rows changed by the thousand, behind the services' backs."""
    run_on_loop(_tell((name, "") for name in tuple(forgetters)))


class MetadataCache(Generic[Key, Value]):
    """``await cache.get(key)`` loads on a miss; ``invalidate(key)`` drops it everywhere.

    A change counts from the next request on, in every process: its invalidation returns when no process answers by the
    old value any more (forgetting.py). Nothing is kept, and each read loads, while a process's word might be missed.

    ``name`` is the cache's in all processes; ``load`` returns None for what does not exist, which is not kept. A key
    whose text is empty means all keys.
    """

    def __init__(
        self, name: str, load: Callable[[Key], Awaitable[Value | None]], key_text: Callable[[Key], str] = str
    ) -> None:
        self._name = name
        self._load = load
        self._key_text = key_text
        self._entries: dict[str, Value] = {}
        self._generation = 0
        forgetters[name] = self._forget

    async def get(self, key: Key) -> Value | None:
        """The value of a key, from this process's memory where it is there."""
        text = self._key_text(key)
        forgetting = process_forgetting()
        if not forgetting.is_sure():
            await forgetting.make_sure()
        if forgetting.is_sure():
            value = self._entries.get(text)
            if value is not None:
                return value
        hears, generation = forgetting.hears, self._generation
        value = await self._load(key)
        # A change that arrived while loading makes what was loaded old: answer it, but do not keep it.
        if value is not None and hears and generation == self._generation:
            if len(self._entries) >= MAX_ENTRIES:
                self._entries.clear()
            self._entries[text] = value
        return value

    def invalidate(self, key: Key) -> None:
        """Drop a key here and in every other process, from plain code. Call it after the commit, before answering."""
        run_on_loop(self.invalidate_async(key))

    async def invalidate_async(self, key: Key) -> None:
        """The same from the event loop."""
        await _tell([(self._name, self._key_text(key))])

    def _forget(self, text: str) -> None:
        self._generation += 1
        if text:
            self._entries.pop(text, None)
        else:
            self._entries.clear()


async def _tell(words: Iterable[Word]) -> None:
    await process_forgetting().tell(words)
