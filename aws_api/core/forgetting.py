"""What processes keep of rows is forgotten everywhere before a change is answered: a word to all, and its echoes.

Who changed rows tells every process on the bus and waits until each has said that it forgot. For processes that cannot
say so (ended, hung, cut off from the broker) the wait is bounded, and that is enough: a process is sure of what it
keeps only for ``SURE_S`` after it last asked the broker whether it had heard every word, and is not asked again
meanwhile. So whoever did not hear is not sure any more when the change is answered (docs/decisions/0032).
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from functools import cache
from itertools import count
from typing import Any

import orjson
import redis

from aws_api.core import bus
from aws_api.core.ids import new_uuid

TOPIC = "forget"
#: How long a process trusts what it keeps, and so the longest that a change waits for a process that does not answer.
SURE_S = 0.2
#: The longest that a change waits for a broker that is there but does not answer.
BROKER_S = 2.0
#: Between two attempts to reach a broker that is away.
RETRY_S = 1.0
#: Changes that come while so many words are under way share the next one.
MAX_UNDER_WAY = 2
#: More that could not be told to anybody are not kept: processes that hear the broker again have forgotten everything.
MAX_WORDS = 10_000

#: What to forget: the name of a cache and the text of a key; empty for all of it.
Word = tuple[str, str]

#: The caches of this process by name.
forgetters: dict[str, Callable[[str], None]] = {}


class Forgetting:
    """One event loop's end: tells words, echoes those of others, and knows whether it has heard them all."""

    def __init__(self) -> None:
        self._bus = bus.process_bus()
        self._joining: asyncio.Task[None] | None = None
        self._hearing = asyncio.Event()
        self._sure_until = 0.0
        self._ask_again_at = 0.0
        self._asking: asyncio.Task[None] | None = None
        self._echo_topic = f"{TOPIC}.{new_uuid()}"
        self._numbers = count()
        self._echoes: dict[int, asyncio.Semaphore] = {}
        self._words: set[Word] = set()
        self._next: asyncio.Task[None] | None = None
        self._places = asyncio.Semaphore(MAX_UNDER_WAY)
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def hears(self) -> bool:
        """Whether every word from now on is heard, or the caches are emptied."""
        return self._hearing.is_set()

    def is_sure(self) -> bool:
        """Whether all words have been heard whose changes are answered."""
        now = time.monotonic()
        if now >= self._sure_until:
            return False
        if now > self._sure_until - SURE_S / 2 and self._asking is None and self.hears:
            self._asking = self._start(self._ask(now))
        return True

    async def make_sure(self) -> None:
        """Ask the broker, if it is there, so that ``is_sure`` is right again; also to be called before all else."""
        await self._join()
        now = time.monotonic()
        if not self.hears or now < self._ask_again_at:
            return
        if self._asking is None:
            self._asking = self._start(self._ask(now))
        await asyncio.shield(self._asking)

    async def tell(self, words: Iterable[Word]) -> None:
        """Return when no process is sure of what the words are about unless it read it since."""
        for name, key in words:
            self._words.add((name, key))
            _forget(name, key)
        if self._next is None:
            self._next = self._start(self._tell_next())
        # Who told may go away; the word must not.
        await asyncio.shield(self._next)

    async def _tell_next(self) -> None:
        await self._join()
        async with self._places:
            words, self._words, self._next = self._words, set(), None
            if not await self._tell(words) and len(self._words) + len(words) <= MAX_WORDS:
                self._words |= words
                asyncio.get_running_loop().call_later(RETRY_S, self._retry)

    async def _tell(self, words: set[Word]) -> bool:
        """Whether anybody was told; this process listens, so somebody is where the broker is."""
        number, echoes, told = next(self._numbers), asyncio.Semaphore(0), 0
        self._echoes[number] = echoes
        loop = asyncio.get_running_loop()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(BROKER_S) as limit:
                    told = await bus.tell_async(TOPIC, orjson.dumps((self._echo_topic, number, list(words))))
                    limit.reschedule(loop.time() + SURE_S)
                    for _ in range(told):
                        await echoes.acquire()
                    if not told:
                        await asyncio.sleep(SURE_S)
        finally:
            del self._echoes[number]
        return told > 0

    def _retry(self) -> None:
        if self._words and self._next is None:
            self._next = self._start(self._tell_next())

    async def _join(self) -> None:
        if self._joining is None:
            self._joining = self._start(self._listen())
        if not self._joining.done():
            await asyncio.shield(self._joining)

    async def _listen(self) -> None:
        # In this order: who hears words also hears echoes.
        await self._bus.listen(self._echo_topic, self._hear_echo)
        await self._bus.listen(TOPIC, self._hear, self._hear_from_now)
        with suppress(TimeoutError):
            async with asyncio.timeout(SURE_S):
                await self._hearing.wait()

    def _hear_from_now(self, hears: bool) -> None:
        """What was loaded before may have changed unheard."""
        if hears:
            self._hearing.set()
        else:
            self._hearing.clear()
        for name in forgetters:
            _forget(name, "")

    def _hear(self, payload: bytes) -> None:
        echo_topic, number, words = orjson.loads(payload)
        for name, key in words:
            _forget(name, key)
        echo = str(number).encode()
        if echo_topic == self._echo_topic:
            self._hear_echo(echo)
        else:
            self._start(bus.publish_async((echo_topic, echo)))

    def _hear_echo(self, echo: bytes) -> None:
        # One that comes too late is nobody's any more.
        if echoes := self._echoes.get(int(echo)):
            echoes.release()

    async def _ask(self, asked_at: float) -> None:
        try:
            async with asyncio.timeout(SURE_S):
                await self._bus.catch_up()
            self._sure_until = asked_at + SURE_S
        except (TimeoutError, redis.ConnectionError, redis.TimeoutError):
            # Whoever reads meanwhile reads rows, and does not wait for a broker that hangs.
            self._ask_again_at = time.monotonic() + RETRY_S
        finally:
            self._asking = None

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task


def process_forgetting() -> Forgetting:
    """The running event loop's."""
    return _forgetting_of(asyncio.get_running_loop())


@cache
def _forgetting_of(_loop: asyncio.AbstractEventLoop) -> Forgetting:
    return Forgetting()


def _forget(name: str, key: str) -> None:
    if forget := forgetters.get(name):
        forget(key)
